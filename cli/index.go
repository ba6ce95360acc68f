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
	maxMended  = 50          // of them a write puts in place of what was written of them
	indexFresh = time.Minute // it is written anew only when it is older
)

func indexPath(home string) string { return filepath.Join(home, "completion") }

// index writes down what this command saw, if the index is old; if it wrote, at
// least what changed last. What hinders it hinders nothing else.
func (e *env) index() {
	if e.saw == nil || e.opened == nil {
		return
	}
	home := e.opened.Home()
	if home == "" {
		return
	}
	path := indexPath(home)
	st, err := os.Stat(path)
	fresh := err == nil && e.now().Sub(st.ModTime()).Abs() < indexFresh
	switch f, isFile := e.saw.(*store.File); {
	case e.wrote && fresh:
		err = mendIndex(path, e.saw, st.ModTime())
	case fresh, err == nil && !e.wrote && isFile && !f.Changed().IsZero() && st.ModTime().After(f.Changed()):
		return
	default:
		err = writeIndex(path, e.saw)
	}
	e.trace.Debug().Err(err).Msg("index")
}

func writeIndex(path string, p tracker.Projection) error {
	rows, err := p.Latest(maxIndexed)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, i := range rows {
		b.WriteString(indexLine(&i))
	}
	return tracker.WriteNote(path, b.Bytes())
}

func indexLine(i *store.Named) string {
	state := "open"
	if i.Status != "open" {
		state = "closed"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\n", i.Name(), i.Short, state, oneLine(i.Title))
}

// mendIndex puts what changed last in front and leaves the rest, and its age: at
// is when all of it was written.
func mendIndex(path string, p tracker.Projection, at time.Time) error {
	rows, err := p.Latest(maxMended)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	known := map[string]bool{}
	for _, i := range rows {
		known[i.Short] = true
		b.WriteString(indexLine(&i))
	}
	n := len(rows)
	for line := range strings.Lines(string(old)) {
		if f := strings.SplitN(line, "\t", 3); len(f) == 3 && !known[f[1]] && n < maxIndexed {
			b.WriteString(line)
			n++
		}
	}
	if err := tracker.WriteNote(path, b.Bytes()); err != nil {
		return err
	}
	return os.Chtimes(path, at, at)
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
