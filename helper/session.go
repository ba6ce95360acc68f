package helper

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// The services of a git server.
const (
	uploadPack    = "git-upload-pack"
	receivePack   = "git-receive-pack"
	uploadArchive = "git-upload-archive"
)

// statusFatal is git's exit status for a fatal error.
const statusFatal = 128

// Prefix is the prefix of a URL that names this helper.
const Prefix = "crosslink::"

// Session is one run of the helper: git on In and Out, and a server.
type Session struct {
	Name string // the remote's name, or the URL if it has none
	URL  string
	Env  []string // of the process
	In   io.Reader
	Out  io.Writer
	Err  io.Writer // for people

	Config Config

	family  family
	verbose bool
	server  string // program to run instead of the service: --upload-pack
	heard   bool   // git has sent something
	seen    sniffer
}

// Run runs the session to its end. It returns the session's traffic and the exit status:
// the service's, or git's own after a fatal error.
func (s *Session) Run() (Traffic, int) {
	status, err := s.run()
	if err != nil {
		s.listen()
		fmt.Fprintf(s.Err, "fatal: %s\n", err)
		return Traffic{}, statusFatal
	}
	return s.seen.traffic(), status
}

func (s *Session) run() (int, error) {
	fetch, push := s.urls()
	if fetch == "" {
		return 0, die("remote '%s' has no URL", s.Name)
	}
	f, err := s.endpoint(fetch)
	if err != nil {
		return 0, err
	}
	p := f
	if push != fetch {
		if p, err = s.endpoint(push); err != nil {
			return 0, err
		}
	}
	switch {
	case f.Kind != Inner:
		return s.connecting(f, p)
	case push == fetch:
		return s.relay(f)
	}
	return s.undecided(f, p)
}

// endpoint parses a URL and checks whether it may be used.
func (s *Session) endpoint(url string) (Endpoint, error) {
	e, err := ParseURL(url)
	if err != nil {
		return e, err
	}
	scheme := e.Kind.String()
	if e.Kind == Inner {
		scheme = e.Scheme
	}
	if e.Kind == Inner && scheme == "crosslink" {
		return e, die("'%s' names this helper again", Prefix)
	}
	return e, s.Config.allowed(scheme, s.getenv)
}

// Prefixed reports whether git was given the URL with the prefix 'crosslink::'.
// Without it, the remote is enrolled: its `vcs` is crosslink and its URL plain.
func (s *Session) Prefixed() bool {
	if s.Name == s.URL || strings.HasPrefix(s.Name, Prefix) {
		return true
	}
	for _, key := range []string{"url", "pushurl"} {
		for _, u := range s.Config.All("remote." + s.Name + "." + key) {
			if u == Prefix+s.URL {
				return true
			}
		}
	}
	vcs, _ := s.Config.Get("remote." + s.Name + ".vcs")
	return vcs != "crosslink"
}

// urls returns the URLs to fetch from and push to. After the prefix, git has not applied
// insteadOf and pushInsteadOf; to a plain URL it has. Rules are applied once, as git does:
// the result of a rule is final, even if it is this helper.
func (s *Session) urls() (fetch, push string) {
	if !s.Prefixed() {
		u := s.URL
		if s.rewritten(u) {
			u = strings.TrimPrefix(u, Prefix)
		}
		return u, u
	}
	if s.rewritten(Prefix + s.URL) {
		return s.URL, s.URL
	}
	fetch, _ = s.Config.rewrite(s.URL, "insteadof")
	push = fetch
	if len(s.Config.All("remote."+s.Name+".pushurl")) == 0 {
		if u, ok := s.Config.rewrite(s.URL, "pushinsteadof"); ok {
			push = u
		}
	}
	return strings.TrimPrefix(fetch, Prefix), strings.TrimPrefix(push, Prefix)
}

