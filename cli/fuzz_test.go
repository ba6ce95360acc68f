package cli

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzIndex: what is no line of an index is passed over, the others are read.
func FuzzIndex(f *testing.F) {
	f.Add("1\tabcd123\topen\tfix the flux\n2\tabce123\tclosed\twrite\n")
	f.Add("\t\t\t\n1\t2\n\x00\xff\t\t\t\t\t")
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		all := parseIndex(s)
		for _, i := range all {
			state := map[bool]string{true: "closed", false: "open"}[i.closed]
			fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", i.name, i.short, state, i.title)
		}
		if again := parseIndex(b.String()); fmt.Sprint(again) != fmt.Sprint(all) {
			t.Fatalf("%v became %v", all, again)
		}
		if more := parseIndex(strings.TrimSuffix(s, "\n") + "\n7\tabcd123\topen\tlast\n"); len(more) == 0 || more[len(more)-1].name != "7" {
			t.Fatalf("the last line is lost: %v", more)
		}
	})
}
