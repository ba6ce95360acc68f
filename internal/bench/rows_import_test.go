package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// The dump that is imported has the issues and comments that the row promises.
func TestDump(t *testing.T) {
	path := filepath.Join(t.TempDir(), "issues.json")
	if err := dump(path, 100); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	numbers, ids := map[int]bool{}, map[string]bool{}
	for line := range bytes.Lines(data) {
		var i struct {
			Number   int
			Title    string
			URL      string
			Comments []struct{ ID, Body string }
		}
		if err := json.Unmarshal(line, &i); err != nil || i.Title == "" || i.URL == "" {
			t.Fatalf("%s: %v", line, err)
		}
		numbers[i.Number] = true
		for _, c := range i.Comments {
			ids[c.ID] = c.Body == usual
		}
	}
	if len(numbers) != 100 || len(ids) != 400 {
		t.Errorf("%d issues and %d comments", len(numbers), len(ids))
	}
}
