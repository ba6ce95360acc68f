package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// The index is what completion reads: the issues of the state that a command of
// this clone saw last, in <git dir>/crosslink. Asking the tracker would take
// longer than a person waits for a key. It is a note, no truth: without it
// nothing is completed until the next command that reads.

// indexed is one issue of the index.
type indexed struct {
	name, short, title string
	closed             bool
}

const (
	maxIndexed = 5000        // issues; those changed last
	indexFresh = time.Minute // a read writes it anew only when it is older
)

func indexPath(home string) string { return filepath.Join(home, "completion") }

// index writes down what this command saw, if it wrote or the index is old.
// What hinders it hinders nothing else.
func (e *env) index() {
	if e.saw == nil || e.opened == nil {
		return
	}
	home := e.opened.Home()
	if home == "" {
		return
	}
	path := indexPath(home)
	if st, err := os.Stat(path); err == nil && !e.wrote {
		f, nothingNew := e.saw.(*store.File)
		if e.now().Sub(st.ModTime()).Abs() < indexFresh || nothingNew && !f.Changed().IsZero() && st.ModTime().After(f.Changed()) {
			return
		}
	}
	err := writeIndex(path, e.saw)
	e.trace.Debug().Err(err).Msg("index")
}

func writeIndex(path string, p tracker.Projection) error {
	rows, err := p.Latest(maxIndexed)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, i := range rows {
		state := "open"
		if i.Status != "open" {
			state = "closed"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", i.Name(), i.Short, state, oneLine(i.Title))
	}
	return tracker.WriteNote(path, b.Bytes())
}

func readIndex(home string) []indexed {
	b, err := os.ReadFile(indexPath(home))
	if err != nil {
		return nil
	}
	return parseIndex(string(b))
}

// parseIndex takes an index apart, whatever it may hold.
func parseIndex(s string) []indexed {
	var all []indexed
	for line := range strings.Lines(s) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 || f[0] == "" {
			continue
		}
		all = append(all, indexed{name: f[0], short: f[1], title: f[3], closed: f[2] == "closed"})
	}
	return all
}
