package settings_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/settings"
)

// What is read as the default is named, and nothing else; the value of the hint
// is one that is understood.
func TestOddSettings(t *testing.T) {
	for _, c := range []struct {
		key  string
		good []string
		odd  []string
		as   string
	}{
		{"crosslink.sync", []string{"auto", "background", "manual", ""}, []string{"manuel", "Manual", "true"}, "'auto'"},
		{"crosslink.syncInterval", []string{"0", "10", "3600"}, []string{"10s", "-1", "", "1.5"}, "if it were not set"},
		{"crosslink.pushesPerMinute", []string{"0", "60"}, []string{"many", "1k"}, "if it were not set"},
		{"crosslink.lockTimeout", []string{"0", "90"}, []string{"1h", "true"}, "60"},
		{"crosslink.hub", []string{"true", "No", "1", "0", ""}, []string{"here"}, "false"},
		{"crosslink.hooks", []string{"off"}, []string{"falsch"}, "true"},
		{"crosslink.sign", []string{"yes"}, []string{"never"}, "true"},
		{"crosslink.pushCertificate", []string{"require", ""}, []string{"required", "true"}, "if it were not set"},
		{"crosslink.pushLimit", []string{"0", "100"}, []string{"100m", "-1"}, "100"},
		{"crosslink.logLimit", []string{"0", "9999"}, []string{"1g"}, "256"},
		{"crosslink.presenceLimit", []string{"0", "3"}, []string{"few"}, "20"},
		{"crosslink.agent", []string{"anything"}, nil, ""},
	} {
		for _, v := range c.good {
			if s, _ := settings.Named(c.key); s.Odd(v) != "" {
				t.Errorf("%s=%s: %s", c.key, v, s.Odd(v))
			}
		}
		for _, v := range c.odd {
			s, _ := settings.Named(strings.ToLower(c.key))
			text := s.Odd(v)
			if !strings.HasPrefix(text, c.key+" is '"+v+"', which is ") || !strings.HasSuffix(text, ": it is read as "+c.as) {
				t.Errorf("%s=%s: %q", c.key, v, text)
			}
			if s.Choose == "" || s.Odd(s.Choose) != "" {
				t.Errorf("%s=%s: %q", c.key, v, s.Choose)
			}
		}
	}
	if s, _ := settings.Named("crosslink.sync"); len(s.Odd(strings.Repeat("x", 5000))) > 300 {
		t.Errorf("%d bytes", len(s.Odd(strings.Repeat("x", 5000))))
	}
	// the text about booleans describes what the configuration does with them
	sign, _ := settings.Named("crosslink.sign")
	for _, v := range []string{"true", "YES", "on", "false", "no", "Off", "", "0", "7", "-1", "here", "t"} {
		conf := refs.Config{{Scope: "local", Key: "crosslink.sign", Value: v}}
		if understood := conf.Bool("crosslink.sign", true) == conf.Bool("crosslink.sign", false); understood != (sign.Odd(v) == "") {
			t.Errorf("%q: understood is %v", v, understood)
		}
	}
}

// Every setting that is documented is looked at, or takes any value.
func TestEverySettingIsLookedAt(t *testing.T) {
	b, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	free := "crosslink.agent crosslink.name crosslink.me crosslink.remote crosslink.editor crosslink.signingKey crosslink.commander crosslink.scope crosslink.primeFile crosslink.committer " // the last is refused, not read as another
	keys := regexp.MustCompile("(?m)^\\| `(crosslink\\.[A-Za-z]+)` ").FindAllStringSubmatch(string(b), -1)
	if len(keys) < len(settings.All)+4 {
		t.Errorf("%d settings are documented", len(keys))
	}
	for _, k := range keys {
		s, _ := settings.Named(k[1])
		text := s.Odd("\x00")
		if isFree := strings.Contains(free, k[1]+" "); isFree == (text != "") {
			t.Errorf("%s: free is %v, %q", k[1], isFree, text)
		}
	}
}
