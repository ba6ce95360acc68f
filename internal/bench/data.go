package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/native"
)

// dataVersion is the version of the worlds in the cache: a new one makes them again.
const dataVersion = 1

// began is the time of the first generated event.
const began event.Time = 1_770_000_000_000_000_000

const usually = 50 // number of agents in the large trackers

func agentName(n int) string { return fmt.Sprintf("agent-%03d", n) }

func logRef(agent string) string { return refs.HubPrefix + "agents/" + agent }

// uuidOf returns a uuid of version 4 that depends on kind and number, and whose short form
// is never a number.
func uuidOf(kind string, n int) (u event.UUID) {
	h := sha256.Sum256(fmt.Append(nil, kind, n))
	copy(u[:], h[:])
	u[0] = u[0]&0x0f | 0xa0
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u
}

// author makes one log's lines.
type author struct {
	chain event.Chain
	lines [][]byte
}

// say adds a line. The times of all authors increase with n.
func (a *author) say(n int, b event.Body) error {
	l, err := a.chain.Stamp(&event.Envelope{Body: b}, began+event.Time(n)*1_000_000, 0)
	if err == nil {
		a.lines = append(a.lines, l)
	}
	return err
}

// words returns text that is as long as people's, and as hard to compress.
func words(n, count int) string {
	const of = "flux tile index cache parser token queue writer reader branch merge commit hash order clock window panel crash leak slow wrong missing after before under while never always sometimes"
	list := strings.Fields(of)
	var w strings.Builder
	h := sha256.Sum256(fmt.Append(nil, "words", n))
	for i := range count {
		if i > 0 {
			w.WriteByte(' ')
		}
		w.WriteString(list[(int(h[i%32])+i*int(h[(i+7)%32]))%len(list)])
	}
	return w.String()
}

// longText is the number of words in a comment of about 64 KB; other comments have
// shortText.
const (
	shortText = 15
	longText  = 9_500
)

// body returns the n-th event of a large tracker: an issue, then four comments on it or on
// others, with text words.
func body(n int, by string, text int) event.Body {
	if n%5 == 0 {
		return &event.IssueCreated{UUID: uuidOf("issue", n/5), Title: words(n, 6), Description: words(n, 12), Priority: event.Medium, CreatedBy: by,
			Labels: []string{[]string{"bug", "idea", "docs"}[n%3]}}
	}
	at := began + event.Time(n)*1_000_000
	return &event.CommentAdded{Issue: uuidOf("issue", n/5-(n%97)*min(1, n/500)), Comment: uuidOf("comment", n), Author: by, Content: words(n, text), CreatedAt: at, Kind: "note"}
}

// nobody means that no agent has retired.
func nobody(int) bool { return false }

// history makes events in the logs of some agents of a hub. retired reports which logs end
// with AgentRetired.
func history(hub string, events, text, agents int, asSigned bool, retired func(agent int) bool, each func(agent string, lines [][]byte) error) error {
	for a := range agents {
		w := author{chain: event.Chain{Hub: hub, Agent: agentName(a)}}
		if asSigned {
			signed(&w.chain)
		}
		if err := w.say(0, &event.AgentIntroduced{Kind: event.Machine}); err != nil {
			return err
		}
		for n := range events {
			if (n/5*7+n)%agents == a {
				if err := w.say(n+1, body(n, w.chain.Agent, text)); err != nil {
					return err
				}
			}
		}
		if retired(a) {
			if err := w.say(events+1, &event.AgentRetired{}); err != nil {
				return err
			}
		}
		if err := each(w.chain.Agent, w.lines); err != nil {
			return err
		}
	}
	return nil
}

// hubID reads the hub's id from its meta.
func (w *world) hubID() string {
	var meta struct{ Hub string }
	if err := json.Unmarshal([]byte(w.at(w.hub, "git", "cat-file", "-p", "refs/heads/crosslink/meta:hub.json")), &meta); err != nil && w.err == nil {
		w.err = err
	}
	return meta.Hub
}

// crowd puts a history on the hub, packed as a server packs it, and into the clone, which
// assigns numbers.
func crowd(w *world, events, text, agents int) error {
	return crowdOf(w, events, text, agents, nobody)
}

