package place

import (
	"context"
	"slices"
	"sync"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// held is how many trackers a Library holds open.
const held = 12

// Library lends projections to pages. It holds the trackers that were used
// last.
type Library struct {
	o    Options
	held int

	mu    sync.Mutex
	books []*book // the one used last is the last
}

type book struct {
	path string
	mu   sync.Mutex // held while it is read
	t    *tracker.Tracker
	at   string // state of the git directory
}

// NewLibrary returns a library with nothing in it.
func NewLibrary(o Options) *Library { return &Library{o: o, held: held} }

// View is a projection with the agent that would write.
type View struct {
	tracker.Projection
	Agent string
	Names *people.Names
	t     *tracker.Tracker
}

// viewOf lends a projection of a tracker.
func viewOf(p tracker.Projection, t *tracker.Tracker) View {
	return View{p, t.Agent(), people.NewNames(p), t}
}

// Pushes returns how many pushes to the hub its limit still allows; nil if it has no limit.
func (v View) Pushes(ctx context.Context) (*tracker.PushBudget, error) { return v.t.Pushes(ctx) }

// Self returns which agents are the person who works here.
func (v View) Self(ctx context.Context) (*people.Self, error) { return v.t.Self(ctx, v.Projection) }

// Trust returns who may write, and the state of each log.
func (v View) Trust(ctx context.Context) (*tracker.Trust, error) { return v.t.Trust(ctx) }

// Prove returns the proof of one line of a log; nil if there is none.
func (v View) Prove(ctx context.Context, agent string, seq uint64) (*tracker.Proof, error) {
	return v.t.Prove(ctx, agent, seq)
}

// Read lends do the projection of the repository at a path, as it is here. It
// must not be used after do returns.
func (l *Library) Read(ctx context.Context, path string, do func(View) error) error {
	b, old := l.take(path)
	for _, o := range old {
		o.mu.Lock()
		o.close()
		o.mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer l.shelve(b)
	if b.t != nil && stateOf(gitDir(b.t)) != b.at {
		b.close()
	}
	if b.t == nil {
		t, err := l.o.open(ctx, path, nil)
		if err != nil {
			return err
		}
		b.t, b.at = t, stateOf(gitDir(t))
	}
	view, err := b.t.Read(ctx, tracker.Offline)
	if err != nil {
		b.close() // the cached state may be the cause
		return err
	}
	return do(viewOf(view, b.t))
}

// shelve closes a book that had to make room while it was read.
func (l *Library) shelve(b *book) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.books, b) {
		b.close()
	}
}

func (b *book) close() {
	if b.t != nil {
		b.t.Close()
		b.t = nil
	}
}

// take returns the book of a path, and those that have to make room for it.
func (l *Library) take(path string) (b *book, old []*book) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := slices.IndexFunc(l.books, func(b *book) bool { return b.path == path })
	if k >= 0 {
		b = l.books[k]
		l.books = slices.Delete(l.books, k, k+1)
	} else {
		b = &book{path: path}
	}
	l.books = append(l.books, b)
	for len(l.books) > l.held {
		old = append(old, l.books[0])
		l.books = l.books[1:]
	}
	return b, old
}

// Close closes all trackers.
func (l *Library) Close() {
	l.mu.Lock()
	all := l.books
	l.books = nil
	l.mu.Unlock()
	for _, b := range all {
		b.mu.Lock()
		b.close()
		b.mu.Unlock()
	}
}

// Receipt is what a write left behind.
type Receipt struct {
	Agent string
	Sync  tracker.Confirmation
	Lines []*event.Envelope
	Notes []string // what there is to say besides
}

// Write lets the agent of the repository at a path emit what build returns.
// What the hub does not confirm at once is sent in the background.
func (l *Library) Write(ctx context.Context, path string, build func(View, *tracker.Tracker) ([]event.Body, error)) (*Receipt, error) {
	var r Receipt
	var err error
	r.Notes, err = l.Change(ctx, path, func(t *tracker.Tracker) error {
		done, err := t.Emit(ctx, tracker.EmitOptions{}, func(p tracker.Projection) ([]event.Body, error) {
			return build(viewOf(p, t), t)
		})
		if err == nil {
			r.Agent, r.Sync, r.Lines = done.Agent, done.Sync, done.Lines
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// Change calls do with a writable tracker and returns the notices it produced.
func (l *Library) Change(ctx context.Context, path string, do func(*tracker.Tracker) error) (notes []string, err error) {
	t, err := tracker.Open(ctx, tracker.Options{Dir: path, Environ: l.o.environ(), Now: l.o.Now, Program: l.o.Program, Unwatched: true,
		Notice: func(n fail.Notice) { notes = append(notes, n.Text) }})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	err = do(t)
	return notes, err
}
