package frame

import (
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
	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
)

// Streams are the three streams of the program, and what is known about who reads and
// writes them.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	InTTY    bool
	OutTTY   bool
	ErrTTY   bool
	Width    int // of the terminal; 0 if unknown

	busy      atomic.Bool // an editor or pager uses the terminal
	keepGoing func()      // SIGPIPE no longer ends the program
}

// System is the machine that the program runs on: environment, clock,
// configuration, trace.
type System struct {
	Getenv func(string) string
	Chdir  func(string) error
	Now    func() time.Time // in the user's zone
	Trace  zerolog.Logger
	Config func(key string) (string, bool) // of the opened repository; nil before it is opened
}

// Options are the common options, and the command that runs.
type Options struct {
	verb    string // the command that runs
	quoted  int    // how many of its arguments came after '--'
	JSON    bool
	Quiet   bool
	Offline bool
	Color   string // auto, always, never
	NoPager bool
	fields  []string // of --fields; nil means all
	within  []string // the members that contain them, in an answer with other members
}

// Terminal is where a command prints: the streams, the system, and the options for output.
type Terminal struct {
	Streams
	System
	Options
	warnings []Warning // for the JSON document
	answered bool      // the JSON document has been printed
	failing  bool      // a failure is being printed: warnings go straight to stderr
}

// NewTerminal returns the terminal of this process.
func NewTerminal(now func() time.Time) *Terminal {
	t := &Terminal{
		Streams: Streams{
			In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
			InTTY: isTerminal(os.Stdin), OutTTY: isTerminal(os.Stdout), ErrTTY: isTerminal(os.Stderr),
			keepGoing: sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }),
		},
		System:  System{Getenv: os.Getenv, Chdir: os.Chdir, Trace: traceTo(os.Getenv("GIT_CROSSLINK_TRACE"), os.Stderr)},
		Options: Options{Color: "auto"},
	}
	zone := userZone(t.Getenv("TZ"))
	t.Now = func() time.Time { return now().In(zone) }
	t.Width = t.terminalWidth()
	return t
}

func isTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// terminalWidth uses COLUMNS, which git sets when it has started a pager.
func (t *Terminal) terminalWidth() int {
	if n, err := strconv.Atoi(t.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if t.OutTTY {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// IgnoreClosedPipe is called before anything is written to the tracker. From then on
// SIGPIPE does not end the program when the reader ends, because the exit status has to
// show that the change is saved.
func (s *Streams) IgnoreClosedPipe() {
	if s.keepGoing != nil {
		s.keepGoing()
	}
}

// Human reports whether a person reads stdout: a terminal, or a pager that git
// has started on one.
func (t *Terminal) Human() bool { return t.OutTTY || t.pagerInUse() }

func (s *System) pagerInUse() bool {
	switch strings.ToLower(s.Getenv("GIT_PAGER_IN_USE")) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}

// Warning is a notice in the JSON document.
type Warning struct {
	Name  string   `json:"name"`
	Text  string   `json:"text"`
	Hints []string `json:"hints"`
}

// Notice prints a notice of the tracker, on stderr or in the JSON document.
func (t *Terminal) Notice(n fail.Notice) {
	t.Warn(n.Code.Name(), hints.Text(n.Code, n.Text), hints.For(n.Code, n.Fields)...)
}

// Warn prints a notice of the command line itself.
func (t *Terminal) Warn(name, text string, hints ...string) {
	if t.JSON && !t.answered && !t.failing {
		t.warnings = append(t.warnings, Warning{name, text, append([]string{}, hints...)})
		return
	}
	if t.Quiet && name != "overruled" { // reported only once: another change replaced the user's text
		return
	}
	fmt.Fprintf(t.Err, "%s\n", OneLine(text))
	t.WriteHints(hints)
}

// Progress prints on stderr what was done. -q and --json suppress it.
func (t *Terminal) Progress(format string, args ...any) {
	if t.Quiet || t.JSON {
		return
	}
	fmt.Fprintf(t.Err, "%s\n", OneLine(fmt.Sprintf(format, args...)))
}

// Step shows the progress of a long command on stderr, in place of the previous step; an
// empty text removes it. It prints only on a terminal.
func (t *Terminal) Step(format string, args ...any) {
	if t.Quiet || t.JSON || !t.ErrTTY {
		return
	}
	fmt.Fprintf(t.Err, "\r\x1b[K%s", OneLine(fmt.Sprintf(format, args...)))
}

// Ask asks a question on the terminal, and reports whether the answer is yes.
func (t *Terminal) Ask(question string) bool {
	fmt.Fprintf(t.Err, "%s [y/N] ", question)
	answer, err := firstLine(t.In)
	if err != nil { // the terminal shows no end of line
		fmt.Fprintln(t.Err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// firstLine reads a line and nothing after it: further lines that were typed or pasted
// are for the shell.
func firstLine(in io.Reader) (string, error) {
	var line []byte
	for one := []byte{0}; one[0] != '\n'; line = append(line, one[0]) {
		if _, err := io.ReadFull(in, one); err != nil {
			return string(line), err
		}
	}
	return string(line), nil
}

// CanAsk reports whether a person at a terminal can answer. A pseudo-terminal may have no
// person; GIT_TERMINAL_PROMPT=0 means that.
func (t *Terminal) CanAsk() bool {
	return t.InTTY && t.ErrTTY && !t.JSON && !t.Quiet && IsTrue(t.Getenv("GIT_TERMINAL_PROMPT"), true)
}

// Confirm asks a question if a person can answer, and returns an error if the answer is no.
// Otherwise the command is taken as given.
func (t *Terminal) Confirm(yes bool, question, refused string) error {
	if yes || !t.CanAsk() || t.Ask(OneLine(question)) {
		return nil
	}
	return No("not-confirmed", refused)
}

// YesFlag is the option that answers a command's question in advance.
func YesFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}
}

// WriteHints prints hints on stderr.
func (t *Terminal) WriteHints(hints []string) {
	for _, h := range hints {
		fmt.Fprintf(t.Err, "hint: %s\n", t.Symbols(OneLine(h)))
	}
}

// ProgressHint prints a hint that belongs to a progress message.
func (t *Terminal) ProgressHint(command string) {
	if !t.Quiet && !t.JSON {
		t.WriteHints([]string{command})
	}
}

// unicode reports whether the locale is UTF-8.
func (s *System) unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := s.Getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// Symbols replaces symbols in our own texts that the locale cannot show.
func (s *System) Symbols(text string) string {
	if s.unicode() {
		return text
	}
	return plainSymbols.Replace(text)
}

// symbolic does the same for everything written to w.
func (s *System) symbolic(w io.Writer) io.Writer {
	if s.unicode() {
		return w
	}
	return symbolWriter{w}
}

// plainSymbols replaces the symbols in our own texts.
var plainSymbols = strings.NewReplacer("…", "...", "→", "->", "–", "-")

type symbolWriter struct{ w io.Writer }

// Write is called only with whole words.
func (s symbolWriter) Write(p []byte) (int, error) {
	if _, err := plainSymbols.WriteString(s.w, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
