package hubs

import (
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// publicHost serves repositories to everybody.
type publicHost struct {
	host   string // also hosts below it: ssh.github.com is github.com
	pushes int    // how many pushes one clone may start there in a minute
}

// publicHosts are the hosts on which pushes are paced from the first one. They serve
// everybody, so they expect restraint before they answer 429, or they block users who show
// none. Any other server starts without a limit: its owner knows its capacity, and the
// server reports when it is too busy.
//
// If a forge has a limit for each user, one clone uses a tenth of it, because the user's
// other clones push too.
var publicHosts = []publicHost{
	{"github.com", 6},        // recommends at most 6 pushes a minute to a repository
	{"ghe.com", 6},           // the same service
	{"gitlab.com", 60},       // limits a user to 600 a minute in a project
	{"bitbucket.org", 60},    // limits a user to 60,000 requests of git an hour
	{"codeberg.org", 6},      // these publish no number
	{"gitea.com", 6},         //
	{"git.sr.ht", 6},         //
	{"dev.azure.com", 6},     //
	{"visualstudio.com", 6},  //
	{"huggingface.co", 6},    //
	{"notabug.org", 6},       //
	{"framagit.org", 6},      //
	{"salsa.debian.org", 6},  //
	{"gitlab.gnome.org", 6},  //
	{"git.launchpad.net", 6}, //
}

// publicHostOf returns the public host that a URL leads to.
func publicHostOf(url string) (publicHost, bool) {
	host := hostOf(url)
	for _, p := range publicHosts {
		if host == p.host || strings.HasSuffix(host, "."+p.host) {
			return p, true
		}
	}
	return publicHost{}, false
}

// hostOf returns the host in a URL as git reads it, in lower case; "" for a path.
func hostOf(url string) string {
	for { // crosslink::https://host/path
		word, rest, ok := strings.Cut(url, "::")
		if !ok || strings.ContainsAny(word, ":/@[") {
			break
		}
		url = rest
	}
	if refs.IsLocal(url) {
		return ""
	}
	_, host, full := strings.Cut(url, "://")
	switch {
	case full:
		if end := strings.IndexAny(host, "/?#"); end >= 0 {
			host = host[:end]
		}
	case strings.HasPrefix(url, "["): // [host:port]:path
		host, _, _ = strings.Cut(url[1:], "]")
	default:
		host, _, _ = strings.Cut(url, ":")
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	if !strings.HasPrefix(host, "[") { // not the form of an IPv6 address
		host, _, _ = strings.Cut(host, ":")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// Limit returns how many pushes a minute the public host accepts to which this hub's pushes
// go; 0 if it is not one.
func (h *Hub) Limit() int {
	p, _ := publicHostOf(h.PushTarget())
	return p.pushes
}

// Forges let nobody install the gate. What they offer is a rule for branches:
// it stops rewinds and deletions, not who writes to another's log, which every
// clone sees by itself.

// Forge is a kind of hosted forge, and the rule to set there.
type Forge struct {
	Name string
	Rule string   // about branches, for people
	host []string // parts of a host's name
}

var forges = []Forge{
	{Name: "GitHub", host: []string{"github"},
		Rule: "Settings > Rules > Rulesets, a branch ruleset for 'crosslink/**/*': restrict deletions, block force pushes, and nothing else"},
	{Name: "GitLab", host: []string{"gitlab"},
		Rule: "Settings > Repository > Protected branches, 'crosslink/*': allowed to push: developers and maintainers, no force push"},
	{Name: "Gitea or Forgejo", host: []string{"gitea", "forgejo", "codeberg"},
		Rule: "Settings > Branches, a rule for 'crosslink/**': enable push, without force push and without required approvals"},
	{Name: "Bitbucket", host: []string{"bitbucket"},
		Rule: "Repository settings > Branch restrictions, 'crosslink/**': write access for all who write, no rewriting of history, no deletion"},
}

// forgeOf recognizes a forge by the host of a URL; nil for any other server.
func forgeOf(url string) *Forge {
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

// Forge returns the forge that the hub is on, by its effective URL or by the URL that
// url.*.insteadOf rewrites; nil if it is on none.
func (h *Hub) Forge() *Forge {
	if f := forgeOf(h.URL); f != nil {
		return f
	}
	return forgeOf(h.Written)
}
