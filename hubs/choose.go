package hubs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Choose finds the hub of a repository. The error explains why the user has to choose.
// Without a hub and an error there is no remote. dir is the repository itself, which may be
// its own hub (self). The rules are:
//
//   - the remote in crosslink.remote, if it exists;
//   - otherwise the remote chosen before: the first write, join or init chooses it
//     permanently; reading a remote without a tracker does not;
//   - otherwise the repository itself if it is a hub, origin, or the only remote; if
//     there are several remotes and no origin, the user has to choose;
//   - a renamed remote is found by its URL, even if another remote has its name now;
//   - the branch that is checked out does not matter, and the refs of several remotes
//     are never combined;
//   - the hub's id is stored with the choice, so if a remote's name or URL leads to
//     another tracker later, that tracker is not accepted as this one.
func Choose(conf refs.Config, c *Contact, self bool, dir string) (*Hub, *fail.Error) {
	names, pinned := conf.Remotes(), c.Remote
	if self || pinned == SelfName {
		return &Hub{Name: SelfName, URL: dir, Self: true}, nil
	}
	name := Said(conf)
	switch {
	case name != "":
	case pinned != "":
		name = pinned
	case first(names) != "":
		name = first(names)
	case len(names) == 0:
		return nil, nil
	default:
		return nil, &fail.Error{Kind: fail.Fatal, Code: "several-remotes",
			Message: fmt.Sprintf("several remotes may have the tracker: '%s'", strings.Join(names, "', '")),
			Fields:  fail.Fields{"remote": names[0]}}
	}
	if name == pinned && URLOf(conf, name) != c.URL || !slices.Contains(names, name) {
		name = renamed(conf, c, name)
	}
	if !slices.Contains(names, name) {
		e := &fail.Error{Kind: fail.Fatal, Code: "no-such-remote",
			Message: fmt.Sprintf("the tracker is on the remote '%s', which is not configured here", name),
			Fields:  fail.Fields{"remote": name, "url": cmp.Or(c.URL, "<url>")}}
		if len(names) > 0 {
			e.Code = "no-such-remote/others"
		}
		return nil, e
	}
	return of(conf, name), nil
}

// Said returns the remote that the configuration names for the tracker. A name in a
// configuration that all repositories of a user share counts only if there is such a
// remote.
func Said(conf refs.Config) string {
	name := ""
	for _, s := range conf {
		if s.Key == "crosslink.remote" && (s.Scope != "system" && s.Scope != "global" || slices.Contains(conf.Remotes(), s.Value)) {
			name = s.Value
		}
	}
	return name
}

// renamed finds a renamed remote: the only one with the URL that the hub had at the last
// contact, otherwise the first remote to try.
func renamed(conf refs.Config, c *Contact, was string) string {
	names := conf.Remotes()
	var same []string
	for _, name := range names {
		if url := URLOf(conf, name); url == c.URL && url != "" {
			same = append(same, name)
		}
	}
	switch {
	case len(same) == 1:
		return same[0]
	case !slices.Contains(names, was) && c.Hub != "" && first(names) != "":
		return first(names) // its id is stored, so another hub there is noticed
	}
	return was
}

// URLOf returns a remote's URL in the form that is stored.
func URLOf(conf refs.Config, remote string) string {
	return refs.WithoutSecrets(conf.FetchURL(remote))
}

// first returns the remote to try if none was configured or chosen: origin, or the only
// one, otherwise "".
func first(names []string) string {
	switch {
	case slices.Contains(names, "origin"):
		return "origin"
	case len(names) == 1:
		return names[0]
	}
	return ""
}

// ChosenError refuses the remote named on the command line because another hub was chosen
// before.
func (h *Hub) ChosenError(code fail.Code, remote string) error {
	where := fmt.Sprintf("the tracker of this clone is on '%s'", h.Name)
	if h.Self {
		where = "this repository is its own hub"
	}
	return &fail.Error{Kind: fail.Fatal, Code: code, Message: where + ": nothing was written", Fields: fail.Fields{"remote": remote}}
}

// NoSuchRemote is the error that no remote has this name.
func NoSuchRemote(name string) error {
	return &fail.Error{Kind: fail.Fatal, Code: "no-such-remote/named", Message: fmt.Sprintf("there is no remote '%s'", name)}
}
