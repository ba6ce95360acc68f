package reading

import (
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Decided is this replica's verdict on the ledger.
type Decided struct {
	Reader *ledger.Reader
	Metas  *replay.MetaChain
	View   ledger.View
	Tip    refs.OID // ref it was read from
	Lost   []refs.OID
	Bad    []ledger.Bad // invalid steps
	Err    error        // why it could not be judged: then nothing is shown as decided, and no step is made
}

// Decided reads and returns the verdict on the ledger, with the reader that judges it.
func (s *Snapshot) Decided() *Decided {
	if s.decided == nil {
		s.decided = &Decided{}
		if s.judge != nil {
			*s.decided = s.judge(s)
		}
	}
	return s.decided
}

// judgeOf returns a function that judges the ledger for a snapshot.
func (r *Reader) judgeOf(ctx context.Context) func(*Snapshot) Decided {
	return func(s *Snapshot) (d Decided) {
		d.View = ledger.View{Ledger: ledger.Empty(s.Hub)}
		d.Reader, d.Metas = r.Replays().Judge(ctx, s.State)
		d.Tip, d.Lost, d.Bad, d.Err = s.Ledger.Ref, s.Lost(), s.Ledger.Bad, s.Ledger.Err
		if d.Err == nil || s.NewerRules() { // the known numbers are used; locks are not shown
			view, err := r.Replays().View(ctx, s.State)
			if d.Err == nil {
				d.Err = err
			}
			d.View = view
		}
		return d
	}
}

// Judged is the stored verdict on the ledger, so that the next command judges only new
// steps.
type Judged struct {
	Hub   string `json:"hub"`
	Tip   string `json:"tip"`
	Step  string `json:"step"`
	Since uint64 `json:"since"`
	// Bad are the invalid steps below Tip, the newest replay.MaxBad.
	Bad []ledger.Bad `json:"bad,omitempty"`
}

// maxJudged bounds the size of such a file.
const maxJudged = 1 << 20

func (r *Reader) judgedPath() string { return filepath.Join(r.o.Home, "judged.json") }

// JudgedBefore returns the verdict of an earlier command. If the file is missing or wrong,
// the chain is only judged from its root again.
func (r *Reader) JudgedBefore(hub string) replay.LedgerState {
	var note Judged
	b, err := statefile.Read(r.judgedPath(), maxJudged)
	if err != nil || json.Unmarshal(b, &note) != nil || note.Hub != hub || !r.isCommit(note.Tip) || note.Step != "" && !r.isCommit(note.Step) {
		return replay.LedgerState{}
	}
	r.judged = note.Tip
	return replay.LedgerState{Tip: note.Tip, Step: note.Step, Since: note.Since, Bad: note.Bad}
}

func (r *Reader) isCommit(id string) bool { return r.local().Format().Valid(refs.OID(id)) }

// NoteJudged stores the verdict on the ledger.
func (r *Reader) NoteJudged(note Judged) { r.o.Judged(r.judgedPath(), note) }

// metasPath is the file with the verdicts on meta tips.
func (r *Reader) metasPath() string { return filepath.Join(r.o.Home, "metas.json") }

// metasBefore returns an earlier command's verdicts on meta tips.
func (r *Reader) metasBefore() []replay.MetaNote {
	b, err := statefile.Read(r.metasPath(), maxJudged)
	if err != nil || json.Unmarshal(b, &r.metas) != nil {
		r.metas = nil
	}
	return r.metas
}

// NoteMetas stores the verdicts on meta tips if they are new.
func (r *Reader) NoteMetas(ctx context.Context) {
	now := r.Replays().Metas(ctx).Notes()
	if len(now) == 0 && len(r.metas) == 0 || reflect.DeepEqual(now, r.metas) {
		return
	}
	r.metas = now
	r.o.Judged(r.metasPath(), now)
}

// ReplaceMetas stores the verdicts of a judge that started without earlier ones, and
// forgets all others.
func (r *Reader) ReplaceMetas(judge *replay.MetaChain) {
	r.o.Judged(r.metasPath(), judge.Notes())
	r.replays = nil
	r.RemoveStore()
}

// noteJudged stores the verdict on the ledger if it is new, and reports invalid steps.
func (r *Reader) noteJudged(was, s *replay.State) {
	if bad := r.Replays().NewBad(); len(bad) > 0 {
		r.o.BadSteps(bad)
	}
	if l := &s.Ledger; l.Err == nil && l.Tip != "" && l.Tip != r.judged && l.Tip != was.Ledger.Tip {
		r.judged = l.Tip
		r.NoteJudged(Judged{s.Hub, l.Tip, l.Step, l.Since, l.Bad})
	}
}
