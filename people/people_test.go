package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// world is a projection of agents, one on each line: "<id> <name>", with '?' before the
// id if no approved key signed, and '-' if it retired.
func world(t *testing.T, text string) *store.Memory {
	t.Helper()
	s, marks := reducer.New(), map[string]string{}
	at := event.Time(1)
	say := func(id string, seq uint64, b event.Body) {
		c := event.Chain{Hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", Agent: id, Seq: seq - 1, Hash: strings.Repeat("A", 43)}
		if at++; seq == 1 {
			c.Hash = ""
		}
		e := &event.Envelope{Body: b}
		if _, err := c.Stamp(e, at, 0); err != nil {
			t.Fatal(err)
		}
		s.Apply(e)
	}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		flags := id[:len(id)-len(strings.TrimLeft(id, "?-"))]
		id = id[len(flags):]
		say(id, 1, &event.AgentIntroduced{Kind: event.Person, Name: name})
		if strings.Contains(flags, "?") {
			marks[id] = "unapproved"
		}
		if strings.Contains(flags, "-") {
			say(id, 2, &event.AgentRetired{})
		}
	}
	return store.NewMemory(s, nil, nil).WithMarks(func(agent string, _ uint64) string { return marks[agent] })
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ about, agents, brief string }{
		{"a name stands for the id", "alice-1 Alice", "Alice"},
		{"no name", "alice-1", "alice-1"},
		{"one name, two agents", "alice-1 Alice\nalice-2 Alice", "Alice (alice-1), Alice (alice-2)"},
		{"names that differ in case", "alice-1 Alice L\nalice-2 ALICE L", "Alice L (alice-1), ALICE L (alice-2)"},
		{"an unapproved agent takes no name", "alice-1 Alice\n?eve-1 Alice", "Alice, Alice (eve-1)"},
		{"two unapproved agents", "?alice-1 Alice\n?eve-1 Alice", "Alice (alice-1), Alice (eve-1)"},
		{"a retired agent leaves its name", "alice-1 Alice\n-alice-0 Alice", "Alice, Alice (alice-0)"},
		{"an unapproved agent takes no name of a retired one", "-alice-1 Alice\n?eve-1 Alice", "Alice, Alice (eve-1)"},
		{"a name that is the id of another", "alice-1 Alice\neve-1 alice-1", "Alice, alice-1 (eve-1)"},
		{"the same in upper case", "alice-1 Alice\neve-1 ALICE-1", "Alice, ALICE-1 (eve-1)"},
		{"a name that is its own id", "alice-1 alice-1", "alice-1"},
		{"a name that would pass for an id", "eve-1 Alice (alice-1)", "eve-1"},
		{"a letter of another script", "alice-1 Alice\neve-1 Аlice", "Alice, Аlice (eve-1)"},
		{"a whole name of another script", "sara-1 Сара\neve-1 Capa\npaul-1 ΡΟΜΑ\nroma-1 poma", "Сара (sara-1), Capa (eve-1), ΡΟΜΑ (paul-1), poma"},
		{"names of other scripts", "sara-1 Сара\nnikos-1 Νίκος Smith\nada-1 Ada Іваненко", "Сара, Νίκος Smith, Ada Іваненко"},
		{"a name that is not shown takes none away", "alice-1 Alice L\neve-1 Alice  L", "Alice L, eve-1"},
		{"a name that turns text", "eve-1 A\u202elice", "eve-1"},
	} {
		m := world(t, c.agents)
		n := people.NewNames(m)
		var all []string
		for line := range strings.Lines(c.agents) {
			id, _, _ := strings.Cut(strings.Trim(line, "?-\n"), " ")
			all = append(all, n.Brief(id))
		}
		if got := strings.Join(all, ", "); got != c.brief {
			t.Errorf("%s: %s, want %s", c.about, got, c.brief)
		}
	}
	n := people.NewNames(world(t, "alice-1 Alice\nbob-1 bob-1\ncarl-1"))
	if got := []string{n.Full("alice-1"), n.Full("bob-1"), n.Full("carl-1"), n.Full("octocat"), n.Name("alice-1"), n.Name("carl-1")}; !slices.Equal(got, []string{"Alice (alice-1)", "bob-1", "carl-1", "octocat", "Alice", ""}) {
		t.Errorf("%q", got)
	}
	if got := n.Briefs([]string{"alice-1", "octocat"}); !slices.Equal(got, []string{"Alice", "octocat"}) {
		t.Errorf("%q", got)
	}
}

