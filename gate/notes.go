package gate

import (
	"encoding/json"
	"slices"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// notes are stored verdicts on the ledger and the archive, so that a push costs only its
// new steps. If the file is missing, old or cannot be written, the chains are only judged
// from their first steps again.
type notes struct {
	path string
	Hub  string `json:"hub"`
	Tips []note `json:"tips"` // oldest first

	Archive string `json:"archive,omitempty"` // the last valid tip of the archive
}

// note is one judged tip: the nearest valid step at or below it, "" if there is none, and
// how many invalid ones are between.
type note struct {
	Tip   string `json:"tip"`
	Step  string `json:"step"`
	Since uint64 `json:"since"`
}

// maxNotes is more than the number of pushes that may run at once: each has the tip it
// found and the one it would leave.
const maxNotes = 32

// maxNoteBytes bounds the size of the file.
const maxNoteBytes = 64 << 10

func readNotes(path, hub string) *notes {
	n := &notes{path: path}
	if path == "" {
		return n
	}
	if b, err := statefile.Read(path, maxNoteBytes); err == nil && json.Unmarshal(b, n) == nil && n.Hub == hub {
		return n
	}
	return &notes{path: path, Hub: hub}
}

func (n *notes) of(tip string) (note, bool) {
	i := slices.IndexFunc(n.Tips, func(x note) bool { return x.Tip == tip })
	if i < 0 || tip == "" {
		return note{}, false
	}
	return n.Tips[i], true
}

// view returns the ledger at a stored tip.
func (x note) view(src ledger.Source, hub string) (ledger.View, bool) {
	v := ledger.View{Tip: x.Tip, Step: x.Step, Ledger: ledger.Empty(hub), Since: x.Since}
	if x.Step == "" {
		return v, true
	}
	files, whole, err := src.Files(x.Step)
	if err != nil || !whole {
		return v, false
	}
	l, err := ledger.Decode(files)
	if err != nil || l.Hub != hub {
		return v, false
	}
	v.Ledger = l
	return v, true
}

// add stores a view.
func (n *notes) add(v ledger.View) {
	x := note{v.Tip, v.Step, v.Since}
	if was, ok := n.of(v.Tip); v.Tip == "" || ok && was == x || n.path == "" {
		return
	}
	n.Tips = append(slices.DeleteFunc(n.Tips, func(o note) bool { return o.Tip == v.Tip }), x)
	n.Tips = n.Tips[max(0, len(n.Tips)-maxNotes):]
	n.write()
}

// setArchive stores a valid tip of the archive.
func (n *notes) setArchive(tip string) {
	if n.Archive != tip && n.path != "" {
		n.Archive = tip
		n.write()
	}
}

func (n *notes) write() {
	b, err := json.Marshal(n)
	if err != nil {
		return
	}
	_ = statefile.Write(n.path, append(b, '\n'))
}
