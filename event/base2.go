package event

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// A level-2 hub is one branch of small files that were edited in place:
//
//	meta/counters.json              next numbers
//	meta/milestones/<uuid>.json     or meta/milestones.json
//	issues/<uuid>/issue.json        or issues/<uuid>.json, with comments inside
//	issues/<uuid>/comments/<uuid>.json
//
// It is read, never written. As in the original, a file that does not decode is skipped: the
// files are independent of each other, unlike the parts of a checkpoint. So is a file that
// contains another uuid than its name. Base.Unread lists them.

type (
	issue2 struct {
		issue3
		UUID     string     `json:"uuid"`
		Comments []comment2 `json:"comments"`
		Time     []time2    `json:"time_entries"`
	}
	comment2 struct {
		comment3
		ID   int64  `json:"id"`
		UUID string `json:"uuid"`
	}
	time2 struct {
		time3
		ID int64 `json:"id"`
	}
	mile2 struct {
		mile3
		UUID string `json:"uuid"`
	}
	counters2 struct {
		NextIssue     int64 `json:"next_display_id"`
		NextMilestone int64 `json:"next_milestone_id"`
	}
)

// ParseBase2 reads the files of a level-2 hub, path → bytes.
func ParseBase2(files map[string][]byte) (*Base, error) {
	b := &Base{Numbers: map[UUID]uint64{}, NextIssue: 1, NextMilestone: 1}
	index := map[UUID]int{}
	found := false
	for _, p := range sortedPaths(files) {
		if !strings.HasPrefix(p, "issues/") || path.Base(path.Dir(p)) == "comments" {
			continue
		}
		found = true
		i, err := parseIssue2(p, files[p])
		if _, twice := index[i.UUID]; err == nil && twice {
			err = errors.New("another file holds the same issue")
		}
		if b.unread(p, err); err == nil {
			index[i.UUID] = len(b.Issues)
			b.Issues = append(b.Issues, i)
		}
	}
	for _, p := range sortedPaths(files) {
		if strings.HasPrefix(p, "issues/") && path.Base(path.Dir(p)) == "comments" {
			b.unread(p, b.comment2(index, p, files[p]))
		}
		if strings.HasPrefix(p, "meta/milestones") {
			b.unread(p, b.milestones2(p, files[p]))
		}
	}
	if data, there := files["meta/counters.json"]; there {
		var c counters2
		err := loose(data, &c)
		if b.unread("meta/counters.json", err); err == nil {
			b.NextIssue, b.NextMilestone = uint64(max(c.NextIssue, 1)), uint64(max(c.NextMilestone, 1))
			found = true
		}
	}
	if !found {
		return nil, errors.New("the level-2 branch holds neither issues nor counters")
	}
	sort.Slice(b.Issues, func(i, j int) bool { return compareUUID(b.Issues[i].UUID, b.Issues[j].UUID) < 0 })
	// Of two that say the same uuid the first path counts, as with issues.
	sort.SliceStable(b.Milestones, func(i, j int) bool { return compareUUID(b.Milestones[i].UUID, b.Milestones[j].UUID) < 0 })
	b.Milestones = slices.CompactFunc(b.Milestones, func(x, y BaseMilestone) bool { return x.UUID == y.UUID })
	for i := range b.Issues {
		x := &b.Issues[i]
		sort.SliceStable(x.Comments, func(i, j int) bool { return compareUUID(x.Comments[i].UUID, x.Comments[j].UUID) < 0 })
		if x.Number != 0 {
			b.Numbers[x.UUID] = x.Number
			b.NextIssue = max(b.NextIssue, x.Number+1)
		}
	}
	return b, nil
}

func sortedPaths(files map[string][]byte) []string {
	var ps []string
	for p := range files {
		if strings.HasSuffix(p, ".json") {
			ps = append(ps, p)
		}
	}
	slices.Sort(ps)
	return ps
}

// unread records that a file was skipped, if err is not nil.
func (b *Base) unread(p string, err error) {
	if err != nil {
		b.Unread = append(b.Unread, UnreadFile{p, err.Error()})
	}
}

// named checks that a file says the uuid that its name says.
func (r *reader3) named(name, says string) {
	name = strings.TrimSuffix(name, ".json")
	if of, err := uuid.Parse(name); err != nil {
		r.fail("its name is no uuid")
	} else if is, err := uuid.Parse(says); err == nil && is != of {
		r.fail("it says the uuid %s", is)
	}
}

