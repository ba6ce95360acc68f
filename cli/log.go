package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

type logOptions struct {
	id      string
	reverse bool
	forms   frame.Forms
}

// lineShape is one event of a log in JSON.
type lineShape struct {
	Agent    string          `json:"agent"`
	Seq      uint64          `json:"seq"`
	Time     string          `json:"time"`
	Ordered  string          `json:"ordered_at"`
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	SignedBy *string         `json:"signed_by"`
	Mark     *string         `json:"mark"`
	Rejected *rejectedShape  `json:"rejected"`
	Event    json.RawMessage `json:"event"`
}

type rejectedShape struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

func newLogCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "log", Category: frame.GroupIssues,
		Usage:     "show the history of an issue",
		UsageText: "git crosslink log [<options>] <id>",
		Description: `Prints who did what to the issue and when, oldest first: what was overruled or
rejected too. --porcelain prints time, agent, sequence, type, signer, reason of
a rejection and text.

Examples:
  git crosslink log 12
  git crosslink log 12 --json`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "reverse", Usage: "newest first"},
		}, frame.PorcelainFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "one id of an issue")
		if err != nil {
			return err
		}
		opts := logOptions{id: args[0], reverse: u.Bool("reverse")}
		if opts.forms, err = frame.FormsOf(u, e.Terminal); err != nil {
			return err
		}
		return runLog(u.Context, opts, e)
	})
}

func runLog(ctx context.Context, opts logOptions, e *env) error {
	var (
		p     tracker.Projection
		i     *store.Issue
		lines []*event.Envelope
	)
	err := e.read(ctx, tracker.Here, func(_ hub, now tracker.Projection) (err error) {
		p = now
		if i, err = resolve(p, opts.id); err != nil {
			return err
		}
		lines, err = p.History(i.UUID)
		return err
	})
	if err != nil {
		return err
	}
	shapes := historyOf(p, i.UUID, lines)
	if opts.reverse {
		slices.Reverse(shapes)
		lines = slices.Clone(lines)
		slices.Reverse(lines)
	}
	a := frame.Result{Data: shapes, IDs: []string{i.Name()}, Long: true}
	if opts.forms.ForScripts() {
		a.Records = opts.forms.Records()
		for _, l := range shapes {
			a.Records.Add(l.fields()...)
		}
	}
	a.Page = func(pg *frame.Page) {
		for k, l := range shapes {
			mark := ""
			if l.Mark != nil {
				mark = marked(*l.Mark)
			}
			text := l.Text
			if b, ok := lines[k].Body.(*event.ScheduleChanged); ok {
				text = scheduleWords(b, e.DateAt)
			}
			pg.Print("%s  %s%s  %s\n", pg.Paint(frame.Time, e.Date(lines[k].Shown())), pg.Paint(frame.Agent, l.Agent), pg.Paint(frame.Problem, mark), text)
			if l.Rejected != nil {
				pg.Print("    %s %s\n", pg.Paint(frame.Problem, "rejected:"), l.Rejected.Reason+": "+l.Rejected.Detail)
			}
		}
	}
	return e.say(ctx, a)
}

func historyOf(p tracker.Projection, u event.UUID, lines []*event.Envelope) []lineShape {
	type position struct {
		agent string
		seq   uint64
	}
	rejected := map[position]reducer.Rejection{}
	for _, r := range p.Rejections() {
		rejected[position{r.Agent, r.Seq}] = r
	}
	shapes := make([]lineShape, 0, len(lines))
	for _, l := range lines {
		s := lineShape{
			Agent: l.Agent, Seq: l.Seq, Time: l.Shown().String(), Ordered: l.Time.String(),
			Type: l.Body.Type(), Text: describe(p, u, l.Body), SignedBy: textOrNull(l.SignedBy),
			Mark: textOrNull(p.Mark(l.Agent, l.Seq)),
		}
		if json.Valid(l.Event) {
			s.Event = json.RawMessage(l.Event)
		}
		if r, ok := rejected[position{l.Agent, l.Seq}]; ok {
			s.Rejected = &rejectedShape{r.Reason, r.Detail}
		}
		shapes = append(shapes, s)
	}
	return shapes
}

func (l *lineShape) fields() []string {
	signer, reason := "", ""
	if l.SignedBy != nil {
		signer = *l.SignedBy
	}
	if l.Rejected != nil {
		reason = l.Rejected.Reason
	}
	return []string{l.Time, l.Agent, strconv.FormatUint(l.Seq, 10), l.Type, signer, reason, l.Text}
}

func itoa(n int) string { return strconv.Itoa(n) }