func TestFind(t *testing.T) {
	const agents = `
alice-box-1 Alice Liddell
alice-lap-2 Alice Liddell
bob-box-1 Bob Miller
carl-box-1 bob-box-1
?eve-box-1 Bob Miller
-bob-old-1 Bob Miller
dave-box-1
`
	m := world(t, agents)
	self := &people.Self{Agent: "alice-box-1", Agents: []string{"alice-box-1", "alice-lap-2", "al"}, Principals: map[string][]string{"bob@example.com": {"bob-box-1"}, "carol@example.com": nil}}
	for word, want := range map[string]string{
		"@me": "alice-box-1 alice-lap-2 al", "@this": "alice-box-1",
		"alice-lap-2": "alice-lap-2", "alice-lap-2@crosslink": "alice-lap-2", "bob@example.com": "bob-box-1", "carol@example.com": "",
		"Alice Liddell": "alice-box-1 alice-lap-2", " alice  LIDDELL": "alice-box-1 alice-lap-2",
		"bob miller": "bob-box-1", // neither the retired nor the unapproved one
		"bob-box-1":  "bob-box-1", // an id, although it is also somebody's name
		"bob":        "bob-box-1", "Bob": "bob-box-1", "dave": "dave-box-1", "eve": "eve-box-1",
		"al": "", "alic": "", "nobody": "", "": "", " ": "", "@you": "", "miller": "",
	} {
		if got := strings.Join(people.Find(m, self, word), " "); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	hidden := world(t, "alice-1 Alice L\neve-1 Alice  L\nadam-1 Bob  L\n")
	for word, want := range map[string]string{"alice l": "alice-1", "Bob L": "", "bob": ""} {
		if got := strings.Join(people.Find(hidden, &people.Self{}, word), " "); got != want {
			t.Errorf("%q: %q, want %q: a name that is not shown names nobody", word, got, want)
		}
	}
	for word, want := range map[string]bool{"@me": false, "@this": false, "@mе": true, "@Me": true, "@thіs": true, "@bob": false, "me": false} {
		if got := people.LooksLikeMe(word); got != want {
			t.Errorf("%q looks like @me: %v", word, got)
		}
	}
	if got := people.Find(m, &people.Self{}, "@this"); got != nil {
		t.Errorf("%q", got)
	}
	for word, want := range map[string]string{
		"bobo": "Bob Miller (bob-box-1), bob-box-1 (carl-box-1)", "ALICIA": "Alice Liddell (alice-box-1), Alice Liddell (alice-lap-2)",
		"太郎": "Alice Liddell (alice-box-1), Alice Liddell (alice-lap-2)",
	} {
		if got := strings.Join(people.Near(m, word, 2), ", "); got != want {
			t.Errorf("near %q: %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct{ ids, want string }{
		{"alice-lap-2 alice-box-1", "alice-box-1"}, {"alice-lap-2", "alice-lap-2"}, {"alice-lap-2 bob-box-1", ""}, {"bob-box-1", "bob-box-1"}, {"", ""}, {"alice-lap-2 al", "alice-lap-2"},
	} {
		if got := self.One(strings.Fields(c.ids)); got != c.want {
			t.Errorf("one of %q: %q, want %q", c.ids, got, c.want)
		}
	}
}

func TestSelf(t *testing.T) {
	signed := map[string][]string{"k1": {"alice-1", "alice-2"}, "k2": {"alice-3"}, "k3": {"bob-1"}, "k4": {"bob-2"}}
	for _, c := range []struct {
		about string
		f     people.Facts
		want  string
	}{
		{"nobody", people.Facts{}, ""},
		{"one clone", people.Facts{Agent: "alice-1", Here: []string{"alice-9", "alice-1"}}, "alice-1 alice-9"},
		{"nobody wrote in this worktree", people.Facts{Here: []string{"alice-9", "alice-1"}}, "alice-1 alice-9"},
		{"one key", people.Facts{Agent: "alice-2", Own: []string{"k1"}}, "alice-2 alice-1"},
		{"a principal", people.Facts{Agent: "alice-2", Own: []string{"k1"}, Principals: map[string][]string{"a@b": {"k1", "k2"}, "c@d": {"k3"}}}, "alice-2 alice-1 alice-3"},
		{"another's principal", people.Facts{Agent: "alice-2", Principals: map[string][]string{"c@d": {"k3", "k4"}}}, "alice-2"},
		{"the setting", people.Facts{Agent: "alice-2", Also: []string{"alice", "c@d"}, Principals: map[string][]string{"c@d": {"k3", "k4"}}}, "alice-2 alice bob-1 bob-2 c@d"},
		{"a program", people.Facts{Agent: "bot-1", Program: true, Here: []string{"alice-1"}, Own: []string{"k1"}, Principals: map[string][]string{"a@b": {"k1", "k2"}}, Also: []string{"bot-0"}}, "bot-1 bot-0"},
	} {
		c.f.Signed = signed
		s := people.SelfOf(c.f)
		if got := strings.Join(s.Agents, " "); got != c.want || s.Agent != c.f.Agent {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
	s := people.SelfOf(people.Facts{Signed: signed, Principals: map[string][]string{"c@d": {"k4", "k3", "k9"}, "e@f": {"k9"}}})
	if fmt.Sprint(s.Principals) != "map[c@d:[bob-1 bob-2] e@f:[]]" {
		t.Error(s.Principals)
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]string{
		"@alice": "alice", "ask @alice-box-k3fa, please": "alice-box-k3fa", "(@bob) and @Carol.": "bob Carol", "@alice @bob": "alice bob",
		"@alice: look\n@bob": "alice bob", "@太郎": "太郎", "a@example.com": "", "git@host:a/b": "", "@@alice": "", "@": "", "@ alice": "", "user/@alice": "", "@-x": "", "": "", "**@alice**": "alice", "`@alice`": "alice",
	} {
		if got := strings.Join(people.Mentions(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if n := len(people.Mentions(strings.Repeat("@a ", 1000))); n != 50 {
		t.Errorf("%d words of a long text", n)
	}
}
