package hubs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Choose finds the hub of a repository; the error says why the user has to
// choose. With neither there is no remote. dir is the repository itself, which may
// be its own hub (self). The rules are:
//
//   - what crosslink.remote says, if there is such a remote;
//   - else the one chosen before: the first write, join or init chooses, for
//     good, and reading a remote that has no tracker does not;
//   - else the repository itself if it is a hub, origin, the only remote; with
//     several and no origin the user has to say;
//   - a remote that was renamed, even if another has its name now, is known by
//     its URL;
//   - the branch that is checked out has no say, and refs of other remotes are
//     never joined;
//   - the hub's id is pinned with the choice: whatever a remote's name or URL
//     comes to lead to, another tracker there is not taken for this one.
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

// Said is the remote that the configuration names for the tracker. A name that
// all repositories of a user share counts where there is such a remote.
func Said(conf refs.Config) string {
	name := ""
	for _, s := range conf {
		if s.Key == "crosslink.remote" && (s.Scope != "system" && s.Scope != "global" || slices.Contains(conf.Remotes(), s.Value)) {
			name = s.Value
		}
	}
	return name
}

// renamed follows a remote that was renamed: the one with the URL that the hub
// had at the last contact, if there is just one; else the first to look at.
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
		return first(names) // its id is pinned: another hub there is told from this one
	}
	return was
}

// URLOf is a remote's URL as it is remembered.
func URLOf(conf refs.Config, remote string) string {
	return refs.WithoutSecrets(conf.FetchURL(remote))
}

// first is the remote to look at when nobody has said or chosen: origin, or the
// only one, else "".
func first(names []string) string {
	switch {
	case slices.Contains(names, "origin"):
		return "origin"
	case len(names) == 1:
		return names[0]
	}
	return ""
}

// ChosenError refuses another hub than the one that was chosen; remote is the one
// that was asked for.
func (h *Hub) ChosenError(code fail.Code, remote string) error {
	where := fmt.Sprintf("the tracker of this clone is on '%s'", h.Name)
	if h.Self {
		where = "this repository is its own hub"
	}
	return &fail.Error{Kind: fail.Fatal, Code: code, Message: where + ": nothing was written", Fields: fail.Fields{"remote": remote}}
}

// NoSuchRemote says that no remote has a name.
func NoSuchRemote(name string) error {
	return &fail.Error{Kind: fail.Fatal, Code: "no-such-remote/named", Message: fmt.Sprintf("there is no remote '%s'", name)}
}
