package tracker_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// hostile makes refs that no honest program makes and puts them on a hub.
type hostile struct {
	w    *world
	hub  string // its id
	objs []refs.Object
	have map[refs.OID]bool
	tips map[string]refs.OID // ref name → tip
}

func newHostile(w *world, hub string) *hostile {
	return &hostile{w: w, hub: hub, have: map[refs.OID]bool{}, tips: map[string]refs.OID{}}
}

func (h *hostile) put(kind refs.Kind, data []byte) refs.OID {
	o := refs.Object{Kind: kind, Data: data}
	id := refs.SHA1.ID(o)
	if !h.have[id] {
		h.have[id] = true
		h.objs = append(h.objs, o)
	}
	return id
}

// tree encodes entries as they are: "mode name", id, in that order.
func (h *hostile) tree(entries ...string) refs.OID {
	var b bytes.Buffer
	for i := 0; i < len(entries); i += 2 {
		raw, _ := hex.DecodeString(entries[i+1])
		b.WriteString(entries[i] + "\x00")
		b.Write(raw)
	}
	return h.put(refs.Tree, b.Bytes())
}

func (h *hostile) commit(tree refs.OID) refs.OID {
	return h.put(refs.Commit, fmt.Appendf(nil, "tree %s\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n", tree))
}

// shaped is a log whose events/ holds what is given.
func (h *hostile) shaped(events ...string) refs.OID {
	return h.commit(h.tree("40000 events", string(h.tree(events...))))
}

// seg is the tree entry of a segment of the first shard.
func seg(mode, agent string, first uint64) string { return mode + " " + refs.SegmentName(agent, first) }

// file is a log of one segment that holds exactly data.
func (h *hostile) file(agent string, data []byte) refs.OID {
	return h.shaped("40000 000000", string(h.tree(seg("100644", agent, 1), string(h.put(refs.Blob, data)))))
}

