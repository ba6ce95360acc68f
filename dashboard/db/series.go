package db

import (
	"context"
	"database/sql"

	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/event"
)

// seriesDays is how long the numbers of a day are kept.
const seriesDays = 90

// Day is how many issues a project had when a day ended.
type Day struct {
	Day          int64 // since 1970, UTC
	Open, Closed int
}

// DayOf is the day of a time.
func DayOf(t event.Time) int64 { return int64(t) / (24 * 3600 * 1e9) }

// count notes a project's numbers of today.
func (d *DB) count(ctx context.Context, tx *sql.Tx, in Poll, n counters.Counters) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO series (project_id, day, open, closed) VALUES (?1,?2,?3,?4)
		ON CONFLICT (project_id, day) DO UPDATE SET open = ?3, closed = ?4`, in.Project.ID, DayOf(in.Now), n.Open, in.Facts.Closed)
	return err
}

// Series returns the numbers of each project since a day, oldest first. The first
// row may be older: it is how things were at the beginning.
func (d *DB) Series(ctx context.Context, since int64) (map[string][]Day, error) {
	type row struct {
		project string
		Day
	}
	rows, err := list(ctx, d.read, func(r *sql.Rows, x *row) error { return r.Scan(&x.project, &x.Day.Day, &x.Open, &x.Closed) },
		`SELECT project_id, day, open, closed FROM series s
		WHERE day >= coalesce((SELECT max(day) FROM series WHERE project_id = s.project_id AND day <= ?1), 0) ORDER BY project_id, day`, since)
	if err != nil {
		return nil, err
	}
	all := map[string][]Day{}
	for _, x := range rows {
		all[x.project] = append(all[x.project], x.Day)
	}
	return all, nil
}

// TrimSeries forgets the numbers of days that are long gone.
func (d *DB) TrimSeries(ctx context.Context) error {
	_, err := d.write.ExecContext(ctx, "DELETE FROM series WHERE day < ?", DayOf(d.at())-seriesDays)
	return err
}
