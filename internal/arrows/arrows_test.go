package arrows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/git-crosslink/git-crosslink"

// rule lists which of our packages a package may import, and the reason.
type rule struct {
	may string // packages, separated by spaces
	why string
	// pure packages see no clock, no randomness, no file, no process, no log.
	pure bool
}

// rules is the picture of docs/architecture.md, arrow by arrow. A package that
// is not here may import nothing of ours.
var rules = map[string]rule{
	"event/canon": {pure: true, why: "canonical JSON knows no event"},
	"event":       {pure: true, may: "event/canon", why: "the vocabulary is the bottom: it knows bytes, no rule and no file"},
	"reducer":     {pure: true, may: "event event/canon", why: "the state follows from events alone; what is stored or fetched must not matter"},
	"trust":       {pure: true, may: "event event/canon", why: "a verdict follows from bytes alone"},
	"trust/keys":  {may: "event trust internal/statefile", why: "private keys have one place; everything that is decided about signatures is in trust"},

	"ledger":  {pure: true, may: "event event/canon", why: "a decision follows from the lines its step covers alone, never from a reducer's state"},
	"archive": {pure: true, may: "event", why: "whether a log may be folded follows from what a step says, the log and the ledger; who asks reads them"},
	"syncer":  {pure: true, why: "what is sent and when follows from what was answered: a hub, a clock and tips are values, so that races and refusals are tested without git"},

	"fail":     {pure: true, why: "what went wrong is a code and fields; which command helps is known to the surface that shows it"},
	"settings": {pure: true, may: "fail", why: "a setting has the same values for a clone and for a server"},

	"refs":          {why: "what storage must do, and what logs and objects look like; it moves bytes, knows no issue, no file and no process, so that it can be replaced"},
	"refs/disk":     {may: "refs internal/statefile internal/system", why: "the locks and syncs that all processes in one repository share, whoever moves the refs"},
	"refs/native":   {may: "refs refs/disk internal/fault internal/statefile", why: "it works on a repository's files; what only git can do is handed to it as a refs.Local, so it starts no process"},
	"refs/git":      {may: "refs refs/disk refs/native internal/fault internal/statefile internal/system", why: "git is started here, and a replica is opened with the implementation that fits"},
	"refs/memory":   {may: "refs", why: "a repository and a hub in memory, for tests"},
	"refs/refstest": {may: "refs", why: "one suite for every implementation of refs"},

	"replay":            {may: "archive delta event ledger refs trust", why: "what refs say follows from objects alone: no store, no clock, no file, no command"},
	"replay/replaytest": {may: "delta event", why: "a store for tests, that keeps what it is told"},

	"reading": {may: "delta event ledger reducer refs replay store trust internal/note internal/statefile", why: "what a command knows of its replica: what replay read, in the store that was brought to it; it moves no ref and asks no hub"},

	"delta": {pure: true, may: "event", why: "it is data between the reader of logs and a store, so that neither knows the other"},
	"store": {may: "delta event reducer internal/statefile internal/system", why: "a projection answers questions about a state; it fetches nothing and decides nothing"},

	"people": {pure: true, may: "event reducer store", why: "who somebody is follows from what is known of agents: names are claims, and no file or setting is read here"},

	"hubs": {
		may: "fail refs syncer internal/note internal/statefile",
		why: "which hub there is, what was seen of it and how it is talked with; to it events are bytes and branches are names",
	},
	"agents": {may: "event fail internal/note internal/statefile ledger refs trust trust/keys internal/system", why: "who writes follows from files, environment, configuration and meta as they are handed in; it reads no log and talks to no hub"},

	"rewrite": {pure: true, may: "event fail", why: "a log that is written again follows from its lines and a plan, for whoever needs that: a fork, another hub, an importer"},

	"rewrite/anew": {may: "agents event fail ledger refs replay rewrite trust trust/keys", why: "a hub that is written again follows from what is known of it; whether it is put in place is its caller's"},

	"migrate": {
		may: "agents clone delta event fail hubs ledger reading reducer refs replay store trust",
		why: "a hub of the original becomes one of ours in a clone: it reads, compares and pushes; what a fetch brought is taken over by its caller",
	},

	"syncer/drive": {
		may: "fail hubs refs syncer",
		why: "what the machine decides is done here: over a link to a hub and an interface to a clone, and no event is seen",
	},
	"clone": {
		may: "agents event fail hubs internal/note internal/statefile ledger reading refs refs/git replay standing store syncer trust trust/keys internal/system people",
		why: "what one command has of its clone: it opens, reads and explains, takes over nothing from the hub and writes no event",
	},
	"accept": {
		may: "event fail hubs ledger reading refs replay trust",
		why: "what is believed of a fetch follows from objects and from what was believed before; who applies it moves the refs",
	},
	"exchange": {
		may: "accept agents archive clone event fail hubs ledger reading refs replay rewrite syncer syncer/drive trust trust/keys",
		why: "a clone's side of an exchange with its hub: it takes over, binds, decides and publishes; it appends no event",
	},
	"ownlog": {
		may: "accept agents clone event exchange fail hubs internal/fault reading reducer refs replay rewrite trust",
		why: "it appends to the own log; whether somebody waits for the hub, and what a command means, is its caller's",
	},
	"standing": {pure: true, may: "event reading store", why: "how a lock stands follows from a projection"},
	"found": {
		may: "agents clone event exchange fail hubs ledger migrate ownlog reading refs replay rewrite rewrite/anew store syncer/drive trust trust/keys",
		why: "a hub is made, joined, put back or detached by what exchange and ownlog do; no command stands on it",
	},
	"members": {
		may: "agents clone event fail hubs ownlog people reading reducer refs replay trust trust/keys",
		why: "who may write is told, and changed by meta commits; no event is written",
	},
	"checkup": {
		may: "accept agents clone event exchange fail hubs internal/note ledger migrate ownlog reading refs refs/git replay settings store syncer people internal/statefile",
		why: "it looks, writes no event and sends nothing; what helps is known to the surface",
	},
	"tracker": {
		may: "agents checkup clone event exchange fail found hubs ledger members migrate ownlog people reading reducer refs replay standing store syncer syncer/drive accept",
		why: "the conductor puts steps in order; it and its rooms are the only packages of a clone that see both core and edges",
	},
	"hooks": {
		may: "refs refs/git tracker internal/shell internal/statefile fail internal/system",
		why: "a hook starts the tracker and asks git where it is; what it says is the command line's to print",
	},
	"gate": {
		may: "archive event ledger replay trust refs refs/git tracker fail settings internal/shell internal/statefile",
		why: "on a server a push is judged by the core's rules over objects in quarantine: no state, no store, no commands",
	},
	"verb": {
		pure: true, may: "event reducer store tracker fail importer people",
		why: "what a command emits follows from its words and a projection, so that every surface emits the same",
	},
	"answer": {
		may: "event people reducer store tracker migrate internal/shell",
		why: "the shapes that every surface answers with are data made of rows and reports; how they are printed is the surface's",
	},
	"importer": {
		pure: true, may: "event reducer",
		why: "what another tracker holds is said in our words; where it comes from and where it goes is not known",
	},
	"cli/prime": {pure: true, why: "the text follows from what it is told; who asks and what is known is the caller's"},
	"cli/setup": {pure: true, why: "what is put into a file follows from its text; which files there are is the caller's"},
	"exporter": {
		pure: true, may: "event reducer store",
		why: "it asks a projection and writes; where the bytes go is not known",
	},
	"transfer": {
		may: "event importer ledger reducer refs store tracker",
		why: "it brings what importer reads into a tracker, for every surface",
	},
	"cli/transfer": {
		may: "answer cli/command cli/frame event exporter importer internal/shell refs/git store tracker transfer internal/statefile",
		why: "parse, open the source, print; what is imported is importer's and transfer's to know",
	},
	"cli/command": {
		may: "verb answer cli/frame event fail reducer store tracker migrate internal/statefile people",
		why: "what every command has; it knows none of them",
	},
	"cli/issue": {
		may: "verb answer cli/command cli/frame event reducer store tracker internal/shell people",
		why: "commands about issues ask the tracker and print its answers; refs and trust stay behind it",
	},
	"cli/session": {
		may: "verb answer cli/command cli/frame cli/issue cli/prime event reducer store tracker people",
		why: "the commands of a working agent stand on those about issues, and not the other way round",
	},
	"cli/timing": {
		may: "verb answer cli/command cli/frame event store tracker people",
		why: "commands about time ask the tracker and print its answers; of commands about issues they know nothing",
	},
	"cli/hub": {
		may: "verb answer cli/command cli/frame cli/hints cli/setup fail event migrate reducer store tracker hooks enrol gate internal/shell internal/statefile",
		why: "commands about hubs and agents ask the tracker and print its answers; refs and trust stay behind it",
	},
	"cli/frame": {
		may: "cli/hints cli/launch fail event reducer store tracker internal/note internal/shell",
		why: "what every command shares when it talks to a person or a program; it knows no command",
	},
	"cli": {
		may: "answer cli/command cli/frame cli/hub cli/issue cli/session cli/timing cli/transfer event hooks internal/statefile store tracker internal/version people",
		why: "the tree of commands and what completes them",
	},

	"cli/hints": {pure: true, may: "fail internal/shell", why: "advice follows from a code and its fields alone"},

	"dashboard/facts":    {pure: true, may: "event people", why: "what counters and alerts need of a state is plain data, however it was read"},
	"dashboard/counters": {pure: true, may: "dashboard/facts event", why: "a number follows from facts and a time alone"},
	"dashboard/alerts":   {pure: true, may: "dashboard/counters dashboard/facts event", why: "what is wrong follows from facts and a time alone, so that a year of it can be tested in a second"},

	"cmd/git-crosslink":        {may: "cli", why: "main only"},
	"cmd/git-remote-crosslink": {may: "helper", why: "main only"},

	"helper": {may: "internal/statefile internal/system", why: "it carries bytes between git and a server and knows no tracker, so that it starts fast and cannot fail with it"},
	"enrol":  {may: "internal/shell internal/statefile", why: "it writes git's configuration and knows no tracker"},

	"internal/gotest": {may: "internal/system", why: "it runs go test; it knows no package of ours"},

	"internal/version":   {why: "which version this is has one place"},
	"internal/release":   {may: "enrol internal/version", why: "it builds programs as they are; of what they do it knows what an installer puts beside them"},
	"internal/system":    {why: "what differs between operating systems is in one place"},
	"internal/shell":     {pure: true, why: "text becomes a word of a shell in one way"},
	"internal/statefile": {may: "internal/shell internal/system", why: "a file beside the replica is read and written in one way, by whoever has one there"},

	"internal/note": {may: "fail internal/statefile", why: "a small file beside the replica is read and written as JSON, and what is in its place is explained, in one way"},

	"internal/bench":    {may: "event reducer refs refs/git refs/native enrol internal/system", why: "it measures programs as they are, and these from inside, and makes the data they are measured on"},
	"internal/soak":     {may: "internal/testkit", why: "it runs the programs as users do, and knows their answers only"},
	"internal/manpage":  {may: "cli cli/frame internal/messages", why: "the manual is made from the texts of help, the list of messages from the source"},
	"internal/messages": {may: "cli/hints fail", why: "messages are found in the source, with their hints"},

	"internal/oracle": {
		may: "event reducer",
		why: "a second, slow reducer to compare the first with; only tests import it",
	},
	"internal/testkit": {
		may: "event event/canon reducer trust refs store tracker hooks internal/fault internal/system",
		why: "tests may look at everything below the command line; only tests import testkit",
	},
}

