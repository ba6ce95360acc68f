package gate

import (
	"fmt"
	"strconv"

	"github.com/git-crosslink/git-crosslink/refs"
)

// A pack of a megabyte may unpack to any size, and every clone has to read what the gate
// accepts. So the gate bounds how much one push may add to the tracker's branches, how long
// a log may grow, and how many refs may contain heartbeats of one agent. Bytes are the
// unpacked bytes of the objects that the gate judges. Lines that the ledger covers and the
// hub has lost are always accepted.

// Limits bound a push. 0 means no limit.
type Limits struct {
	Push     int64 // bytes in one push
	Log      int64 // bytes of one log, including those on the hub
	Presence int   // refs that name one agent
}

// The defaults, in the units of the settings.
const (
	defaultPushLimit     = 100 // MB
	defaultLogLimit      = 256 // MB
	defaultPresenceLimit = 20
)

const megabyte = 1 << 20

// The settings of the hub's owner.
const (
	pushLimit     = "crosslink.pushLimit"
	logLimit      = "crosslink.logLimit"
	presenceLimit = "crosslink.presenceLimit"
)

// limitsOf reads the limits from the hub's configuration. An invalid number counts as the
// default; 'server check' reports it.
func limitsOf(conf refs.Config) Limits {
	number := func(key string, preset int) int {
		v, _ := conf.Get(key)
		if n, err := strconv.Atoi(v); err == nil && n >= 0 {
			return min(n, 1<<30)
		}
		return preset
	}
	return Limits{
		Push:     int64(number(pushLimit, defaultPushLimit)) * megabyte,
		Log:      int64(number(logLimit, defaultLogLimit)) * megabyte,
		Presence: number(presenceLimit, defaultPresenceLimit),
	}
}

// overLimit is the error of a push over a limit.
type overLimit struct{ limit int64 }

func (e *overLimit) Error() string {
	return fmt.Sprintf("the push brings more than %d MB, unpacked, to the tracker's branches", e.limit/megabyte)
}

func (e *overLimit) refusal() *Refusal {
	return refuse(TooMuch, cureLimit, "%v", e).raise(pushLimit, e.limit/megabyte)
}

// raise adds the setting to raise, and its new value.
func (r *Refusal) raise(key string, now int64) *Refusal {
	return r.about("setting", key).about("value", strconv.FormatInt(2*max(now, 1), 10))
}

// bring counts bytes of the push. The error is an *overLimit.
func (g *gate) bring(n int) error {
	if g.brought += int64(n); g.o.Limits.Push > 0 && g.brought > g.o.Limits.Push {
		return &overLimit{g.o.Limits.Push}
	}
	return nil
}

// length refuses a log that grows over its limit. It measures the log only if its size may
// have changed much: a log with few segments cannot be too long, and a log that neither
// fills a segment nor grows by a megabyte is measured with a later push.
func (l *logCheck) length() (*Refusal, error) {
	limit := l.o.Limits.Log
	var segments []refs.OID
	for p, e := range l.new {
		if segmentPath().MatchString(p) {
			segments = append(segments, e.oid)
		}
	}
	switch {
	case limit == 0, l.fresh == 0, !l.filled && l.fresh < megabyte, int64(len(segments))*refs.SegmentLimit <= limit:
		return nil, nil
	}
	size, err := l.repo.Sizes(l.ctx, segments)
	if err != nil || size <= limit {
		return nil, err
	}
	return refuse(TooMuch, cureLogLimit, "the log would be %d MB long, and the limit is %d MB", size/megabyte, limit/megabyte).raise(logLimit, limit/megabyte), nil
}
