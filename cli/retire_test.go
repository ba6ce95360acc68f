package cli

import "testing"

func TestAgentDescribeAndRetire(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "fix the flux")
	w.ok("lock", "1")
	r := w.ok("agent", "describe", "the reviewer")
	check(t, "describe", r.out+r.err, "alice-laptop-abcd\ndescribed 'alice-laptop-abcd'\n")
	check(t, "again", w.ok("agent", "describe", "the reviewer").err, "'alice-laptop-abcd' already has this description\n")
	contains(t, "kind", w.ok("agent", "describe", "--kind", "agent", "--json", "the reviewer").out, `"kind":"agent","description":"the reviewer","retired_at":null,"released":0`)
	check(t, "none", w.ok("agent", "describe", "").err, "removed the description of 'alice-laptop-abcd'\n")
	check(t, "no text", w.run("agent", "describe").code, 129)
	check(t, "two texts", w.run("agent", "describe", "the", "reviewer").code, 129)
	check(t, "bad kind", w.run("agent", "describe", "--kind", "robot", "x").code, 129)
	check(t, "bad text", w.run("agent", "describe", "a\x1b[2J").code, 129)
	r = w.ok("agent", "retire", "--reason", "done")
	check(t, "retire", r.out+r.err, "alice-laptop-abcd\nretired 'alice-laptop-abcd'; released 1 lock\n")
	check(t, "again", w.ok("agent", "retire").err, "'alice-laptop-abcd' is already retired\n")
}