// planned may have rules before they exist.
var planned = []string{}

// testOnly must not be reached from a program.
var testOnly = []string{"testing", "internal/oracle", "internal/testkit", "internal/tokens", "github.com/pkoukk", "refs/memory", "refs/refstest", "replay/replaytest", "github.com/rogpeppe/go-internal", "pgregory.net/rapid"}

// mayTest are the packages that exist for tests.
var mayTest = []string{"internal/oracle", "internal/testkit", "internal/tokens", "refs/refstest", "replay/replaytest", "internal/soak"}

// impure are packages of the standard library that let the world in.
var impure = map[string]string{
	"os": "files and environment", "os/exec": "processes", "os/signal": "processes", "io/fs": "files",
	"path/filepath": "files", "net": "network", "net/http": "network", "syscall": "the system",
	"math/rand": "randomness", "math/rand/v2": "randomness", "crypto/rand": "randomness",
	"log": "a log", "log/slog": "a log", "runtime": "the machine",
	"context": "cancellation: a pure function is never cut short",
}

// impureCalls are functions of packages that are pure otherwise.
var impureCalls = map[string]string{
	"time.Now": "a clock", "time.Since": "a clock", "time.Until": "a clock", "time.Sleep": "a clock",
	"time.After": "a clock", "time.NewTimer": "a clock", "time.Tick": "a clock", "time.Local": "the machine",
	"uuid.New": "randomness", "uuid.NewString": "randomness", "uuid.NewRandom": "randomness", "uuid.NewUUID": "a clock",
	"fmt.Print": "a stream", "fmt.Println": "a stream", "fmt.Printf": "a stream",
}

