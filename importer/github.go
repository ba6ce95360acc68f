package importer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// GitHub reads issues as GitHub's REST API lists them, or as gh prints them with --json: an
// array, or one object per line. o.Comments is a file with the comments of a REST dump, in
// the same two forms.
func GitHub(s Source, o Options, out *Sink) error {
	comments, err := githubComments(o, out.Report)
	if err != nil {
		return err
	}
	looksRight, any := false, false
	seen := map[string]bool{}
	numbers := githubNumbers{source: s}
	err = rows(s, func(r row) error {
		any = true
		i, milestone, skip := githubIssue(r, o, comments, out.Report)
		out.Report.Read++
		switch {
		case skip == "bad":
			return nil // a warning names it
		case skip != "":
			looksRight = true
			out.Report.skip(Skip{r.line, i.Key, skip})
			return nil
		}
		looksRight = true
		if i.Reason == "duplicate" {
			if err := numbers.relate(i, out.Report); err != nil {
				return err
			}
		}
		if milestone != nil && !seen[milestone.Key] {
			seen[milestone.Key] = true
			if err := out.Milestone(milestone); err != nil {
				return err
			}
		}
		return out.Issue(i)
	})
	if left := comments.left(); err == nil && left > 0 {
		text := "1 comment is left out: it is on a pull request, or on an issue that is not in the source"
		if left > 1 {
			text = fmt.Sprintf("%d comments are left out: they are on pull requests, or on issues that are not in the source", left)
		}
		out.Report.Warn(Warning{Name: "other-comments", Text: text})
	}
	if err == nil && any && !looksRight {
		err = notOf("github", "it has no issue of GitHub, an object with number, title and state")
	}
	return err
}

type githubUser struct {
	Login string `json:"login"`
}

// githubRow is an issue with the member names of the REST API and of gh, which uses other
// names and upper case.
type githubRow struct {
	Number    uint64           `json:"number"`
	Title     string           `json:"title"`
	Body      string           `json:"body"`
	State     string           `json:"state"`
	Reason    string           `json:"state_reason"`
	ReasonGh  string           `json:"stateReason"`
	User      *githubUser      `json:"user"`
	Author    *githubUser      `json:"author"`
	Assignees list[githubUser] `json:"assignees"`
	Assignee  *githubUser      `json:"assignee"` // the first of Assignees
	Labels    list[struct {
		Name string `json:"name"`
	}] `json:"labels"`
	Milestone   *githubMilestone `json:"milestone"`
	CreatedAt   string           `json:"created_at"`
	CreatedGh   string           `json:"createdAt"`
	UpdatedAt   string           `json:"updated_at"`
	UpdatedGh   string           `json:"updatedAt"`
	ClosedAt    string           `json:"closed_at"`
	ClosedGh    string           `json:"closedAt"`
	ClosedBy    *githubUser      `json:"closed_by"`
	PullRequest json.RawMessage  `json:"pull_request"`
	URL         string           `json:"html_url"`
	URLGh       string           `json:"url"`
	Comments    json.RawMessage  `json:"comments"` // their number, or the comments themselves in gh's output
}

type githubMilestone struct {
	Number      uint64 `json:"number"`
	Title       string `json:"title"`
	Description string `json:"description"`
	State       string `json:"state"`
	DueOn       string `json:"due_on"`
	DueGh       string `json:"dueOn"`
}

// githubKnown are the members that are imported, and those that GitHub derives from others.
var githubKnown = known[githubRow]("id", "node_id", "url", "repository_url", "labels_url", "comments_url",
	"events_url", "timeline_url", "author_association", "performed_via_github_app", "closed", "score", "type")