// crowdOf is crowd with some retired agents.
func crowdOf(w *world, events, text, agents int, retired func(agent int) bool) error {
	l := packer{w.b.native(w.hub), w.b, w.hub}
	defer l.Close()
	err := history(w.hubID(), events, text, agents, false, retired, func(agent string, lines [][]byte) error {
		return appendTo(context.Background(), l, agent, lines)
	})
	if err != nil {
		return err
	}
	w.at(w.hub, "git", "repack", "-adq")
	w.at(w.hub, "git", "prune-packed", "-q")
	w.at(w.hub, "git", "pack-refs", "--all")
	w.ours("sync", "-q")
	w.ours("new", "-q", "--offline", "with a step that decides all that came")
	w.ours("sync", "-q")
	return w.err
}

// lengthen extends the clone's own log to so many lines, like somebody who writes comments.
func lengthen(w *world, lines int) error {
	ctx := context.Background()
	ref := w.at(w.replica(), "git", "for-each-ref", "--format=%(refname)", "refs/heads/crosslink/agents/")
	agent := strings.TrimPrefix(ref, refs.HubPrefix+"agents/")
	l := packer{w.b.native(w.replica()), w.b, w.replica()}
	defer l.Close()
	at, err := l.Refs(ctx, ref)
	if err != nil || len(at) != 1 {
		return fmt.Errorf("the log of '%s': %d refs, %w", agent, len(at), err)
	}
	old, err := refs.ReadLog(ctx, l, agent, at[0].OID, 1)
	if err != nil {
		return err
	}
	a := author{chain: event.Chain{Hub: w.hubID(), Agent: agent}}
	var issue event.UUID
	var last event.Time
	for _, line := range old.Lines {
		e, err := a.chain.Next(line)
		if err != nil {
			return err
		}
		last = e.Time
		if c, ok := e.Body.(*event.IssueCreated); ok {
			issue = c.UUID
		}
	}
	for n := range lines {
		b := &event.CommentAdded{Issue: issue, Comment: uuidOf("comment", n), Author: agent, Content: words(n, 15), CreatedAt: last, Kind: "note"}
		line, err := a.chain.Stamp(&event.Envelope{Body: b}, last+event.Time(n), 0)
		if err != nil {
			return err
		}
		a.lines = append(a.lines, line)
	}
	if err := appendTo(ctx, l, agent, a.lines); err != nil {
		return err
	}
	w.ours("new", "-q", "--offline", "signed, and so the lines before")
	w.ours("sync", "-q")
	w.at(w.replica(), "git", "repack", "-adq")
	return w.err
}

// appendTo adds lines to a log and moves its ref.
func appendTo(ctx context.Context, l refs.Local, agent string, lines [][]byte) error {
	rs, err := l.Refs(ctx, logRef(agent))
	if err != nil {
		return err
	}
	var tip refs.OID
	if len(rs) > 0 {
		tip = rs[0].OID
	}
	next, err := refs.AppendLog(ctx, l, agent, tip, lines, refs.CommitInfo{Author: agent, When: time.Unix(1_770_000_000, 0), Message: "x"})
	if err != nil {
		return err
	}
	return l.Swap(ctx, []refs.Update{{Ref: logRef(agent), Old: tip, New: next}})
}

// signed adds a fake signature with the length and form of an Ed25519 signature, which
// compresses just as badly.
func signed(c *event.Chain) {
	const wrap = "SSHSIG\x00\x00\x00\x01\x00\x00\x003\x00\x00\x00\x0bssh-ed25519\x00\x00\x00 %s\x00\x00\x00\x11crosslink-event@4\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00S\x00\x00\x00\x0bssh-ed25519\x00\x00\x00@%s%s"
	key := sha256.Sum256([]byte(c.Agent))
	c.Sign = func(b []byte) (string, string, error) {
		by := "SHA256:" + base64.RawStdEncoding.EncodeToString(key[:])
		one := sha256.Sum256(b)
		two := sha256.Sum256(one[:])
		return by, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, wrap, key, one, two)), nil
	}
}

// native opens the repository at gitDir.
func (b *bench) native(gitDir string) refs.Local {
	return native.New(gitDir, git.NewPlumbing(gitDir, gitDir, refs.SHA1, b.env))
}
