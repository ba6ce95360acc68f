// Package helper is git-remote-crosslink, the program that git starts for a remote whose
// `vcs` is crosslink, or for a URL that begins with 'crosslink::'. It carries the bytes
// between git and the server, and then starts a sync of the tracker. It knows nothing about
// issues.
//
// The rules are:
//
//   - a pass-through, never a re-implementation: http(s) and other schemes with a helper of
//     their own run as `git remote-<scheme>`. For ssh, paths and git:// the only capability is
//     'connect', and the service is started as git starts it. The helper itself speaks no
//     fetch or push protocol, so every option and protocol version of git works;
//   - the server's output goes straight to git: the child has git's own pipe, and a clone's
//     pack is never copied. git's requests, a few kilobytes, are inspected on the way, to
//     distinguish a fetch from a listing;
//   - exit status, stdout and stderr are those of the plain URL. The sync runs afterward, in a
//     session of its own, with its streams closed; its result is never shown;
//   - URLs, ssh and the policy of protocol.allow follow git's own source (connect.c,
//     transport.c, url.c), and tests compare them with git;
//   - everything in a URL is hostile: a host or path that begins with '-' is refused, and so
//     is a line break that would end a request.
package helper
