package answer

import (
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Write is what the answer of every write has, beside what was written.
type Write struct {
	Changed bool   `json:"changed"`
	Agent   string `json:"agent"`
	Sync    string `json:"sync"`
}

// WriteOf makes it of a receipt.
func WriteOf(r *tracker.Receipt) Write {
	return Write{len(r.Lines) > 0, r.Agent, string(r.Sync)}
}

// IssueWrite answers commands that write to one issue.
type IssueWrite struct {
	Issue Issue `json:"issue"`
	Write
}

// IssuesWrite answers commands that may write to several.
type IssuesWrite struct {
	Issues    []Issue `json:"issues"`
	Unblocked []Issue `json:"unblocked"`
	Next      *Issue  `json:"next,omitempty"`
	Write
}

// Undone answers undo.
type Undone struct {
	Undone []Line  `json:"undone"`
	Issues []Issue `json:"issues"`
	Write
}

// AgentWrite is a write about oneself.
type AgentWrite struct {
	Write
	Kind        *string `json:"kind"`
	Description *string `json:"description"`
	RetiredAt   *string `json:"retired_at"`
	Released    int     `json:"released"` // locks and places in queues
}

// CommentWrite answers commands that write to a comment.
type CommentWrite struct {
	Comment Comment `json:"comment"`
	Issue   Issue   `json:"issue"`
	Write
}

// CommentsWrite answers comment delete.
type CommentsWrite struct {
	Comments []Comment `json:"comments"`
	Write
}
