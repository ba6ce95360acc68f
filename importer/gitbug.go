package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// GitBugs is the data of git-bug in a repository.
type GitBugs interface {
	// Bugs yields, for each ref below refs/bugs, by name, the content of its commits, the
	// oldest first.
	Bugs() iter.Seq2[[]GitBugPack, error]

	// Identity returns the newest version blob of an identity, nil if it is missing.
	Identity(id string) ([]byte, error)
}

// BugError means that one bug cannot be read. The others can.
type BugError struct{ Text string }

func (e *BugError) Error() string { return e.Text }

// MaxBug is the largest size of one bug's operations, in bytes.
const MaxBug = maxIssue

// GitBugPack is the content of one commit of a bug.
type GitBugPack struct {
	Parents int
	Version int    // of the format: the n of the tree's entry version-n
	Ops     []byte // the blob named ops
}

// gitBugVersion is the format that is read.
const gitBugVersion = 4

// GitBug reads the bugs of a repository. The id of an operation is the SHA-256
// of its bytes; that of a bug is the id of its first operation.
func GitBug(bugs GitBugs, o Options, out *Sink) error {
	g := &gitBug{bugs: bugs, o: o, rep: out.Report, logins: map[string]string{}}
	for packs, err := range bugs.Bugs() {
		var one *BugError
		switch {
		case errors.As(err, &one):
			out.Report.Read++
			out.Report.bad(0, one.Text)
			continue
		case err != nil:
			return err
		}
		out.Report.Read++
		i, err := g.issue(packs)
		if err != nil {
			return err
		}
		if i == nil {
			continue // a warning names it
		}
		if err := out.Issue(i); err != nil {
			return err
		}
	}
	return nil
}

type gitBug struct {
	bugs   GitBugs
	o      Options
	rep    *Report
	logins map[string]string // by identity
}

// The types of operations.
const (
	gitBugCreate = iota + 1
	gitBugTitle
	gitBugComment
	gitBugStatus
	gitBugLabels
	gitBugEdit
	gitBugNothing
	gitBugMetadata
)

type gitBugOp struct {
	Type     int               `json:"type"`
	Time     int64             `json:"timestamp"` // seconds
	Metadata map[string]string `json:"metadata"`
	Title    string            `json:"title"`
	Message  string            `json:"message"`
	Files    []string          `json:"files"` // blobs
	Status   int               `json:"status"`
	Added    []string          `json:"added"`
	Removed  []string          `json:"removed"`
	Target   string            `json:"target"`

	id, author string
}

func (g *gitBug) issue(packs []GitBugPack) (*Issue, error) {
	var ops []gitBugOp
	for n, p := range packs {
		if p.Version != gitBugVersion {
			return nil, notOf("git-bug", "a bug has format version %d, but only version %d can be read: convert the repository with git-bug first", p.Version, gitBugVersion)
		}
		if p.Parents > 1 || n > 0 && p.Parents == 0 {
			return nil, notOf("git-bug", "a bug has merged histories, which cannot be read yet")
		}
		more, err := g.ops(p.Ops)
		if err != nil {
			g.rep.bad(0, fmt.Sprintf("commit %d of bug %d: %v", n+1, g.rep.Read, err))
			return nil, nil
		}
		ops = append(ops, more...)
	}
	if len(ops) == 0 || ops[0].Type != gitBugCreate {
		g.rep.bad(0, fmt.Sprintf("bug %d does not begin with its creation", g.rep.Read))
		return nil, nil
	}
	i := &Issue{Key: ops[0].id, Priority: event.Medium}
	for n := range ops {
		g.apply(i, &ops[n], n == 0)
	}
	return i, nil
}

func (g *gitBug) ops(raw []byte) ([]gitBugOp, error) {
	var pack struct {
		Author struct {
			ID string `json:"id"`
		} `json:"author"`
		Ops list[json.RawMessage] `json:"ops"`
	}
	if err := json.Unmarshal(raw, &pack); err != nil {
		return nil, err
	}
	author, err := g.login(pack.Author.ID)
	if err != nil {
		return nil, err
	}
	ops := make([]gitBugOp, len(pack.Ops))
	for n, one := range pack.Ops {
		if err := json.Unmarshal(one, &ops[n]); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(one)
		ops[n].id, ops[n].author = hex.EncodeToString(sum[:]), author
	}
	return ops, nil
}

// login returns the name of an identity.
func (g *gitBug) login(id string) (string, error) {
	if name, ok := g.logins[id]; ok {
		return name, nil
	}
	raw, err := g.bugs.Identity(id)
	if err != nil {
		return "", err
	}
	var v struct {
		Name  string `json:"name"`
		Login string `json:"login"`
	}
	if raw == nil || json.Unmarshal(raw, &v) != nil {
		g.rep.Warn(Warning{Name: "no-identity", Text: "the identity " + quote(id) + " is not in the repository"})
	}
	g.logins[id] = g.o.person(or(or(v.Login, v.Name), "unknown"))
	return g.logins[id], nil
}

// apply applies an operation to the issue.
func (g *gitBug) apply(i *Issue, op *gitBugOp, first bool) {
	at := event.Time(max(op.Time, 0)) * 1e9
	i.Updated = max(i.Updated, at)
	switch op.Type {
	case gitBugCreate:
		if !first {
			g.rep.Warn(Warning{Key: i.Key, Name: "second-creation", Text: "a second creation of the bug is ignored"})
			return
		}
		i.Title, i.Description, i.Author, i.Created = op.Title, op.Message, op.author, at
		for _, m := range []string{"github-url", "gitlab-url", "jira-id", "github-id"} {
			if v := op.Metadata[m]; v != "" {
				i.Links = append(i.Links, Link{"external", v})
				break
			}
		}
	case gitBugTitle:
		i.Title = op.Title
	case gitBugComment:
		i.Comments = append(i.Comments, Comment{Key: op.id, Author: op.author, Text: op.Message, Created: at})
	case gitBugStatus:
		if op.Status == 2 {
			i.Status, i.ClosedAt, i.Closer = event.Closed, at, op.author
		} else {
			i.Status, i.ClosedAt, i.Closer = event.Open, 0, ""
		}
	case gitBugLabels:
		for _, l := range op.Added {
			if !slices.Contains(i.Labels, l) {
				i.Labels = append(i.Labels, l)
			}
		}
		i.Labels = slices.DeleteFunc(i.Labels, func(l string) bool { return slices.Contains(op.Removed, l) })
	case gitBugEdit:
		g.edit(i, op, at)
	case gitBugNothing, gitBugMetadata:
	default:
		g.rep.Warn(Warning{Key: i.Key, Name: "unknown-operation", Text: fmt.Sprintf("an operation of the unknown type %d is ignored", op.Type)})
	}
	if len(op.Files) > 0 {
		i.leave("files/"+op.id[:12], op.Files)
	}
}

// edit replaces the text of an operation.
func (g *gitBug) edit(i *Issue, op *gitBugOp, at event.Time) {
	if op.Target == i.Key {
		i.Description = op.Message
		return
	}
	for n := range i.Comments {
		if c := &i.Comments[n]; c.Key == op.Target {
			c.Edits = append(c.Edits, Edit{op.author, op.Message, at})
			return
		}
	}
	g.rep.Warn(Warning{Key: i.Key, Name: "dangling-edit", Text: "an edit names " + quote(strings.ToLower(op.Target)) + ", which is not a comment of the bug"})
}
