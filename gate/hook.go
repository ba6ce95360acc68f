package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
)

// Hook is the input of a hook of git.
type Hook struct {
	Dir     string   // its working directory, the repository
	Environ []string // its environment
	Now     time.Time
	In      io.Reader
	Out     io.Writer // only for the exchange with git

	Advice func(fail.Code, fail.Fields) []string // returns what to print for a hint

	perRef bool
}

// PreReceive checks a whole push, which git describes in In, one line for each ref. One
// refusal refuses the whole push.
func PreReceive(ctx context.Context, h Hook) ([]*Refusal, error) {
	var push []Command
	in := bufio.NewReaderSize(h.In, 64<<10)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			c, perr := command(strings.TrimSuffix(line, "\n"))
			if perr != nil {
				return nil, perr
			}
			if Ours(c.Ref) {
				push = append(push, c)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read what is pushed: %w", err)
		}
	}
	return h.check(ctx, push)
}

// command parses `<old> SP <new> SP <ref>`.
func command(line string) (Command, error) {
	old, rest, ok := strings.Cut(line, " ")
	fresh, ref, ok2 := strings.Cut(rest, " ")
	f := formatOf(old)
	if !ok || !ok2 || ref == "" || !f.Valid(refs.OID(old)) || !f.Valid(refs.OID(fresh)) {
		return Command{}, fmt.Errorf("unexpected line from git: '%s'", plain(line))
	}
	c := Command{ref, refs.OID(old), refs.OID(fresh)}
	if c.Old == f.Zero() {
		c.Old = ""
	}
	if c.New == f.Zero() {
		c.New = ""
	}
	return c, nil
}

// formatOf returns the repository's object format, by the length of an id.
func formatOf(id string) refs.Format {
	if len(id) == 64 {
		return refs.SHA256
	}
	return refs.SHA1
}

func (h Hook) getenv(name string) string {
	v := ""
	for _, kv := range h.Environ {
		if s, ok := strings.CutPrefix(kv, name+"="); ok {
			v = s
		}
	}
	return v
}

// check judges the tracker's part of a push; without such a part it starts no process.
func (h Hook) check(ctx context.Context, push []Command) ([]*Refusal, error) {
	if len(push) == 0 {
		return nil, nil
	}
	dir := h.getenv("GIT_DIR")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(h.Dir, dir)
	}
	id := push[0].New
	if id == "" {
		id = push[0].Old
	}
	repo := git.NewServer(dir, formatOf(string(id)), h.Environ)
	defer repo.Close()
	o := Options{Now: h.Now, NotesPath: notesPath(dir), Namespace: namespace(h.getenv("GIT_NAMESPACE"))}
	conf, err := repo.Settings(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the hub's settings: %w", err)
	}
	o.Limits = limitsOf(conf)
	if o.Pusher, err = h.pusher(ctx, repo, conf); err != nil {
		return nil, fmt.Errorf("read the push certificate: %w", err)
	}
	return Check(ctx, repo, push, o)
}

// namespace returns the prefix of the refs of a git namespace.
func namespace(ns string) string {
	prefix := ""
	for part := range strings.SplitSeq(ns, "/") {
		if part != "" {
			prefix += "refs/namespaces/" + part + "/"
		}
	}
	return prefix
}

// aboveOf returns the prefix of the refs of the namespace in an environment, "" if there is
// none.
func aboveOf(environ []string) (above string) {
	for _, kv := range environ {
		if ns, ok := strings.CutPrefix(kv, "GIT_NAMESPACE="); ok {
			above = namespace(ns)
		}
	}
	return above
}

// notesPath is the file with stored verdicts; "" if nothing was installed.
func notesPath(dir string) string {
	dir = filepath.Join(dir, stateDir)
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return ""
	}
	return filepath.Join(dir, "gate.json")
}

// pusher reads the certificate, if there is one or one is required.
func (h Hook) pusher(ctx context.Context, repo *git.Server, conf refs.Config) (*PushCertificate, error) {
	said, _ := conf.Get("crosslink.pushCertificate")
	required := said == "require"
	id := refs.OID(h.getenv("GIT_PUSH_CERT"))
	if !repo.Format().Valid(id) || id == repo.Format().Zero() {
		id = ""
	}
	p, err := ReadCertificate(ctx, repo, id, h.getenv("GIT_PUSH_CERT_NONCE_STATUS"), required)
	if p != nil && id == "" && h.perRef {
		p.Blind = true
	}
	return p, err
}
