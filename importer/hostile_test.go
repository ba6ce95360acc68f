package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
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

// A table without ids names its rows by their titles: rows above, below and in
// another order change no identity. Equal titles are counted.
func TestRowsWithoutIDs(t *testing.T) {
	keys := func(source string) map[string]string {
		all := map[string]string{}
		issues, _, err := read(t, "csv", source, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range issues {
			all[i.Key] = i.Title + " " + i.Description
		}
		return all
	}
	first := keys("title,description\nalpha,1\nbeta,2\nalpha,3\n")
	if len(first) != 3 {
		t.Fatalf("%v, want three rows", first)
	}
	second := keys("title,description\nzero,0\n,\n beta ,2\nalpha,1\n\"broken \"\"\",4\nalpha,3\n")
	if len(second) != 5 {
		t.Fatalf("%v, want five rows", second)
	}
	for key, words := range first {
		if second[key] != words {
			t.Errorf("%s was %q and became %q", key, words, second[key])
		}
	}
	mixed := keys("id,title\n1,alpha\n,alpha\n")
	if mixed["1"] == "" || len(mixed) != 2 {
		t.Errorf("%v, want an id that is said and one of the title", mixed)
	}
	if n := maxColumns + 10; len(keys("title,description\nalpha,1"+strings.Repeat(",x", n)+"\nalpha,2\n")) != 1 {
		t.Error("a row with too many cells is read")
	}
}

// Semicolons and tabs separate cells, too, where commas give no titles.
func TestSeparators(t *testing.T) {
	for _, source := range []string{
		"id;title;status\n1;one, or \"two\";closed\n2;\"three;four\";open\n",
		"\ufeffid\ttitle\tstatus\r\n1\tone, or \"two\"\tclosed\r\n2\tthree;four\topen\r\n",
	} {
		issues, _, err := read(t, "csv", source, Options{})
		if err != nil || !slices.Equal(titles(issues), []string{`1=one, or "two"`, "2=three;four"}) || issues[0].Status != event.Closed {
			t.Errorf("%q: %v, %v", source, titles(issues), err)
		}
	}
	issues, _, err := read(t, "csv", "title,a;b;c\none;1,x\n", Options{})
	if err != nil || len(issues) != 1 || issues[0].Title != "one;1" {
		t.Errorf("a header with commas: %v, %v", titles(issues), err)
	}
	if issues, _, err = read(t, "csv", "Key;Name\n1;one\n", Options{Columns: map[string]string{"Name": "title"}}); err != nil || len(issues) != 1 || issues[0].Title != "one" {
		t.Errorf("a mapped column: %v, %v", titles(issues), err)
	}
	_, _, err = read(t, "csv", "id;name\n1;one\n", Options{})
	if not, ok := errors.AsType[*FormatError](err); !ok || !not.Titles || !strings.Contains(not.Text, "id;name") {
		t.Errorf("%v, want that no column has the titles", err)
	}
	// cells are counted by what separates them
	if _, _, err := read(t, "csv", "title;"+strings.Repeat("x;", 2*maxColumns)+"\na;b\n", Options{}); err == nil {
		t.Error("a header of too many columns is read")
	}
}

// Data after an array, or a missing end of the array, is never ignored.
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
