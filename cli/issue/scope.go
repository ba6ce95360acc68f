package issue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/store"
)

// allScopesFlag is the option that ignores crosslink.scope.
func allScopesFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "all-scopes", Usage: "ignore the label in crosslink.scope"}
}

// ScopeOf returns the label in crosslink.scope, "" if there is none.
func ScopeOf(repo *command.Repository) string {
	v, _ := repo.Config("crosslink.scope")
	if strings.Contains(v, ",") {
		return ""
	}
	return store.Name(v)
}

// WithScope adds the label of crosslink.scope to labels.
func WithScope(repo *command.Repository, labels []string) []string {
	scope := ScopeOf(repo)
	if scope == "" || slices.Contains(labels, scope) {
		return labels
	}
	return append(slices.Clone(labels), scope)
}

// warnScope warns that a list shows only one scope, unless advice.crosslink.scope is off.
func warnScope(ctx context.Context, e *command.Env, o *filterOptions) {
	scope := ScopeOf(e.Opened)
	if scope == "" || o.allScopes {
		return
	}
	if v, _ := e.Setting(ctx, "advice.crosslink.scope"); frame.IsTrue(v, true) {
		e.Warn("scope", fmt.Sprintf("showing only issues with the label '%s' (crosslink.scope)", scope), "show the issues of all scopes: --all-scopes")
	}
}
