package exporter

import (
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// markdown writes a document for people: a section an issue. Texts are quotations,
// so that none of their lines can pass for a line of the document.
func (x *export) markdown() error {
	numbers := x.numbers()
	if _, err := fmt.Fprintf(x.w, "# Issues\n"); err != nil {
		return err
	}
	return x.each(func(i *store.Issue) error {
		var b strings.Builder
		fmt.Fprintf(&b, "\n## %s %s\n\n", x.name(i.UUID, numbers), escape(i.Title))
		fmt.Fprintf(&b, "- status: %s\n- priority: %s\n- created: %s by %s\n", i.Status, i.Priority, i.CreatedAt, plain(i.CreatedBy))
		for _, row := range [][2]string{
			{"closed", orNothing(i.ClosedAt)}, {"reason", escape(oneLine(i.Reason))}, {"labels", codes(i.Labels)}, {"assignees", codes(i.Assignees)},
			{"milestone", escape(x.names[i.Milestone])}, {"due", orNothing(i.DueAt)}, {"scheduled", orNothing(i.ScheduledAt)},
		} {
			if row[1] != "" {
				fmt.Fprintf(&b, "- %s: %s\n", row[0], row[1])
			}
		}
		if i.Parent != (event.UUID{}) {
			fmt.Fprintf(&b, "- parent: %s\n", x.name(i.Parent, numbers))
		}
		if l := x.list("- blocked by", i.BlockedBy, numbers); l != "" {
			fmt.Fprintln(&b, l)
		}
		if i.Description != "" {
			fmt.Fprintf(&b, "\n%s\n", cited(i.Description))
		}
		for _, c := range i.Comments {
			fmt.Fprintf(&b, "\n### %s by %s, %s\n\n%s\n", escape(c.Kind), plain(c.Author), c.CreatedAt, cited(c.Content))
		}
		_, err := x.w.Write([]byte(b.String()))
		return err
	})
}

func codes(names []string) string {
	all := make([]string, len(names))
	for n, name := range names {
		all[n] = plain(name)
	}
	return strings.Join(all, ", ")
}

// cited returns a text as a quotation. Its markup is kept, except for HTML, which could end
// the quotation.
func cited(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "<", "\\<").Replace(s)
	return "> " + strings.ReplaceAll(s, "\n", "\n> ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// escape keeps a line from being read as markup.
func escape(s string) string {
	return strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "\\<", "#", "\\#").Replace(s)
}