// starts are the packages that may start a process, and which.
var starts = map[string]string{
	"refs/git": "git", "helper": "what git would start for a remote", "trust/keys": "ssh-keygen", "hooks": "ps, to ask what called a hook",
	"clone": "a sync in the background", "cli/frame": "the editor, the pager, git var and git config",
	"internal/system": "none: it isolates the commands of others", "internal/gotest": "go test", "internal/release": "git, go and nfpm", "internal/bench": "git and our programs, to measure them",
}

// TestWhoStartsProcesses: git is started in one place, with a prepared
// environment. Other packages that start programs are listed by name.
func TestWhoStartsProcesses(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		if slices.Contains(mayTest, p.short()) || !slices.Contains(p.Imports, "os/exec") {
			continue
		}
		if seen[p.short()] = true; starts[p.short()] == "" {
			t.Errorf("%s starts processes: git is for refs/git to start, anything else has to be named in 'starts'", p.short())
		}
	}
	for name := range starts {
		if !seen[name] {
			t.Errorf("%s starts no processes any more", name)
		}
	}
}

type pkg struct {
	Dir, ImportPath, Doc      string
	GoFiles, IgnoredGoFiles   []string
	Imports                   []string
	TestGoFiles, XTestGoFiles []string
}

func (p *pkg) short() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func packages(t *testing.T) []*pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=Dir,ImportPath,Doc,GoFiles,IgnoredGoFiles,Imports,TestGoFiles,XTestGoFiles", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []*pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, &p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

