package store

import (
	"database/sql"
	"encoding/hex"

	"github.com/git-crosslink/git-crosslink/event"
)

// Short ids. Only those are kept that are longer than they would be if nothing else
// were near: of a million uuids some thousands.

// nearKey names an issue ("i": shown, or deleted), a comment ("c": shown) or a
// deleted comment ("g").
type nearKey struct {
	kind string
	u    event.UUID
}

// members are queries for all that short ids of a kind are distinguished from. They are put
// together with conditions on x.k.
var members = map[string]string{
	"i": "SELECT x.k FROM issue x WHERE 1",
	"c": "SELECT x.k FROM comment x JOIN issue i ON i.k = x.issue AND i.shown WHERE x.visible",
	"g": "SELECT x.k FROM comment x WHERE x.visible = 0",
}

// alone is the short id of something that nothing else is near.
func alone(u event.UUID) string { return shortest(u, minPrinted) }

// shorts writes the short ids of what came, went, or is near to that.
func (u *update) shorts() error {
	if u.bulk {
		for kind := range members {
			if err := u.allShorts(kind); err != nil {
				return err
			}
		}
		return nil
	}
	for k := range u.near {
		before, after, err := u.around(k)
		if err != nil {
			return err
		}
		if err := u.shorten(k, before, after); err != nil {
			return err
		}
		for _, n := range []*event.UUID{before, after} {
			if n == nil || common(hex.EncodeToString(n[:]), hex.EncodeToString(k.u[:])) < minPrinted {
				continue
			}
			near := nearKey{k.kind, *n}
			before, after, err := u.around(near)
			if err != nil {
				return err
			}
			if err := u.shorten(near, before, after); err != nil {
				return err
			}
		}
	}
	return nil
}

// around finds the members before and after a uuid, nil if there is none.
func (u *update) around(k nearKey) (before, after *event.UUID, err error) {
	for side, into := range map[string]**event.UUID{" AND x.k < ? ORDER BY x.k DESC LIMIT 1": &before, " AND x.k > ? ORDER BY x.k LIMIT 1": &after} {
		var b []byte
		there, err := u.one(members[k.kind]+side, []any{k.u[:]}, &b)
		if err != nil {
			return nil, nil, err
		}
		if there {
			if len(b) != len(event.UUID{}) {
				return nil, nil, errRow
			}
			near := event.UUID(b)
			*into = &near
		}
	}
	return before, after, nil
}

// shorten writes the short id of a member, or removes that of a former member.
func (u *update) shorten(k nearKey, before, after *event.UUID) error {
	var b []byte
	there, err := u.one(members[k.kind]+" AND x.k = ?", []any{k.u[:]}, &b)
	if err != nil {
		return err
	}
	if short := between(k.u, before, after); there && short != alone(k.u) {
		return u.change("near", "INSERT INTO near (kind, k, short) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET short = excluded.short WHERE short <> excluded.short", k.kind, k.u[:], short)
	}
	return u.change("near", "DELETE FROM near WHERE kind = ? AND k = ?", k.kind, k.u[:])
}

// between is the short id of a uuid between two others.
func between(u event.UUID, before, after *event.UUID) string {
	n := minPrinted
	for _, o := range []*event.UUID{before, after} {
		if o != nil {
			n = max(n, common(hex.EncodeToString(u[:]), hex.EncodeToString(o[:]))+1)
		}
	}
	return shortest(u, n)
}

// allShorts finds those of all members of a kind.
func (u *update) allShorts(kind string) error {
	query := members[kind]
	if kind == "c" && !u.orphans() { // not to look up the issue of each
		query = "SELECT x.k FROM comment x WHERE x.visible"
	}
	var before, is *event.UUID
	emit := func(after *event.UUID) error {
		if is != nil {
			if short := between(*is, before, after); short != alone(*is) {
				if err := u.insert("near", kind, append([]byte{}, is[:]...), short); err != nil {
					return err
				}
			}
		}
		before, is = is, after
		return nil
	}
	if err := u.each(query+" ORDER BY x.k", nil, func(r *sql.Rows) error {
		var k []byte
		if err := r.Scan(&k); err != nil {
			return err
		}
		next := event.UUID(k)
		return emit(&next)
	}); err != nil {
		return err
	}
	return emit(nil)
}

// orphans reports whether there are comments of issues that are not shown: their
// tallies are left when all issues have been written.
func (u *update) orphans() bool {
	for _, t := range u.tallies {
		if t.comments > 0 {
			return true
		}
	}
	return false
}

// nearComments notes that the comments of an issue came with it, or went.
func (u *update) nearComments(issue event.UUID, shown bool) error {
	q := "SELECT c.k FROM comment c WHERE c.issue = ? AND c.visible"
	if !shown { // those of others are shorter without them only if theirs are longer
		q += " AND c.k IN (SELECT k FROM near WHERE kind = 'c')"
	}
	return u.each(q, []any{issue[:]}, func(r *sql.Rows) error {
		var k []byte
		if err := r.Scan(&k); err != nil {
			return err
		}
		if len(k) != len(event.UUID{}) {
			return errRow
		}
		u.near[nearKey{"c", event.UUID(k)}] = true
		return nil
	})
}