func githubIssue(r row, o Options, comments *githubDump, rep *Report) (*Issue, *Milestone, string) {
	var g githubRow
	err := r.err
	if err == nil {
		err = json.Unmarshal(r.raw, &g)
	}
	var left map[string]json.RawMessage
	if err == nil {
		left, err = leftoverOf(r.raw, githubKnown())
	}
	if err == nil && g.Number == 0 {
		err = fmt.Errorf("it has no number")
	}
	if err != nil {
		rep.bad(r.line, "the row is not an issue of GitHub: "+err.Error())
		return nil, nil, "bad"
	}
	i := &Issue{Key: strconv.FormatUint(g.Number, 10), Line: r.line, Number: g.Number}
	if len(g.PullRequest) > 0 && string(g.PullRequest) != "null" {
		return i, nil, "pull-request"
	}
	i.Title, i.Description = g.Title, g.Body
	i.Author = o.person(login(g.User, g.Author))
	for _, a := range g.Assignees {
		i.Assignees = append(i.Assignees, o.person(a.Login))
	}
	for _, l := range g.Labels {
		i.Labels = append(i.Labels, l.Name)
	}
	i.Created, i.Updated = githubTime(i, rep, or(g.CreatedAt, g.CreatedGh)), githubTime(i, rep, or(g.UpdatedAt, g.UpdatedGh))
	if strings.EqualFold(g.State, "closed") {
		i.Status, i.ClosedAt = event.Closed, githubTime(i, rep, or(g.ClosedAt, g.ClosedGh))
		i.Reason = strings.ReplaceAll(strings.ToLower(or(g.Reason, g.ReasonGh)), "_", " ")
		if g.ClosedBy != nil {
			i.Closer = o.person(g.ClosedBy.Login)
		}
	}
	if url := or(g.URL, g.URLGh); url != "" {
		i.Links = append(i.Links, Link{"external", url})
	}
	i.Leftover = left
	if err := comments.add(i, &g, o, rep); err != nil {
		rep.Warn(Warning{r.line, i.Key, "bad-comments", err.Error()})
	}
	if m := g.Milestone; m != nil && m.Title != "" {
		if i.Milestone = fitName(m.Title, new(int)); m.Number > 0 {
			i.Milestone = strconv.FormatUint(m.Number, 10)
		}
		return i, &Milestone{
			Key: i.Milestone, Name: m.Title, Description: m.Description, Closed: strings.EqualFold(m.State, "closed"),
			Due: githubTime(i, rep, or(m.DueOn, m.DueGh)),
		}, ""
	}
	return i, nil, ""
}

// login returns the first user with a name. GitHub names a user without an account ghost.
func login(users ...*githubUser) string {
	for _, u := range users {
		if u != nil && u.Login != "" {
			return u.Login
		}
	}
	return "ghost"
}

func githubTime(i *Issue, rep *Report, s string) event.Time {
	t, ok := moment(s)
	if !ok {
		rep.Warn(Warning{i.Line, i.Key, "bad-time", quote(s) + " is not a time"})
	}
	return t
}

// githubDump has the positions of the comments of each issue in a file of comments.
type githubDump struct {
	source Source
	at     map[string][]span
}

type span struct {
	from int64
	len  int
}

type githubComment struct {
	ID        json.RawMessage `json:"id"` // a number; in gh's output a text
	IssueURL  string          `json:"issue_url"`
	Body      string          `json:"body"`
	User      *githubUser     `json:"user"`
	Author    *githubUser     `json:"author"`
	CreatedAt string          `json:"created_at"`
	CreatedGh string          `json:"createdAt"`
}

// githubComments reads which issue each comment belongs to, and keeps no texts.
func githubComments(o Options, rep *Report) (*githubDump, error) {
	d := &githubDump{o.Comments, map[string][]span{}}
	if o.Comments == nil {
		return d, nil
	}
	return d, rows(o.Comments, func(r row) error {
		var c githubComment
		if r.err == nil {
			r.err = json.Unmarshal(r.raw, &c)
		}
		key := c.IssueURL[strings.LastIndexByte(c.IssueURL, '/')+1:]
		if r.err != nil || key == "" {
			rep.Warn(Warning{Line: r.line, Name: "bad-comment", Text: "a comment names no issue in issue_url"})
			return nil
		}
		d.at[key] = append(d.at[key], span{r.from, len(r.raw)})
		return nil
	})
}

// left returns how many comments belong to no issue.
func (d *githubDump) left() (n int) {
	for _, c := range d.at {
		n += len(c)
	}
	return n
}

// add adds an issue's comments: those in the file, and those in gh's output.
func (d *githubDump) add(i *Issue, g *githubRow, o Options, rep *Report) error {
	var all list[githubComment]
	if len(g.Comments) > 0 && g.Comments[0] == '[' {
		if err := json.Unmarshal(g.Comments, &all); err != nil {
			return fmt.Errorf("the comments cannot be read: %w", err)
		}
	}
	room := maxIssue
	mine := d.at[i.Key]
	delete(d.at, i.Key)
	for n, at := range mine {
		if room -= at.len + 1<<10; room < 0 {
			rep.Warn(Warning{i.Line, i.Key, "too-many-comments", fmt.Sprintf("only the first %d of %d comments are imported: they take more than %d MiB", n, len(mine), maxIssue>>20)})
			break
		}
		raw := make([]byte, at.len)
		if _, err := d.source.ReadAt(raw, at.from); err != nil {
			return err
		}
		var c githubComment
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		all = append(all, c)
	}
	for _, c := range all {
		i.Comments = append(i.Comments, Comment{
			Key: strings.Trim(string(c.ID), `"`), Author: o.person(login(c.User, c.Author)), Text: c.Body,
			Created: githubTime(i, rep, or(c.CreatedAt, c.CreatedGh)),
		})
	}
	return nil
}