// rewritten reports whether a rule of the configuration (url."crosslink::<base>".insteadOf)
// produced url: then git has applied all rules.
func (s *Session) rewritten(url string) bool {
	given := slices.Concat([]string{s.Name}, s.Config.All("remote."+s.Name+".url"), s.Config.All("remote."+s.Name+".pushurl"))
	for _, variable := range []string{"insteadof", "pushinsteadof"} {
		for _, u := range given {
			if to, ok := s.Config.rewrite(u, variable); ok && to == url {
				return true
			}
		}
	}
	return false
}

func (s *Session) getenv(name string) (string, bool) {
	for i := len(s.Env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(s.Env[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// listen talks to git until git asks for a connection, if git has sent nothing yet: git
// prints an error of its own if a helper ends earlier.
func (s *Session) listen() {
	if s.heard {
		return
	}
	for {
		line, err := s.line()
		if err != nil {
			return
		}
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "capabilities":
			err = s.reply("connect\noption\n")
		case "option":
			err = s.reply(s.option(rest))
		default:
			return
		}
		if err != nil {
			return
		}
	}
}

// line reads one line, byte by byte, because the bytes after the connect line belong to the
// service, which may read them from the same pipe.
func (s *Session) line() (string, error) {
	s.heard = true
	var b strings.Builder
	one := make([]byte, 1)
	for {
		n, err := s.In.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return b.String(), nil
		case n == 1:
			if b.WriteByte(one[0]); b.Len() > maxLine {
				return "", die("a line of the helper protocol is longer than %d bytes", maxLine)
			}
		case err != nil:
			return "", err
		}
	}
}

// maxLine bounds one line from git.
const maxLine = 1 << 20

func (s *Session) reply(text string) error {
	_, err := io.WriteString(s.Out, text+"\n")
	return err
}

// connecting serves ssh, paths and git://: options, then one connection. Only a push needs
// more if pushInsteadOf leads it to another helper: then that helper is asked.
func (s *Session) connecting(f, p Endpoint) (int, error) {
	capabilities := "connect\noption\n"
	if p.Kind == Inner {
		capabilities += "push\n"
	}
	var said []string
	for {
		line, err := s.line()
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "":
			return 0, nil
		case line == "capabilities":
			err = s.reply(capabilities)
		case word == "option":
			said = append(said, line)
			err = s.reply(s.option(rest))
		case word == "connect" && rest == receivePack && p.Kind == Inner:
			err = s.reply("fallback")
		case word == "connect" && rest == receivePack:
			return s.connect(p, rest)
		case word == "connect":
			return s.connect(f, rest)
		case line == "list for-push" && p.Kind == Inner:
			return s.begin(p, said, line)
		default:
			return 0, die("git asks for '%s', which was not offered", line)
		}
		if err != nil {
			return 0, err
		}
	}
}

// option handles one option and returns the answer. git handles unknown options itself,
// over the connection.
func (s *Session) option(text string) string {
	fmt.Fprintf(&s.seen, "option %s\n", text) // as if it had passed through
	name, value, _ := strings.Cut(text, " ")
	switch name {
	case "verbosity":
		s.verbose = len(value) > 1 || value > "1"
		return "ok"
	case "progress":
		return "ok"
	case "family":
		switch value {
		case "ipv4":
			s.family = ipv4
		case "ipv6":
			s.family = ipv6
		case "all":
			s.family = anyFamily
		default:
			return "error unknown family"
		}
		return "ok"
	case "servpath":
		v, ok := unquote(value)
		if !ok {
			return "error bad quoting"
		}
		s.server = v
		return "ok"
	}
	return "unsupported"
}

// connect runs a service of an endpoint until it ends.
func (s *Session) connect(e Endpoint, service string) (int, error) {
	switch service {
	case uploadPack, receivePack, uploadArchive:
	default:
		return 0, die("no such service: '%s'", service)
	}
	// the sniffer sees the line as if it had passed through
	fmt.Fprintf(&s.seen, "connect %s\n", service)
	version, err := s.Config.version(service)
	if err != nil {
		return 0, err
	}
	run := service
	if s.server != "" {
		run = s.server
	}
	if e.Kind == Daemon {
		return s.daemon(e, run, version)
	}
	command := run + " " + quote(e.Path)
	p := &program{args: []string{command}, shell: true}
	if e.Kind == SSH {
		if p, err = s.sshCommand(e, command, version); err != nil {
			return 0, err
		}
	} else {
		if run == service {
			// git would start a shell to remove the quotes
			p = &program{args: []string{service, e.Path}}
		}
		if version > 0 {
			p.env = []string{fmt.Sprintf("GIT_PROTOCOL=version=%d", version)}
		}
	}
	cmd := p.command()
	if cmd.Err != nil {
		fmt.Fprintf(s.Err, "error: cannot run %s: No such file or directory\n", p.args[0])
		return 0, die("unable to fork")
	}
	cmd.Env = append(s.serviceEnv(), p.env...)
	if err := s.reply(""); err != nil {
		return 0, err
	}
	return s.serve(cmd, service == uploadPack)
}

// serve runs a child with our stdout and stderr. Its stdin is git's too, unless look is
// set: then git's bytes are inspected on the way.
func (s *Session) serve(cmd *exec.Cmd, look bool) (int, error) {
	cmd.Stdout, cmd.Stderr = s.Out, s.Err
	if !look {
		cmd.Stdin = s.In
		return exitStatus(cmd.Run(), cmd, s.Err)
	}
	if status, err, done := s.direct(cmd); done {
		return status, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	// Not waited for: if the child ends first, nobody writes to it.
	go func() {
		io.Copy(io.MultiWriter(&s.seen, in), onlyReader{s.In})
		in.Close()
	}()
	return exitStatus(cmd.Wait(), cmd, s.Err)
}

// onlyReader keeps io.Copy from taking a shortcut around the sniffer.
type onlyReader struct{ io.Reader }

// exitStatus returns the status that git would report for a child of its own.
func exitStatus(err error, cmd *exec.Cmd, stderr io.Writer) (int, error) {
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return 0, err
	}
	w, ok := exit.Sys().(syscall.WaitStatus)
	if !ok {
		return exit.ExitCode(), nil
	}
	return ended(w, cmd.Args[0], stderr), nil
}

// ended returns the exit status for a child with that name.
func ended(w syscall.WaitStatus, name string, stderr io.Writer) int {
	if !w.Signaled() {
		return w.ExitStatus()
	}
	switch w.Signal() {
	case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE:
	default:
		fmt.Fprintf(stderr, "error: %s died of signal %d\n", name, w.Signal())
	}
	return 128 + int(w.Signal())
}

// serviceEnv returns the environment of a service, without the variables of the
// repository that git works in.
func (s *Session) serviceEnv() []string {
	env := make([]string, 0, len(s.Env)+1)
	for _, kv := range s.Env {
		name, _, _ := strings.Cut(kv, "=")
		if !localVariables[name] {
			env = append(env, kv)
		}
	}
	return env
}

// localVariables is the output of `git rev-parse --local-env-vars` of all versions.
var localVariables = map[string]bool{
	"GIT_ALTERNATE_OBJECT_DIRECTORIES": true,
	"GIT_CONFIG":                       true,
	"GIT_CONFIG_PARAMETERS":            true,
	"GIT_CONFIG_COUNT":                 true,
	"GIT_OBJECT_DIRECTORY":             true,
	"GIT_DIR":                          true,
	"GIT_WORK_TREE":                    true,
	"GIT_IMPLICIT_WORK_TREE":           true,
	"GIT_GRAFT_FILE":                   true,
	"GIT_INDEX_FILE":                   true,
	"GIT_NO_REPLACE_OBJECTS":           true,
	"GIT_REPLACE_REF_BASE":             true,
	"GIT_PREFIX":                       true,
	"GIT_INTERNAL_SUPER_PREFIX":        true,
	"GIT_SHALLOW_FILE":                 true,
	"GIT_COMMON_DIR":                   true,
	"GIT_REFERENCE_BACKEND":            true,
}