// chain makes n good lines.
func (h *hostile) chain(agent string, n int) [][]byte {
	c := event.Chain{Hub: h.hub, Agent: agent}
	var lines [][]byte
	for i := range n {
		body := event.Body(&event.AgentIntroduced{Kind: event.Machine})
		if i > 0 {
			body = &event.LabelAdded{Issue: event.UUID{9: 1, 15: 1}, Label: fmt.Sprint("l", i)}
		}
		line, err := c.Stamp(&event.Envelope{Body: body}, event.TimeOf(time.Unix(1_800_000_000, 0)), 0)
		if err != nil {
			h.w.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// with is a log of two good lines and one more, which may be made from a good
// third one.
func (h *hostile) with(agent string, third func(good string) string) refs.OID {
	l := h.chain(agent, 3)
	return h.file(agent, []byte(string(l[0])+"\n"+string(l[1])+"\n"+third(string(l[2]))))
}

// land writes the objects and then the refs, as files where git would refuse
// the name or what it points to.
func (h *hostile) land() {
	h.w.t.Helper()
	if m := h.w.memory; m != nil {
		if _, err := m.Write(context.Background(), h.objs); err != nil {
			h.w.t.Fatal(err)
		}
		for name, tip := range h.tips {
			m.Put(name, tip)
		}
		h.objs, h.tips = nil, map[string]refs.OID{}
		return
	}
	for _, o := range h.objs { // loose, and without the syncs that git would make
		id := string(refs.SHA1.ID(o))
		var z bytes.Buffer
		w, _ := zlib.NewWriterLevel(&z, zlib.BestSpeed)
		fmt.Fprintf(w, "%s %d\x00", o.Kind, len(o.Data))
		w.Write(o.Data)
		w.Close()
		h.store(filepath.Join("objects", id[:2], id[2:]), z.Bytes())
	}
	h.objs = nil
	for name, tip := range h.tips {
		h.store(filepath.FromSlash(name), []byte(tip+"\n"))
	}
	h.tips = map[string]refs.OID{}
}

func (h *hostile) store(name string, data []byte) {
	h.w.t.Helper()
	path := filepath.Join(h.w.hub, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		h.w.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		h.w.t.Fatal(err)
	}
}

func (h *hostile) ref(agent string, tip refs.OID) {
	h.tips["refs/heads/crosslink/agents/"+agent] = tip
}

// kind is one way to be malformed.
type kind struct {
	name   string
	make   func(h *hostile, agent string) refs.OID
	events uint64 // good ones before the end
	ended  string // a part of the reason; "" = the log is good, only odd
}

func change(from, to string) func(h *hostile, agent string) refs.OID {
	return func(h *hostile, agent string) refs.OID {
		return h.with(agent, func(good string) string {
			bad := strings.Replace(good, from, to, 1) + "\n"
			if bad == good+"\n" {
				h.w.t.Fatalf("'%s' is not in %s", from, good)
			}
			return bad
		})
	}
}

func third(line string) func(h *hostile, agent string) refs.OID {
	return func(h *hostile, agent string) refs.OID {
		return h.with(agent, func(string) string { return line })
	}
}

// mode is a log whose only segment has another mode.
func mode(m string) func(h *hostile, agent string) refs.OID {
	return func(h *hostile, agent string) refs.OID {
		id := h.put(refs.Blob, []byte("../../../../etc/passwd"))
		if m == "160000" {
			id = refs.OID(strings.Repeat("7", 40))
		} else if m == "40000" {
			id = h.tree()
		}
		return h.shaped("40000 000000", string(h.tree(seg(m, agent, 1), string(id))))
	}
}

// kinds are cheap to make and to read; heavy ones are apart.
func kinds() []kind {
	const comment = `{"type":"CommentAdded","issue_uuid":"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e","comment_uuid":"2d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e","author":"a","content":"%s","created_at":"2026-03-01T10:00:00.123456789Z","kind":"note"}`
	body := func(event string) func(h *hostile, agent string) refs.OID {
		return func(h *hostile, agent string) refs.OID {
			return h.with(agent, func(good string) string { return good[:strings.Index(good, `"event":`)] + `"event":` + event + "}\n" })
		}
	}
	return []kind{
		{"wrong-hub", change(`"hub":"`, `"hub":"00000000-0000-4000-8000-000000000001","was":"`), 2, "member-order"},
		{"other-hub", func(h *hostile, a string) refs.OID {
			o := &hostile{w: h.w, hub: "00000000-0000-4000-8000-000000000001"}
			return h.file(a, append(bytes.Join(o.chain(a, 3), []byte("\n")), '\n'))
		}, 0, "hub"},
		{"other-agent", func(h *hostile, a string) refs.OID {
			return h.file(a, append(bytes.Join(h.chain("somebody", 3), []byte("\n")), '\n'))
		}, 0, "agent"},
		{"gap", change(`"agent_seq":3`, `"agent_seq":4`), 2, "sequence"},
		{"again", change(`"agent_seq":3`, `"agent_seq":2`), 2, "sequence"},
		{"prev", func(h *hostile, a string) refs.OID {
			l := h.chain(a, 3)
			return h.file(a, append(bytes.Join([][]byte{l[0], l[1], bytes.Replace(l[2], []byte(event.Hash(l[1])), []byte(event.Hash(l[0])), 1)}, []byte("\n")), '\n'))
		}, 2, "prev"},
		{"falls", change(`"timestamp":"2027`, `"timestamp":"2026`), 2, "time-falls"},
		{"too-late", change(`"timestamp":"20`, `"timestamp":"30`), 2, "timestamp"},
		{"newer", change(`"v":4`, `"v":5`), 2, "newer"},
		{"much-newer", change(`"v":4`, `"v":99999999999999999999`), 2, "newer"},
		{"older", change(`"v":4`, `"v":3`), 2, "no-version"},
		{"no-v", change(`"v":4,`, ``), 2, "no-version"},
		{"text", third("hello\n"), 2, "syntax"},
		{"nul", third("\x00\x00\n"), 2, "syntax"},
		{"utf8", change(`"l2"`, "\"\xff\xfe\""), 2, "utf-8"},
		{"utf16", third("\xff\xfe{\x00}\x00\n"), 2, "syntax"},
		{"crlf", func(h *hostile, a string) refs.OID {
			return h.with(a, func(good string) string { return good + "\r\n" })
		}, 2, "trailing-bytes"},
		{"blank", third("\n"), 2, "unfinished"},
		{"cut", func(h *hostile, a string) refs.OID {
			return h.with(a, func(good string) string { return good[:len(good)/2] })
		}, 2, "middle of a line"},
		{"deep", body(`{"type":"Deep","x":` + strings.Repeat("[", 160) + strings.Repeat("]", 160) + `}`), 2, "too-deep"},
		{"long-line", third(`{"v":4,"x":"` + strings.Repeat("x", 10*event.MaxLine) + "\"}\n"), 2, "line-too-long"},
		{"long-comment", body(fmt.Sprintf(comment, strings.Repeat("x", 10*event.MaxText))), 2, "line-too-long"},
		{"longer-comment", body(fmt.Sprintf(comment, strings.Repeat("x", 2*event.MaxText))), 3, ""}, // a rejection
		{"long-label", body(`{"type":"LabelAdded","issue_uuid":"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e","label":"` + strings.Repeat("x", 10*event.MaxName) + `"}`), 3, ""},
		{"long-title", body(`{"type":"IssueUpdated","uuid":"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e","title":"` + strings.Repeat("x", 10*event.MaxTitle) + `"}`), 3, ""},
		{"unknown-type", body(`{"type":"MoonLanded","crew":["neil"]}`), 3, ""},
		{"lines", func(h *hostile, a string) refs.OID {
			return h.file(a, append(bytes.Join(h.chain(a, 65), []byte("\n")), '\n'))
		}, 64, "too many lines"},
		{"empty", func(h *hostile, a string) refs.OID { return h.file(a, nil) }, 0, "is empty"},
		{"symlink", mode("120000"), 0, "not a plain file"},
		{"gitlink", mode("160000"), 0, "not a plain file"},
		{"executable", mode("100755"), 0, "not a plain file"},
		{"directory", mode("40000"), 0, "not a plain file"},
		{"shard-link", func(h *hostile, a string) refs.OID {
			return h.shaped("120000 000000", string(h.put(refs.Blob, []byte("x"))))
		}, 0, "not a directory"},
		{"events-link", func(h *hostile, a string) refs.OID {
			return h.commit(h.tree("120000 events", string(h.put(refs.Blob, []byte("/etc")))))
		}, 0, "not a directory"},
		{"legacy-dir", func(h *hostile, a string) refs.OID { return h.commit(h.tree("40000 events.log", string(h.tree()))) }, 0, "not a plain file"},
		{"dots", func(h *hostile, a string) refs.OID {
			return h.commit(h.tree("100644 ..", string(h.put(refs.Blob, nil))))
		}, 0, "malformed tree"},
		{"dot-git", func(h *hostile, a string) refs.OID { return h.commit(h.tree("40000 .GIT", string(h.tree()))) }, 0, "malformed tree"},
		{"unsorted", func(h *hostile, a string) refs.OID {
			b := string(h.put(refs.Blob, nil))
			return h.commit(h.tree("100644 b", b, "100644 a", b))
		}, 0, "malformed tree"},
		{"hole", func(h *hostile, a string) refs.OID {
			b := string(h.put(refs.Blob, append(bytes.Join(h.chain(a, 64), []byte("\n")), '\n')))
			return h.shaped("40000 000000", string(h.tree(seg("100644", a, 1), b, seg("100644", a, 129), b)))
		}, 64, "does not follow"},
		{"late", func(h *hostile, a string) refs.OID {
			return h.shaped("40000 000000", string(h.tree(seg("100644", a, 65), string(h.put(refs.Blob, []byte("x\n"))))))
		}, 0, "does not follow"},
		{"deep-tree", func(h *hostile, a string) refs.OID {
			id := h.tree()
			for range 400 {
				id = h.tree("40000 x", string(id))
			}
			return h.shaped("40000 000000", string(h.tree(seg("40000", a, 1), string(id))))
		}, 0, "not a plain file"},
		{"junk-header", func(h *hostile, a string) refs.OID {
			tree := h.tree("40000 events", string(h.tree("40000 000000", string(h.tree(seg("100644", a, 1), string(h.put(refs.Blob, append(bytes.Join(h.chain(a, 3), []byte("\n")), '\n'))))))))
			return h.put(refs.Commit, fmt.Appendf(nil, "tree %s\nauthor \xff\x1b[31m junk\ncommitter > > 99999999999999999999 +9999\nencoding \x00\nmergetag %s\n\n", tree, strings.Repeat("x", 1000)))
		}, 3, ""},
		{"huge-message", func(h *hostile, a string) refs.OID {
			return h.put(refs.Commit, fmt.Appendf(nil, "tree %s\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\n%s\n", h.tree(), strings.Repeat("x", 10<<20)))
		}, 0, "too large"},
		{"tip-tree", func(h *hostile, a string) refs.OID { return h.tree() }, 0, "not a commit"},
		{"tip-blob", func(h *hostile, a string) refs.OID { return h.put(refs.Blob, []byte("x")) }, 0, "not a commit"},
	}
}

// heavy are far over the caps on sizes, and small to send. Git is what takes
// long with them, so ten times over is for the night.
func heavy() []kind {
	times := 3
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		times = 10
	}
	whole := func(data func() []byte, ended string) kind {
		return kind{make: func(h *hostile, a string) refs.OID { return h.file(a, data()) }, ended: ended}
	}
	bomb := whole(func() []byte { return make([]byte, times*refs.SegmentLimit) }, "too large")
	bomb.name = "bomb"
	breaks := whole(func() []byte { return bytes.Repeat([]byte("\n"), refs.SegmentLimit) }, "unfinished")
	breaks.name = "breaks"
	long := whole(func() []byte {
		return bytes.Repeat([]byte(strings.Repeat("x", event.MaxLine)+"\n"), refs.SegmentLines)
	}, "syntax")
	long.name = "long"
	return []kind{bomb, breaks, long,
		{"segments", func(h *hostile, a string) refs.OID {
			blob := string(h.put(refs.Blob, bytes.Repeat([]byte(strings.Repeat("y", 16<<10)+"\n"), refs.SegmentLines)))
			var events []string
			for k := range 20 {
				var segs []string
				for i := range 64 {
					segs = append(segs, seg("100644", a, uint64(k*refs.ShardLines+i*refs.SegmentLines+1)), blob)
				}
				events = append(events, fmt.Sprintf("40000 %06d", k), string(h.tree(segs...)))
			}
			return h.shaped(events...)
		}, 0, "syntax"},
		{"entries", func(h *hostile, a string) refs.OID {
			blob := string(h.put(refs.Blob, []byte("x")))
			var es []string
			for i := range 100_000 {
				es = append(es, fmt.Sprintf("100644 z%06d", i), blob)
			}
			return h.commit(h.tree(es...))
		}, 0, "too large"},
	}
}