// forbidden returns what is wrong with one package importing another.
func forbidden(from, to string) string {
	r := rules[from]
	mine, ours := strings.CutPrefix(to, module+"/")
	if !ours {
		if why, bad := impure[to]; bad && r.pure {
			return fmt.Sprintf("%s imports '%s': it is pure, that is %s", from, to, why)
		}
		mine = to
	}
	if !slices.Contains(mayTest, from) {
		for _, p := range testOnly {
			if mine == p || strings.HasPrefix(mine, p+"/") {
				return fmt.Sprintf("%s imports '%s': only tests may", from, mine)
			}
		}
	}
	if !ours || slices.Contains(strings.Fields(r.may), mine) {
		return ""
	}
	if r.why == "" {
		return fmt.Sprintf("%s imports %s: it has no rule; add one to internal/arrows and to docs/architecture.md", from, mine)
	}
	return fmt.Sprintf("%s imports %s: %s", from, mine, r.why)
}

func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.short()] = true
		for _, to := range p.Imports {
			if why := forbidden(p.short(), to); why != "" {
				t.Error(why)
			}
		}
	}
	for name, r := range rules {
		for _, to := range append(strings.Fields(r.may), name) {
			if _, ok := rules[to]; !ok && to != "internal/fault" {
				t.Errorf("the rule of %s names %s, which has none", name, to)
			}
			if !seen[to] && !slices.Contains(planned, to) {
				t.Errorf("the rule of %s names %s, which does not exist", name, to)
			}
		}
	}
}

