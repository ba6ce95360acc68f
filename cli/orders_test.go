package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/cli/prime"
	"github.com/git-crosslink/git-crosslink/cli/setup"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// aboutPushes are hints for the owner of a hub that refused a push or is empty.
var aboutPushes = map[string]string{
	"tracker-lost": "a push of the user's deleted the tracker's branches", "gate/mirror": "a push of the user's was refused",
	"gate/push-key": "pushes the log of an agent, no code", "gate/push-from": "pushes the log of an agent, no code", "stray-branch": "a branch lies in the way of the tracker's", "empty-remote": "init on a remote without a branch", "empty-remote/no-commit": "init on a remote without a branch",
}

// TestNothingOrdersGitOnCode: no text that an agent reads orders a git operation on code:
// neither the output of prime, nor the files of setup, nor an example of help, nor a hint,
// except for the few hints that answer a push.
func TestNothingOrdersGitOnCode(t *testing.T) {
	texts := map[string]string{"prime": prime.Text(prime.Facts{Hub: "origin", Agent: "carol"}, prime.Static, "7f3a91c2e0d4")}
	for _, a := range setup.Agents {
		for _, w := range []setup.Want{{}, {Shared: true}, {Server: true, Control: true}, {Shared: true, Server: true, Control: true}} {
			for _, p := range a.Parts(w) {
				texts[fmt.Sprintf("setup %s: %s %+v", a.Name, p.What, w)] = p.Snippet()
			}
		}
	}
	for name, lines := range Examples() {
		texts["help of "+name] = strings.Join(lines, "\n")
	}
	excepted := 0
	for code, rows := range hints.Rows() {
		if aboutPushes[string(code)] != "" {
			excepted++
			continue
		}
		texts["hints of "+string(code)] = strings.Join(rows, "\n")
	}
	if len(texts) < 100 || excepted != len(aboutPushes) {
		t.Errorf("%d texts, %d of %d exceptions", len(texts), excepted, len(aboutPushes))
	}
	for name, text := range texts {
		if found := testkit.Orders(text); found != nil {
			t.Errorf("%s orders %q:\n%s", name, found, text)
		}
	}
	for _, text := range []string{"git push", "then git -C x commit -m y", "Before you stop: commit all changes.", "Push your work.", "and merge the branch"} {
		if testkit.Orders(text) == nil {
			t.Errorf("%q is not seen", text)
		}
	}
}
