package importer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func titles(issues []*Issue) (all []string) {
	for _, i := range issues {
		all = append(all, i.Key+"="+i.Title)
	}
	return all
}

// What spreadsheets and APIs write around the rows takes none away and adds none.
func TestOddSources(t *testing.T) {
	for _, c := range []struct {
		what, format, source string
		want                 []string
		skipped              string
	}{
		{"a byte order mark before a quoted header", "csv", "\ufeff\"id\",\"title\"\r\n\"1\",\"one\"\r\n", []string{"1=one"}, "map[]"},
		{"empty lines above the header", "csv", "\n\r\nid,title\n1,one\n", []string{"1=one"}, "map[]"},
		{"rows of a sheet that nobody filled", "csv", "id,title\n1,one\n,\n , \n2,two\n,\n", []string{"1=one", "2=two"}, "map[empty:3]"},
		{"a quote that nothing closes", "csv", "id,title\n1,one\n2,\"two\n3,three\n", []string{"1=one"}, "map[bad:1]"},
		{"a quoted cell of two lines at the end", "csv", "id,title\n1,\"one\ntwo\"\r\n", []string{"1=one two"}, "map[]"},
		{"pages of an API, one behind the other", "github", `[{"number":1,"title":"one"}]` + "\n" + `[{"number":2,"title":"two"}][]`, []string{"1=one", "2=two"}, "map[]"},
		{"an array below empty lines", "github", "\n\n[{\"number\":1,\n\"title\":\"one\"}]\n", []string{"1=one"}, "map[]"},
	} {
		issues, rep, err := read(t, c.format, c.source, Options{})
		if err != nil || !slices.Equal(titles(issues), c.want) || fmt.Sprint(rep.Skipped) != c.skipped {
			t.Errorf("%s: %v, skipped %v, %v; want %v, %s", c.what, titles(issues), rep.Skipped, err, c.want, c.skipped)
		}
	}
}

// What follows an array, or is missing at its end, is never passed over.
func TestBrokenArrays(t *testing.T) {
	for _, end := range []string{`] x`, `]]`, `] {}`, `] 5`, ``, `,`, `,]`} {
		if _, _, err := read(t, "github", `[{"number":1,"title":"one"}`+end, Options{}); err == nil {
			t.Errorf("an array that ends with %q was read", end)
		}
	}
}

// A comment without a name and without a time is the same one at the next import,
// which fills in another time.
func TestCommentsWithoutTime(t *testing.T) {
	source := `{"id":"bd-1","title":"one","comments":[{"text":"a"},{"text":"a"},{"text":"b"},{"text":"c","created_at":"2199-01-01T00:00:00Z"}]}`
	issue := func() *Issue {
		var got *Issue
		if err := Beads(strings.NewReader(source), Options{}, &Sink{Issue: func(i *Issue) error { got = i; return nil }, Report: &Report{}}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	first, second := issue(), issue()
	first.Fit(now, &Report{})
	second.Fit(now+1e9, &Report{})
	w := newWorld()
	names := Names{"beads", "s"}
	for _, l := range names.Create(first) {
		w.say(t, "import-beads-x2fa", l.Body)
	}
	dump := newWorld()
	for _, l := range names.Create(second) {
		dump.say(t, "import-beads-x2fa", l.Body)
	}
	u := names.Issue("bd-1")
	if n := len(side(w.all, u).Comments); n != 4 {
		t.Fatalf("%d comments, want 4", n)
	}
	if bodies, _ := Update(side(w.imported, u), side(w.all, u), side(dump.all, u), false); len(bodies) > 0 {
		t.Errorf("the second import writes %d events: %#v", len(bodies), bodies[0])
	}
}

// A column that is mapped and not there is a slip of the pen.
func TestMapOfNoColumn(t *testing.T) {
	_, _, err := read(t, "csv", "Name,x\none,1\n", Options{Columns: map[string]string{"Name": "title", "nme": "status"}})
	if err == nil || !strings.Contains(err.Error(), `no column "nme"`) {
		t.Errorf("%v, want that there is no column", err)
	}
}
