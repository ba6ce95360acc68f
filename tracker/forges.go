package tracker

import (
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// publicHost serves repositories to everybody.
type publicHost struct {
	host   string // this one and all below it: ssh.github.com is github.com
	pushes int    // how many a minute one clone may start there
}

// publicHosts are those on which pushes are paced from the first one on. They
// serve everybody, so they ask for restraint before they answer 429, or do
// worse to those who show none. Any other server starts unpaced: whoever runs
// it knows what it can take, and it says so when it is too much.
//
// Where a forge has a limit for each user, one clone takes a tenth of it: the
// others of that user push, too.
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

// publicHostOf returns the one that a URL leads to.
func publicHostOf(url string) (publicHost, bool) {
	host := hostOf(url)
	for _, p := range publicHosts {
		if host == p.host || strings.HasSuffix(host, "."+p.host) {
			return p, true
		}
	}
	return publicHost{}, false
}

// hostOf is the host that a URL names as git reads it, in lower case; "" for a
// path.
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
	if !strings.HasPrefix(host, "[") { // no address in the form of IPv6
		host, _, _ = strings.Cut(host, ":")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// forgeLimit is how many pushes a minute the public host allows that pushes go
// to; 0 if it is none.
func (t *Tracker) forgeLimit() int {
	p, _ := publicHostOf(t.pushTarget())
	return p.pushes
}