func parseIssue2(p string, data []byte) (BaseIssue, error) {
	var in issue2
	if err := loose(data, &in); err != nil {
		return BaseIssue{}, err
	}
	var r reader3
	name := strings.TrimPrefix(p, "issues/")
	if path.Base(name) == "issue.json" {
		name = path.Dir(name)
	}
	r.named(name, in.UUID)
	i := r.issue(in.UUID, in.issue3)
	for _, c := range in.Comments {
		i.Comments = append(i.Comments, r.comment(derived2("comment", in.UUID, c.ID), c.comment3))
	}
	for _, t := range in.Time {
		e := BaseTime{UUID: derived2("time-entry", in.UUID, t.ID), StartedAt: r.time(t.StartedAt, "started_at"), EndedAt: r.optTime(t.EndedAt, "ended_at")}
		if t.Duration != nil {
			d := number(*t.Duration)
			e.DurationSeconds = &d
		}
		i.Time = append(i.Time, e)
	}
	return i, r.err
}

func (r *reader3) comment(u UUID, c comment3) BaseComment {
	if c.Kind == "" {
		c.Kind = "note"
	}
	return BaseComment{u, c.Author, c.Content, r.time(c.CreatedAt, "created_at"),
		c.Kind, c.TriggerType, c.InterventionContext, c.DriverKeyFingerprint}
}

// derived2 is the uuid the original's migration gives to what had only a
// number: the first 16 bytes of a hash, without version bits.
func derived2(kind, issue string, id int64) UUID {
	h := sha256.Sum256(fmt.Appendf(nil, "crosslink-hub-v3:%s:%s:%d", kind, issue, id))
	return UUID(h[:16])
}

// comment2 adds the comment of issues/<uuid>/comments/<uuid>.json to its issue.
func (b *Base) comment2(index map[UUID]int, p string, data []byte) error {
	parts := strings.Split(p, "/")
	if len(parts) != 4 {
		return errors.New("it is not in the directory of an issue")
	}
	issue, err := uuid.Parse(parts[1])
	at, ok := index[issue]
	if err != nil || !ok {
		return errors.New("its issue cannot be read")
	}
	var in comment2
	if err := loose(data, &in); err != nil {
		return err
	}
	var r reader3
	r.named(parts[3], in.UUID)
	c := r.comment(r.uuid(in.UUID, "uuid"), in.comment3)
	if r.err == nil {
		b.Issues[at].Comments = append(b.Issues[at].Comments, c)
	}
	return r.err
}

// milestones2 adds the milestones of a file, and says why not of the first that is bad.
func (b *Base) milestones2(p string, data []byte) (bad error) {
	var many struct {
		Milestones map[string]mile2 `json:"milestones"`
	}
	var one mile2
	add := func(r reader3, u string, m mile3) error {
		x := r.milestone(u, m)
		if r.err == nil {
			b.Milestones = append(b.Milestones, x)
		}
		return r.err
	}
	if err := loose(data, &many); err != nil {
		return err
	}
	switch {
	case len(many.Milestones) > 0:
		for _, u := range slices.Sorted(maps.Keys(many.Milestones)) {
			if err := add(reader3{}, u, many.Milestones[u].mile3); err != nil && bad == nil {
				bad = fmt.Errorf("milestone '%s': %w", u, err)
			}
		}
	case p != "meta/milestones.json" || many.Milestones == nil:
		if err := loose(data, &one); err != nil {
			return err
		}
		var r reader3
		r.named(strings.TrimPrefix(p, "meta/milestones/"), one.UUID)
		return add(r, one.UUID, one.mile3)
	}
	return bad
}

// Locks2 are the locks of a level-2 hub, of both of its layouts, by number.
func Locks2(files map[string][]byte) (all []BaseLock) {
	add := func(n int64, x lock3) {
		var r reader3
		if at := r.optTime(x.ClaimedAt, "claimed_at"); r.err == nil && n > 0 && x.Agent != "" {
			all = append(all, BaseLock{uint64(n), x.Agent, x.Branch, at})
		}
	}
	for _, p := range sortedPaths(files) {
		if !strings.HasPrefix(p, "locks/") {
			continue
		}
		var one struct {
			lock3
			Number int64 `json:"issue_id"`
		}
		if loose(files[p], &one) == nil {
			add(one.Number, one.lock3)
		}
	}
	var many struct {
		Locks map[string]lock3 `json:"locks"`
	}
	if loose(files["locks.json"], &many) == nil {
		for _, n := range slices.Sorted(maps.Keys(many.Locks)) {
			if num, err := strconv.ParseInt(n, 10, 63); err == nil && !slices.ContainsFunc(all, func(x BaseLock) bool { return x.Number == uint64(num) }) {
				add(num, many.Locks[n])
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Number < all[j].Number })
	return all
}
