package tracker

import (
	"context"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
)

// Forges let nobody install the gate. What they offer is a rule for branches:
// it stops rewinds and deletions, not who writes to another's log, which every
// clone sees by itself.

// forge is one kind of hosted forge, and the rule to set there.
type forge struct {
	name string
	host []string // parts of a host's name
	rule string
}

var forges = []forge{
	{"GitHub", []string{"github"},
		"Settings > Rules > Rulesets, a branch ruleset for 'crosslink/**/*': restrict deletions, block force pushes, and nothing else"},
	{"GitLab", []string{"gitlab"},
		"Settings > Repository > Protected branches, 'crosslink/*': allowed to push: developers and maintainers, no force push"},
	{"Gitea or Forgejo", []string{"gitea", "forgejo", "codeberg"},
		"Settings > Branches, a rule for 'crosslink/**': enable push, without force push and without required approvals"},
	{"Bitbucket", []string{"bitbucket"},
		"Repository settings > Branch restrictions, 'crosslink/**': write access for all who write, no rewriting of history, no deletion"},
}

// forgeOf tells a forge by the host of a URL; nil for a server that is none.
func forgeOf(url string) *forge {
	host := hostOf(url)
	for i := range forges {
		for _, part := range forges[i].host {
			if strings.Contains(host, part) {
				return &forges[i]
			}
		}
	}
	return nil
}

// forge is the forge that the hub is on, by the URL that is used or the one that
// url.*.insteadOf rewrites; nil if it is on none.
func (t *Tracker) forge() *forge {
	if f := forgeOf(t.hub.URL); f != nil {
		return f
	}
	return forgeOf(t.conf.URL(t.hub.Name))
}

// checkHubAndForge looks at the hub, and names the rule that keeps a forge from
// losing the tracker's branches. Whether it is set nobody can see from here.
func (t *Tracker) checkHubAndForge(ctx context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	found, err := t.checkHub(ctx, s)
	if err != nil || t.hub == nil || t.hub.self || !s.bound {
		return found, err
	}
	if f := t.forge(); f != nil {
		found = append(found, fail.Diagnosis{Code: "protection", Severity: fail.Note, Text: "on " + f.name + " a rule keeps others from deleting or rewinding the tracker's branches: " + f.rule})
	}
	return found, nil
}