func TestArrowsCanFail(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"event", module + "/reducer", "the vocabulary is the bottom"},
		{"reducer", "os", "it is pure"},
		{"reducer", module + "/store", "the state follows from events alone"},
		{"refs", module + "/event", "knows no issue"},
		{"cli/issue", module + "/refs", "stay behind it"},
		{"cli/frame", module + "/cli/command", "it knows no command"},
		{"cmd/git-crosslink", module + "/tracker", "main only"},
		{"cli", "testing", "only tests may"},
		{"tracker", module + "/internal/testkit", "only tests may"},
		{"somewhere", module + "/event", "it has no rule"},
		{"internal/testkit", "testing", ""},
		{"store", module + "/reducer", ""},
		{"tracker", "os", ""},
	} {
		got := forbidden(c.from, c.to)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s → %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestPurePackagesCallNothingImpure(t *testing.T) {
	for _, p := range packages(t) {
		if !rules[p.short()].pure {
			continue
		}
		for _, f := range p.GoFiles {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, f), nil, 0)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, bad := range impureIn(set, file) {
				t.Error(bad)
			}
		}
	}
}

func impureIn(set *token.FileSet, file *ast.File) (bad []string) {
	names := map[string]string{} // as written → package
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		base := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			names[i.Name.Name] = base
		} else {
			names[base] = base
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				call := names[x.Name] + "." + s.Sel.Name
				if why, is := impureCalls[call]; is {
					bad = append(bad, fmt.Sprintf("%s: %s: the package is pure, that is %s", set.Position(s.Pos()), call, why))
				}
			}
		}
		return true
	})
	return bad
}

func TestImpureCallsAreSeen(t *testing.T) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", "package x\nimport clock \"time\"\nvar _ = clock.Now()\nvar _ = clock.Second\n", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := impureIn(set, file); len(got) != 1 {
		t.Errorf("found %v", got)
	}
}

// surfaces are what people see, with all packages below them: they know the command
// line.
var surfaces = []string{"mcp", "cli", "dashboard", "helper", "cmd"}

// signatures are literals that name the program in a file that it writes: they are
// how it knows the file again, and no advice.
var signatures = map[string]int{
	"gate":  5, // the lines around the gate's block in git's configuration, and its hook
	"hooks": 2, // the first line of a hook, and how one of somebody else calls it
	"enrol": 2, // the comments in files that git's configuration includes
}

// TestNoCommandBelowTheSurfaces: what went wrong is a code and fields (package
// fail); which command helps is known to the surface that shows it. A sentence of
// the command line in the conductor could be shown by no other surface.
func TestNoCommandBelowTheSurfaces(t *testing.T) {
	seen := map[string]int{}
	for _, p := range packages(t) {
		name := p.short()
		if strings.HasPrefix(name, "internal/") || slices.ContainsFunc(surfaces, func(s string) bool { return name == s || strings.HasPrefix(name, s+"/") }) {
			continue
		}
		for _, f := range p.GoFiles {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, f), nil, 0)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, at := range commandsIn(file) {
				if seen[name]++; seen[name] > signatures[name] {
					t.Errorf("%s: a command of the command line: say what happened with a code of package fail, and what helps in cli/hints", set.Position(at))
				}
			}
		}
	}
	for name, n := range signatures {
		if seen[name] < n {
			t.Errorf("%s names the program in %d places, not in %d", name, seen[name], n)
		}
	}
}

