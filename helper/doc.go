// Package helper is git-remote-crosslink: what git starts for a remote whose
// `vcs` is crosslink, or for a URL that begins with 'crosslink::'. It carries
// the bytes between git and the server, and starts a sync of the tracker when
// they have been carried. It knows no issue.
//
// The rules are:
//
//   - a pass-through, never a re-implementation: http(s) and what else has a
//     helper of its own is run as `git remote-<scheme>`; for ssh, paths and
//     git:// the one capability is 'connect', and the service is started here
//     just as git starts it. No fetch or push is spoken here, so every option
//     and protocol version of git works;
//   - what the server says goes straight to git: the child holds git's own
//     pipe, and a clone's pack is never copied. What git says is read on the
//     way, a few kilobytes, to tell a fetch from a listing;
//   - exit status, stdout and stderr are those of the plain URL. The sync runs
//     afterward, in a session of its own, its streams closed; what becomes of
//     it never shows;
//   - URLs, ssh and the policy of protocol.allow follow git's own source
//     (connect.c, transport.c, url.c) and are compared with git in tests;
//   - everything in a URL is hostile: a host or path that begins with '-' is
//     refused, and so is a line break where it would end a request.
package helper
