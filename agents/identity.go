package agents

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Identity says under which id a worktree writes. The rules are (docs/format.md,
// "Agents"):
//   - GIT_CROSSLINK_AGENT, then crosslink.agent, name the agent outright;
//   - else each worktree has an identity file in its git directory, made by
//     the first write;
//   - the file remembers its own inode, its path and the host. When the inode
//     differs and the path or the host does too, the file was copied: a new id
//     is minted, because two writers on one log would fork it. So was one with
//     the same inode, a second link and another path ('cp -al'). A moved
//     repository (same inode) and a restore in place (same path and host) keep
//     theirs.
type Identity struct {
	File    string // <git dir>/crosslink/identity
	Environ []string
	Config  refs.Config
}

// The sources of an id.
const (
	FromEnvironment = "environment" // GIT_CROSSLINK_AGENT
	FromConfig      = "config"      // crosslink.agent
	FromFile        = "file"        // the identity file
)

// Variable and Setting name an agent explicitly.
const (
	Variable = "GIT_CROSSLINK_AGENT"
	Setting  = "crosslink.agent"
)

// Getenv returns the value of a variable of the environment.
func (i Identity) Getenv(name string) string { return keys.Getenv(i.Environ, name) }

// Named returns the id that the user names, and where; "" if none is named.
func (i Identity) Named() (agent, source, where string) {
	if agent = i.Getenv(Variable); agent != "" {
		return agent, FromEnvironment, Variable
	}
	if agent, _ = i.Config.Get(Setting); agent != "" {
		return agent, FromConfig, Setting
	}
	return "", "", ""
}

// Agent returns this worktree's id if it is already determined, otherwise "". It writes
// nothing.
func (i Identity) Agent() (string, error) {
	if named, _, where := i.Named(); named != "" {
		if err := event.ValidAgentID(named); err != nil {
			return "", &fail.Error{Kind: fail.Denied, Code: "agent-id", Message: fmt.Sprintf("%s: %v", where, err)}
		}
		return named, nil
	}
	id, err := readIdentity(i.File)
	if err != nil || id == nil || id.copied(i.File) {
		return "", err
	}
	return id.Agent, nil
}

// Copied reports whether the identity file came here with a copy of another
// clone, so that the first write makes a new id.
func (i Identity) Copied() bool {
	id, err := readIdentity(i.File)
	return err == nil && id != nil && id.copied(i.File)
}

// Scope returns where the id is set: "environment", a scope of git's
// configuration (system, global, local, worktree or command), or "" if an
// identity file names it.
func (i Identity) Scope() string {
	if i.Getenv(Variable) != "" {
		return FromEnvironment
	}
	return i.ConfigScope()
}

// ConfigScope returns the scope of crosslink.agent, "" if it is not set.
func (i Identity) ConfigScope() (scope string) {
	for _, s := range i.Config {
		if s.Key == Setting {
			scope = s.Scope
		}
	}
	return scope
}

// InCI reports whether this is a CI job.
func (i Identity) InCI() bool { return i.Getenv("CI") != "" }

// InJob reports whether this is a CI job under an id that somebody chose. The clone, and
// everything created in it, is deleted with the job.
func (i Identity) InJob() bool {
	named, _, _ := i.Named()
	return i.InCI() && named != ""
}

// Kind returns the kind with which the agent introduces itself.
func (i Identity) Kind() event.AgentKind {
	if i.Getenv(Variable) != "" {
		return event.Machine
	}
	return event.Person
}

// NameSetting is the setting with the agent's name.
const NameSetting = "crosslink.name"

// Name returns the agent's name: crosslink.name, otherwise for a person git's user.name.
// set reports whether there is such a setting; crosslink.name may be empty, which means no
// name.
func (i Identity) Name(kind event.AgentKind) (name string, set bool) {
	if v, ok := i.Config.Get(NameSetting); ok {
		return event.DisplayName(v), true
	}
	if kind != event.Person { // the person who starts a program is somebody else
		return "", false
	}
	v, _ := i.Config.Get("user.name")
	name = event.DisplayName(v)
	return name, name != ""
}

// NoAgentInCI refuses a write of a job without a chosen id: three thousand jobs would be
// three thousand agents.
func NoAgentInCI() *fail.Error {
	return &fail.Error{Kind: fail.Denied, Code: "ci-agent",
		Message: "a CI job needs an agent id: otherwise each job would add a log to every fetch"}
}

// MayWrite returns the id to write under, "" if one may be created, and an error if not. It
// writes nothing.
func (i Identity) MayWrite() (agent string, err error) {
	if agent, err = i.Agent(); err == nil && agent == "" && i.InCI() {
		return "", NoAgentInCI()
	}
	return agent, err
}

// Settled is the id under which a worktree writes from now on.
type Settled struct {
	Agent string
	Made  bool   // just now
	Was   string // the id of the clone of which this one is a copy; "" if it is not a copy
}

// Settle returns the id to write under, and creates one if there is none yet.
func (i Identity) Settle() (Settled, error) {
	agent, err := i.MayWrite()
	if err != nil || agent != "" {
		return Settled{Agent: agent}, err
	}
	old, err := readIdentity(i.File)
	if err != nil {
		return Settled{}, err
	}
	if agent, err = writeIdentity(i.File, Mint(i.Getenv("USER")), old != nil); err != nil {
		return Settled{}, fmt.Errorf("create this worktree's identity: %w", err)
	}
	s := Settled{Agent: agent, Made: true}
	if old != nil {
		s.Was = old.Agent
	}
	return s, nil
}

// Become writes another agent into the identity file.
func (i Identity) Become(agent string) error {
	if _, err := writeIdentity(i.File, agent, true); err != nil {
		return fmt.Errorf("write this worktree's identity: %w", err)
	}
	return nil
}

// GiveUp removes the identity file if it names that agent, and reports whether
// it did.
func (i Identity) GiveUp(agent string) (bool, error) {
	id, err := readIdentity(i.File)
	if err != nil || id == nil || id.Agent != agent {
		return false, err
	}
	if err := os.Remove(i.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("give up the id of this worktree: %w", err)
	}
	return true, nil
}

// Outlived removes the id of a retired agent if only the identity file still names it: the
// process was killed after the last line of the log and before GiveUp.
func (i Identity) Outlived(agent string) (bool, error) {
	if named, _, _ := i.Named(); named != "" {
		return false, nil
	}
	return i.GiveUp(agent)
}

// CloneID returns the random name of the clone that the file at path contains, and creates
// it once; a copy of a clone gets another.
func CloneID(path string) (string, error) {
	id, err := readIdentity(path)
	if err == nil && id != nil && !id.copied(path) {
		return id.Agent, nil
	}
	return writeIdentity(path, strings.ToLower(rand.Text()), id != nil || err != nil)
}

// Mint creates an id for a user, "" for the user of this process.
func Mint(userName string) string {
	if userName == "" {
		if u, err := user.Current(); err == nil {
			userName = u.Username
		}
	}
	host, _ := os.Hostname()
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	var b [4]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return event.MintAgentID(userName, host, string(b[:]))
}

// identity is the content of an identity file.
type identity struct {
	Agent  string `json:"agent"`
	Host   string `json:"host"`
	Path   string `json:"path"`
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// maxIdentity is the largest identity file that is read.
const maxIdentity = 4 << 10

// readIdentity returns nil if there is no file.
func readIdentity(path string) (*identity, error) {
	b, err := statefile.Read(path, maxIdentity)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, note.InTheWay(err)
	}
	var id identity
	if err := json.Unmarshal(b, &id); err != nil || event.ValidAgentID(id.Agent) != nil {
		return nil, &fail.Error{Kind: fail.Denied, Code: "identity-file",
			Message: fmt.Sprintf("'%s' is not an identity file", path)}
	}
	return &id, nil
}

// copied reports whether the file at path is a copy of the one that was written.
func (id *identity) copied(path string) bool {
	fi, err := os.Lstat(path)
	if err != nil {
		return false
	}
	st, ok := system.Identify(path, fi)
	if !ok {
		return false
	}
	// a copy by hard links shares the inode, but the original is still at its place
	same := st.Inode == id.Inode && st.Device == id.Device
	if same && (st.Links < 2 || filepath.Dir(path) == id.Path) {
		return false
	}
	host, _ := os.Hostname()
	return host != id.Host || filepath.Dir(path) != id.Path
}

// writeIdentity writes the file and returns the agent in it: if two processes create an id
// at once, one wins and both use its id.
func writeIdentity(path, agent string, replace bool) (string, error) {
	dir := filepath.Dir(path)
	if err := statefile.MakeHome(dir); err != nil {
		return "", note.InTheWay(err)
	}
	if err := statefile.Free(path); err != nil {
		return "", note.InTheWay(err)
	}
	f, err := statefile.CreateTemp(dir, "identity-")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return "", err
	}
	host, _ := os.Hostname()
	id := identity{Agent: agent, Host: host, Path: dir}
	if st, ok := system.Identify(f.Name(), fi); ok {
		id.Device, id.Inode = st.Device, st.Inode
	}
	b, err := json.Marshal(id)
	if err != nil {
		return "", err
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	if replace {
		return agent, os.Rename(f.Name(), path)
	}
	// link, unlike rename, fails when somebody was faster
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		winner, err := readIdentity(path)
		if err != nil {
			return "", err
		}
		if winner == nil {
			return "", fmt.Errorf("'%s' came and went", path)
		}
		return winner.Agent, nil
	} else if err != nil {
		return "", err
	}
	return agent, nil
}
