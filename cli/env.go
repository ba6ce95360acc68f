package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// hub is what commands need of *tracker.Tracker, whose comments are the
// contract.
type hub interface {
	Agent() string
	Config(key string) (string, bool)
	Read(context.Context, tracker.Freshness) (tracker.Projection, error)
	Emit(context.Context, tracker.EmitOptions, func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error)
	Claim(context.Context, event.UUID, tracker.ClaimOptions) (*tracker.Claim, error)
	Refreshed() (now bool, last time.Time)
	Sync(context.Context, tracker.SyncOptions) (*tracker.SyncReport, error)
	Init(context.Context, tracker.InitOptions) (*tracker.InitReport, error)
	Status(context.Context) (*tracker.Status, error)
	Fsck(ctx context.Context, full bool) (*tracker.FsckReport, error)
	Doctor(ctx context.Context, offline bool) (*tracker.DoctorReport, error)
	Who(context.Context) (*tracker.Who, error)
	Trust(context.Context) (*tracker.Trust, error)
	Approve(context.Context, tracker.Approve) ([]tracker.Approved, error)
	Revoke(ctx context.Context, agent string, after *uint64, reason string) (*tracker.TrustRevocation, error)
	SetPolicy(ctx context.Context, signing string, open *bool) error
	ProofOf(ctx context.Context, agent string) (*tracker.ForkProof, error)
	Key(context.Context) (*tracker.AgentKey, error)
	RotateKey(context.Context) (was, is *tracker.AgentKey, err error)
	Fork(ctx context.Context, newID string, without ...string) (*tracker.Forked, error)
	Describe(context.Context, tracker.EmitOptions, string, event.AgentKind) (*tracker.Receipt, error)
	Retire(ctx context.Context, o tracker.EmitOptions, reason string) (*tracker.Receipt, error)
	Heartbeat(context.Context, tracker.HeartbeatOptions) (*tracker.Heartbeat, error)
	Detach(ctx context.Context, remote string) (*tracker.Detached, error)
	MintUUID() event.UUID
	Home() string
	Hub() (remote, url string)
	Close() error
}

var _ hub = (*tracker.Tracker)(nil)

// env is the outside world as one command sees it, and the options every
// command has.
type env struct {
	in       io.Reader
	out, err io.Writer
	inTTY    bool
	outTTY   bool
	errTTY   bool
	width    int // of the terminal; 0 is unknown
	now      func() time.Time
	getenv   func(string) string
	chdir    func(string) error

	keepGoing func()                             // SIGPIPE ends the program no more
	open      func(context.Context) (hub, error) // called once, by the first command that needs it
	trace     zerolog.Logger

	lent     atomic.Bool // an editor or pager has the terminal
	opened   hub
	verb     string // the command that runs
	asJSON   bool
	quiet    bool
	offline  bool
	color    string // auto, always, never
	noPager  bool
	warnings []warning          // told under --json
	answered bool               // the JSON document is out
	failing  bool               // errors are being reported: notices go straight to stderr
	cutShort bool               // a write is kept, and a signal ended what came after it
	wrote    bool               // something was written to the tracker
	saved    bool               // something was done that a script must not do again
	saw      tracker.Projection // what was read last
	asked    time.Time          // when the hub was asked for an id that is not here
}

// skew is added to the clock. Only the linker sets it, for programs that 'make
// soak' builds to have a clock that is wrong.
var skew string

func clock() func() time.Time {
	by, err := time.ParseDuration(skew)
	if err != nil || by == 0 {
		return time.Now
	}
	return func() time.Time { return time.Now().Add(by) }
}

func newEnv() *env {
	e := &env{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTTY:  terminal(os.Stdin),
		outTTY: terminal(os.Stdout),
		errTTY: terminal(os.Stderr),
		getenv: os.Getenv,
		chdir:  os.Chdir,
		color:  "auto",

		keepGoing: sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }),
	}
	now, zone := clock(), userZone(e.getenv("TZ"))
	e.now = func() time.Time { return now().In(zone) }
	e.width = e.terminalWidth()
	e.trace = traceTo(e.getenv("GIT_CROSSLINK_TRACE"), os.Stderr)
	e.open = func(ctx context.Context) (hub, error) {
		program, err := os.Executable()
		if err != nil {
			program = ""
		}
		t, err := tracker.Open(ctx, tracker.Options{Now: e.now, Program: program, Notice: e.notice, Ask: e.inTTY && e.outTTY && !e.asJSON,
			Detached: tracker.IsDetached(e.getenv)})
		if err != nil {
			return nil, err
		}
		return hooked{t, e}, nil
	}
	return e
}

func terminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// terminalWidth honours COLUMNS, which git sets when it has started a pager.
func (e *env) terminalWidth() int {
	if n, err := strconv.Atoi(e.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if e.outTTY {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// writes is called before anything is written. From then on a reader who leaves
// does not end the program by SIGPIPE: what was written has to be told by the
// exit status.
func (e *env) writes() {
	if e.keepGoing != nil {
		e.keepGoing()
	}
}

// human reports whether a person reads stdout: a terminal, or a pager that git
// has started on one.
func (e *env) human() bool { return e.outTTY || e.pagerInUse() }

func (e *env) pagerInUse() bool {
	switch strings.ToLower(e.getenv("GIT_PAGER_IN_USE")) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}

// hub opens the tracker when a command first needs it.
func (e *env) hub(ctx context.Context) (hub, error) {
	if e.opened == nil {
		h, err := e.open(ctx)
		if err != nil {
			return nil, err
		}
		e.opened = h
	}
	return e.opened, nil
}

func (e *env) closeHub() {
	if e.opened == nil {
		return
	}
	e.index()
	if err := e.opened.Close(); err != nil {
		e.trace.Debug().Err(err).Msg("close")
	}
}

// warning is a notice under --json.
type warning struct {
	Name  string   `json:"name"`
	Text  string   `json:"text"`
	Hints []string `json:"hints"`
}

// notice tells what the tracker wants read, on stderr or in the JSON document.
func (e *env) notice(n fail.Notice) {
	e.warn(n.Code.Name(), n.Text, append(hints.For(n.Code, n.Fields), n.Hints...)...)
}

// warn is a notice of the command line itself.
func (e *env) warn(name, text string, hints ...string) {
	if e.asJSON && !e.answered && !e.failing {
		e.warnings = append(e.warnings, warning{name, text, append([]string{}, hints...)})
		return
	}
	if e.quiet {
		return
	}
	fmt.Fprintf(e.err, "%s\n", frame.OneLine(text))
	e.hint(hints)
}

// talk says on stderr what happened; -q and --json silence it.
func (e *env) talk(format string, args ...any) {
	if e.quiet || e.asJSON {
		return
	}
	fmt.Fprintf(e.err, "%s\n", frame.OneLine(fmt.Sprintf(format, args...)))
}

func (e *env) hint(hints []string) {
	for _, h := range hints {
		fmt.Fprintf(e.err, "hint: %s\n", e.symbols(frame.OneLine(h)))
	}
}

// freshness is the command's wish, unless --offline forbids the hub.
func (e *env) freshness(wish tracker.Freshness) tracker.Freshness {
	if e.offline {
		return tracker.Offline
	}
	return wish
}