func commandsIn(file *ast.File) (at []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && strings.Contains(lit.Value, "git crosslink") {
			at = append(at, lit.Pos())
		}
		return true
	})
	return at
}

// TestPackagesSayWhatTheyAre: a package comment is the first thing a reader
// of a package sees.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue // tests only
		}
		if len(p.Doc) < 20 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// differs are files for one system outside internal/system, and why.
var differs = map[string]string{
	"helper/direct_linux.go": "one thread that carries bytes between git and a child, with calls of Linux alone",
	"helper/direct_other.go": "the same elsewhere: not at all",
}

// everywhere are names of package syscall that mean the same on every system
// the program is built for.
var everywhere = []string{"EACCES", "EDQUOT", "EISDIR", "ENOSPC", "ENOTDIR", "EPIPE", "EROFS", "Errno", "RawConn", "SIGINT", "SIGPIPE", "SIGQUIT", "SIGTERM", "Signal", "WaitStatus"}

// TestSystemsDifferInOnePlace: a package that builds on Linux builds on Windows,
// because only internal/system has files for one system and calls it.
func TestSystemsDifferInOnePlace(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := p.short()
		if name == "internal/system" || name == "internal/soak" || slices.Contains(mayTest, name) {
			continue // internal/soak runs on Linux alone
		}
		for _, f := range append(p.GoFiles, p.IgnoredGoFiles...) {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, f), nil, parser.ParseComments)
			if err != nil {
				t.Error(err)
				continue
			}
			bad := systemIn(set, f, file)
			if at := name + "/" + f; differs[at] != "" {
				seen[at] = len(bad) > 0
				continue
			}
			for _, b := range bad {
				t.Errorf("%s: %s: what differs between systems is in internal/system", name, b)
			}
		}
	}
	for at := range differs {
		if !seen[at] {
			t.Errorf("%s is for every system", at)
		}
	}
}

// systemIn returns what makes a file one for some systems only.
func systemIn(set *token.FileSet, name string, file *ast.File) (bad []string) {
	base := strings.TrimSuffix(name, ".go")
	for _, system := range []string{"linux", "darwin", "windows", "freebsd", "unix"} {
		if strings.HasSuffix(base, "_"+system) {
			bad = append(bad, name+" is for "+system)
		}
	}
	for _, g := range file.Comments {
		if strings.HasPrefix(g.List[0].Text, "//go:build ") && g.Pos() < file.Package {
			bad = append(bad, name+" has a build constraint")
		}
	}
	for _, i := range file.Imports {
		if strings.HasPrefix(i.Path.Value, `"golang.org/x/sys`) {
			bad = append(bad, name+" imports "+i.Path.Value)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "syscall" && !slices.Contains(everywhere, s.Sel.Name) {
				bad = append(bad, fmt.Sprintf("%s: syscall.%s", set.Position(s.Pos()), s.Sel.Name))
			}
		}
		return true
	})
	return bad
}

func TestSystemsDifferenceIsSeen(t *testing.T) {
	for name, text := range map[string]string{
		"x_windows.go": "package x\n", "x.go": "//go:build unix\n\npackage x\n",
		"y.go": "package x\nimport _ \"golang.org/x/sys/unix\"\n", "z.go": "package x\nimport \"syscall\"\nvar _ syscall.Stat_t\n",
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if len(systemIn(set, name, file)) != 1 {
			t.Errorf("%s is found to be for every system", name)
		}
	}
}
