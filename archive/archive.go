// Package archive has the rules of the archive, the branch in which a hub keeps the logs of
// retired agents. A step of the archive moves logs there ("folds" them): it is a commit
// whose tree has the entry logs/<x>/<y>/<agent> for each log. That entry is the tree of the
// log's tip. The rules are:
//
//   - the first step has no parent and no entry;
//   - the first parent of any other step is the step before it, and its other parents are the
//     tips of the logs that it adds, sorted by agent id;
//   - entries are added, never changed or removed, and every step except the first adds at
//     least one and at most MaxAdded: so the logs in an archive bound its length;
//   - an added log is valid to its last line, and the ledger covers that line. The line is
//     AgentRetired, or meta revokes the agent at that line or before it;
//   - a step that breaks a rule is skipped: the next one is compared with the nearest valid
//     step before it.
//
// A valid step stays valid, whatever comes later: lines never change, and a ledger only
// covers more. So clones that judge a step at different times agree. Two conditions have to
// be true only when a log is folded: nothing follows the covered line, and the agent holds
// no lock. The clone that folds the log checks them, and so does the gate.
package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

const (
	// Depth is the number of names in the path of an entry.
	Depth = 4
	// MaxAdded is how many logs a step may add.
	MaxAdded = 1000
)

// Path is the path of an agent's log in the tree of a step. As in the ledger's positions, x
// and y are the first hexadecimal digits of the SHA-256 of the agent id.
func Path(agent string) string {
	sum := sha256.Sum256([]byte(agent))
	digits := hex.EncodeToString(sum[:1])
	return "logs/" + digits[:1] + "/" + digits[1:] + "/" + agent
}

// AgentAt returns the agent whose log has that path, "" if it is not the path of a log.
func AgentAt(path string) string {
	agent := path[strings.LastIndexByte(path, '/')+1:]
	if event.ValidAgentID(agent) != nil || Path(agent) != path {
		return ""
	}
	return agent
}

// Entry is the content of a path in a step, and in the nearest valid step before it: ids of
// trees, "" for nothing. Odd means that one of them is not a tree.
type Entry struct {
	Path     string
	Old, New string
	Odd      bool
}

// Log is a log as a parent of a step contains it.
type Log struct {
	Tree    string // of the commit
	Seq     uint64 // of the last line
	Hash    string // of the last line
	Damaged bool   // the good lines end before the log does
	Retired bool   // the last line is AgentRetired, or an admin ended the log there or earlier
}

// Reasons why a step is skipped. They are printed and used in scripts.
const (
	BadTree    = "tree"        // an entry is not a log
	Removed    = "removed"     // an entry of an earlier step is missing
	Altered    = "altered"     // an entry is not the tree of the folded log
	BadParents = "parents"     // the parents are not the added logs
	Empty      = "empty"       // no log is added
	Unreadable = "unreadable"  // the commit is damaged or too large; earlier steps are not read
	Damaged    = "damaged"     // the added log cannot be read to its end
	NotRetired = "not-retired" // the agent of the added log is not retired
	NotCovered = "not-covered" // the ledger does not cover the end of the log
)

// Fault is the reason why a step is invalid.
type Fault struct {
	Reason string
	Agent  string // the agent of the log; "" for none
	Detail string
}

func (f *Fault) Error() string { return f.Detail }

// Passing reports whether the step may become valid later: when the ledger covers more,
// or an admin revokes the agent.
func (f *Fault) Passing() bool { return f.Reason == NotRetired || f.Reason == NotCovered }

func fault(reason, agent, format string, args ...any) *Fault {
	return &Fault{reason, agent, fmt.Sprintf(format, args...)}
}

// Added returns the agents whose logs a step adds, sorted, which is the order of its
// parents.
func Added(changes []Entry) (map[string]string, *Fault) {
	added := map[string]string{}
	for _, e := range changes {
		agent := AgentAt(e.Path)
		switch {
		case e.Odd || agent == "":
			return nil, fault(BadTree, "", "it holds something that is not a log")
		case e.New == "":
			return nil, fault(Removed, agent, "the log of '%s' is missing", agent)
		case e.Old != "":
			return nil, fault(Altered, agent, "the log of '%s' is not the one that was archived before", agent)
		}
		added[agent] = e.New
	}
	return added, nil
}

// Judge returns why a step is invalid, nil if it is valid. changes are the differences
// between its tree and that of the nearest valid step before it; first means that it has no
// parent. parents is the number of its other parents: read returns the log of an agent at
// such a parent, and covers reports whether the ledger covers a line. Errors come from read
// and covers.
func Judge(first bool, changes []Entry, parents int, read func(parent int, agent string) (Log, error), covers func(agent string, seq uint64, hash string) (bool, error)) (*Fault, error) {
	added, f := Added(changes)
	if f != nil {
		return f, nil
	}
	if len(added) != parents {
		return fault(BadParents, "", "it adds %d logs and has %d parents for them", len(added), parents), nil
	}
	if len(added) == 0 && !first {
		return fault(Empty, "", "it adds no log"), nil
	}
	for i, agent := range slices.Sorted(maps.Keys(added)) {
		l, err := read(i, agent)
		if err != nil {
			return nil, err
		}
		switch {
		case l.Damaged || l.Seq == 0:
			return fault(Damaged, agent, "the log of '%s' cannot be read to its end", agent), nil
		case l.Tree != added[agent]:
			return fault(Altered, agent, "the log of '%s' is not the one that was folded", agent), nil
		case !l.Retired:
			return fault(NotRetired, agent, "'%s' is not retired", agent), nil
		}
		covered, err := covers(agent, l.Seq, l.Hash)
		if err != nil {
			return nil, err
		}
		if !covered {
			return fault(NotCovered, agent, "the ledger does not cover event %d of '%s'", l.Seq, agent), nil
		}
	}
	return nil, nil
}
