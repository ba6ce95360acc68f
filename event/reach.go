package event

// Reach is how far ahead of its own clock a writer follows the times of others:
// a hundred years. It is long, so that a machine whose clock is in 1970 still
// orders its events after what it has seen.
const Reach = 100 * year

const year Time = 365 * 24 * 3600 * 1e9

// Follows returns the greatest time that a writer whose clock says now follows.
// It is at least a year before MaxTime, unless now is not: nobody can lead a
// writer to MaxTime, where no later time is left.
func Follows(now Time) Time {
	now = min(max(now, 0), MaxTime)
	return max(now, min(now, MaxTime-Reach-year)+Reach)
}
