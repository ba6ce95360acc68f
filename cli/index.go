package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
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
	maxNewer   = 50          // of them a write writes down anew
	indexAge   = time.Minute // it is written anew only when it is older

	maxNote       = 200     // bytes of a title
	maxIndexBytes = 2 << 20 // more than is ever written
)

func indexPath(home string) string { return filepath.Join(home, "completion") }

// newerPath is where what changed since the index was written is, in its form.
func newerPath(path string) string { return path + ".new" }

// index writes down what this command saw, if the index is old; if it wrote, at
// least what changed last. What hinders it hinders nothing else.
func index(e *command.Env) {
	if e.Saw == nil || e.Opened == nil {
		return
	}
	home := e.Opened.Home()
	if home == "" {
		return
	}
	path := indexPath(home)
	st, err := os.Stat(path)
	fresh := err == nil && e.Now().Sub(st.ModTime()).Abs() < indexAge
	switch f, isFile := e.Saw.(*store.File); {
	case e.Wrote && fresh:
		err = updateIndex(path, e.Saw)
	case fresh, err == nil && !e.Wrote && isFile && !f.Changed().IsZero() && st.ModTime().After(f.Changed()):
		return
	default:
		err = writeIndex(path, e.Saw)
	}
	e.Trace.Debug().Err(err).Msg("index")
}

func writeIndex(path string, p tracker.Projection) error {
	rows, err := p.Latest(maxIndexed)
	if err != nil {
		return err
	}
	if err := statefile.Write(path, indexLines(rows)); err != nil {
		return err
	}
	if err := os.Remove(newerPath(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func indexLines(rows []store.Named) []byte {
	var b bytes.Buffer
	for _, i := range rows {
		state := "open"
		if i.Status != "open" {
			state = "closed"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", i.Name(), i.Short, state, truncateNote(frame.OneLine(i.Title)))
	}
	return b.Bytes()
}

// updateIndex writes down what changed last, beside the index, which is large.
func updateIndex(path string, p tracker.Projection) error {
	rows, err := p.Latest(maxNewer)
	if err != nil {
		return err
	}
	return statefile.Write(newerPath(path), indexLines(rows))
}

// readIndex reads the index, what changed last in front.
func readIndex(home string) []indexed {
	path := indexPath(home)
	newer, _ := statefile.Read(newerPath(path), maxIndexBytes) // there need be none
	b, err := statefile.Read(path, maxIndexBytes)
	if err != nil {
		return nil
	}
	all := parseIndex(string(newer))
	known := map[string]bool{}
	for _, i := range all {
		known[i.short] = true
	}
	for _, i := range parseIndex(string(b)) {
		if !known[i.short] {
			all = append(all, i)
		}
	}
	return all
}

// parseIndex takes an index apart. It may hold anything: what is not as
// indexLines writes it is passed over.
func parseIndex(s string) []indexed {
	var all []indexed
	for line := range strings.Lines(s) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 || len(all) == maxIndexed || f[0] != f[1] && !isNumber(f[0]) || !isShort(f[1]) || f[2] != "open" && f[2] != "closed" {
			continue
		}
		all = append(all, indexed{name: f[0], short: f[1], title: truncateNote(f[3]), closed: f[2] == "closed"})
	}
	return all
}

func isNumber(s string) bool {
	return s != "" && len(s) <= 20 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// isShort reports whether a word is a uuid or the beginning of one.
func isShort(s string) bool {
	return len(s) >= 7 && len(s) <= 36 && strings.Trim(s, "0123456789abcdef-") == "" && s[0] != '-'
}

// truncateNote is what of a title stands beside its id.
func truncateNote(title string) string {
	if len(title) <= maxNote {
		return title
	}
	return strings.ToValidUTF8(title[:maxNote], "") + "…"
}
