package tracker

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// Who writes here. The rules are (docs/format.md, "Agents"):
//   - GIT_CROSSLINK_AGENT, then crosslink.agent, name the agent outright;
//   - else each worktree has an identity file in its git directory, made by
//     the first write;
//   - the file remembers its own inode, its path and the host. When the inode
//     differs and the path or the host does too, the file was copied: a new id
//     is minted, because two writers on one log would fork it. So was one with
//     the same inode, a second link and another path ('cp -al'). A moved
//     repository (same inode) and a restore in place (same path and host) keep
//     theirs.

// identity is the content of <git dir>/crosslink/identity.
type identity struct {
	Agent  string `json:"agent"`
	Host   string `json:"host"`
	Path   string `json:"path"`
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

func (t *Tracker) identityPath() string {
	return filepath.Join(t.outer.GitDir, "crosslink", "identity")
}

// knownAgent returns the id this worktree writes under if that is settled, else
// "". Nothing is written.
func (t *Tracker) knownAgent() (string, error) {
	named, source := t.getenv("GIT_CROSSLINK_AGENT"), "GIT_CROSSLINK_AGENT"
	if named == "" {
		named, source = t.config("crosslink.agent"), "crosslink.agent"
	}
	if named != "" {
		if err := event.ValidAgentID(named); err != nil {
			return "", &fail.Error{Kind: fail.Denied, Code: "agent-id",
				Message: fmt.Sprintf("%s: %v", source, err)}
		}
		return named, nil
	}
	id, err := readIdentity(t.identityPath())
	if err != nil || id == nil || copied(t.identityPath(), id) {
		return "", err
	}
	return id.Agent, nil
}

// mayName looks whether there is an id to write under, or one may be made;
// none is, before the hub has been looked at.
func (t *Tracker) mayName() (err error) {
	if err := t.checkCommitter(); err != nil {
		return err
	}
	if t.agent, err = t.knownAgent(); err == nil && t.agent == "" && t.getenv("CI") != "" {
		return t.noAgentInCI()
	}
	return err
}

// settleAgent returns the id to write under, minting one if there is none yet.
func (t *Tracker) settleAgent(ctx context.Context) (string, error) {
	if err := t.mayName(); err != nil || t.agent != "" {
		return t.agent, err
	}
	path := t.identityPath()
	old, err := readIdentity(path)
	if err != nil {
		return "", err
	}
	id, err := writeIdentity(path, mintAgent(t.getenv("USER")), old != nil)
	if err != nil {
		return "", fmt.Errorf("make this worktree's identity: %w", err)
	}
	if old != nil {
		t.notice(fail.Notice{Code: "copied-clone/here",
			Text: fmt.Sprintf("this repository is a copy of one that writes as '%s'; here you write as '%s'", old.Agent, id)})
	} else {
		n := fail.Notice{Code: "new-agent", Text: fmt.Sprintf("you write here as '%s'", id)}
		if t.madeKey(id) {
			n.Code, n.Text = "new-agent/key", n.Text+", signing with a key made for it"
		}
		t.notice(n)
	}
	return id, nil
}

// noAgentInCI refuses a write of a job that nobody named: three thousand jobs
// would be three thousand agents.
func (t *Tracker) noAgentInCI() *fail.Error {
	return &fail.Error{Kind: fail.Denied, Code: "ci-agent",
		Message: "no agent id in a CI job: each job would add a log of its own to everybody's fetch"}
}

func mintAgent(userName string) string {
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
			Message: fmt.Sprintf("'%s' does not hold an identity", path)}
	}
	return &id, nil
}

func copied(path string, id *identity) bool {
	fi, err := os.Lstat(path)
	if err != nil {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	// a copy by hard links shares the inode: the original is where it was
	same := uint64(st.Ino) == id.Inode && uint64(st.Dev) == id.Device
	if same && (st.Nlink < 2 || filepath.Dir(path) == id.Path) {
		return false
	}
	host, _ := os.Hostname()
	return host != id.Host || filepath.Dir(path) != id.Path
}

// writeIdentity puts the file in place and returns the agent it names: of two
// processes that mint at once one wins and both write under its id.
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
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		id.Device, id.Inode = uint64(st.Dev), uint64(st.Ino)
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

func (t *Tracker) getenv(name string) string {
	for _, kv := range slices.Backward(t.environ) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}
