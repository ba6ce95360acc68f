package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// What a filter asks is asked of the file, so that a page reads its own rows and none of
// those that the filter leaves out, and the total counts all that it lets through.
func TestPagesReadTheirRows(t *testing.T) {
	w, last := crowd(t, 200)
	for n := range 200 {
		u := event.UUID{byte(n), byte(n >> 8), 0xaa, byte(n * 7), byte(n * 31 >> 8)}
		if n%4 != 0 {
			w.say(t, &event.LabelAdded{Issue: u, Label: "bug"})
			w.say(t, &event.AssigneeAdded{Issue: u, Assignee: "bob"})
		}
	}
	w.say(t, &event.CommentAdded{Issue: last, Comment: event.UUID{0xcc}, Author: "alice", Content: "as in #7, not\n #70", CreatedAt: 1, Kind: "note"})
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text          string
		f             store.Filter
		total, read   int
		first, second string
	}{
		"no label":    {f: store.Filter{NoLabel: true, Limit: 5}, total: 50, read: 5},
		"without":     {f: store.Filter{Without: []string{"bug"}, Limit: 5}, total: 50, read: 5},
		"unassigned":  {f: store.Filter{Unassigned: true, Limit: 5}, total: 50, read: 5},
		"author":      {f: store.Filter{Authors: []string{"alice"}, Limit: 5}, total: 200, read: 5},
		"nobody":      {f: store.Filter{Authors: []string{"bob"}, Limit: 5}, total: 0, read: 0},
		"at least":    {f: store.Filter{Priority: event.High, AtLeast: true, Limit: 5}, total: 0, read: 0},
		"unlocked":    {f: store.Filter{Unlocked: true, Limit: 5}, total: 200, read: 5},
		"closed":      {f: store.Filter{Status: "closed", ClosedSince: 1, Limit: 5}, total: 0, read: 0},
		"phrase":      {text: `"flux 12"`, f: store.Filter{Limit: 5, Sort: "number"}, total: 11, read: 5, first: "flux 12", second: "flux 120"},
		"no phrase":   {text: `"12 flux"`, f: store.Filter{Limit: 5}, total: 0, read: 0},
		"white space": {text: `"not #70"`, f: store.Filter{Limit: 5}, total: 1, read: 1, first: "flux 199"},
		"number":      {text: "#7", f: store.Filter{Limit: 5}, total: 2, read: 2, first: "flux 6", second: "flux 199"},
		"one number":  {text: "#7", f: store.Filter{Limit: 1}, total: 2, read: 1, first: "flux 6"},
		"filtered":    {text: "#7", f: store.Filter{Limit: 5, NoLabel: true}, total: 0, read: 1}, // to know its number
		"and a word":  {text: "#7 flux", f: store.Filter{Limit: 5}, total: 2, read: 2, first: "flux 6", second: "flux 199"},
	} {
		f := mustFile(t, s, w)
		rows, total, err := f.Search(c.text, c.f)
		if c.text == "" {
			rows, total, err = f.List(c.f)
		}
		var titles []string
		for _, i := range rows {
			titles = append(titles, i.Title)
		}
		if read := store.RowsRead(f); err != nil || total != c.total || read != c.read || len(rows) != min(total, c.f.Limit) {
			t.Errorf("%s: %d of %d, %d rows read, %v; not %d of %d", name, len(rows), total, read, err, c.read, c.total)
		}
		want := slices.DeleteFunc([]string{c.first, c.second}, func(s string) bool { return s == "" })
		if got := titles[:min(len(titles), len(want))]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, not %q", name, titles, want)
		}
		f.Close()
	}
}

// A part of a list, from whichever end, reads its own rows and not those before it.
func TestPartsReadTheirRows(t *testing.T) {
	w, _ := crowd(t, 200)
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	for _, sort := range store.Sorts {
		for _, reverse := range []bool{false, true} {
			all := mustFile(t, s, w)
			rows, _, err := all.List(store.Filter{Sort: sort, Reverse: reverse})
			if err != nil || len(rows) != 200 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			f := mustFile(t, s, w)
			part, total, err := f.List(store.Filter{Sort: sort, Reverse: reverse, After: rows[149].UUID, Limit: 5})
			if err != nil || total != 50 || len(part) != 5 || part[0].UUID != rows[150].UUID || part[4].UUID != rows[154].UUID {
				t.Errorf("%s, reverse %t: %d of %d, %v", sort, reverse, len(part), total, err)
			}
			if n := store.RowsRead(f); n != 5 {
				t.Errorf("%s, reverse %t: %d rows read", sort, reverse, n)
			}
			part, total, err = f.List(store.Filter{Sort: sort, Reverse: reverse, Skip: 150, Limit: 5})
			if err != nil || total != 200 || len(part) != 5 || part[0].UUID != rows[150].UUID || store.RowsRead(f) != 5 {
				t.Errorf("%s, reverse %t: %d of %d, %d rows read, %v", sort, reverse, len(part), total, store.RowsRead(f), err)
			}
			f.Close()
			all.Close()
		}
	}
}

// The newest lines are read without the others, wherever a part of them begins.
func TestNewestReadsItsLines(t *testing.T) {
	w, _ := crowd(t, 500)
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	for _, from := range []int{500, 250, 20} {
		f := mustFile(t, s, w)
		filter := store.LineFilter{Limit: 10}
		if from < 500 {
			filter.Before = w.lines[from].Key()
		}
		got, err := f.Newest(filter)
		if err != nil || len(got) != 10 || got[0].Seq != uint64(from) || got[9].Seq != uint64(from-9) {
			t.Errorf("from %d: %d lines, %v", from, len(got), err)
		}
		if n := store.LinesRead(f); n > 30 {
			t.Errorf("from %d: %d lines read", from, n)
		}
		f.Close()
	}
}
