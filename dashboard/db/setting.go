package db

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
)

// Setting is one number that an operator may change.
type Setting struct {
	Key   string
	About string
	Unit  string // "" for a plain number
	set   func(*alerts.Settings, string) error
	get   func(*alerts.Settings) string
}

// Value is what the settings say of it.
func (o Setting) Value(s *alerts.Settings) string { return o.get(s) }

// Global reports whether a setting applies to all projects together.
func (o Setting) Global() bool { return o.Key == auditDays }

// duration makes a setting of a number of units.
func duration(key, about, word string, unit time.Duration, of func(*alerts.Settings) *time.Duration) Setting {
	return Setting{key, about, word, func(s *alerts.Settings, v string) error {
		n, err := number(key, v, 100_000)
		*of(s) = time.Duration(n) * unit
		return err
	}, func(s *alerts.Settings) string { return strconv.Itoa(int(*of(s) / unit)) }}
}

func number(key, v string, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 1, fmt.Errorf("%s is a number from 1 to %d, not '%s'", key, most, v)
	}
	return n, nil
}

// leastFetch is the shortest interval between fetches, in seconds.
const leastFetch = 15

// Thresholds are the numbers in rules that may be changed.
var Thresholds = []Setting{
	duration("agent.active_minutes", "an agent is active after its last sign for", "minutes", time.Minute, func(s *alerts.Settings) *time.Duration { return &s.Active }),
	duration("agent.silent_minutes", "an agent that holds a lock is silent after", "minutes", time.Minute, func(s *alerts.Settings) *time.Duration { return &s.Silent }),
	duration("lock.stale_minutes", "a lock is stale after", "minutes", time.Minute, func(s *alerts.Settings) *time.Duration { return &s.LockStale }),
	{"lock.only_if_silent", "a lock is stale only if its holder is silent", "", func(s *alerts.Settings, v string) (err error) {
		if s.LockIfSilent, err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("lock.only_if_silent is true or false, not '%s'", v)
		}
		return nil
	}, func(s *alerts.Settings) string { return strconv.FormatBool(s.LockIfSilent) }},
	duration("due.soon_hours", "an issue is due soon before its date by", "hours", time.Hour, func(s *alerts.Settings) *time.Duration { return &s.DueSoon }),
	{"fetch.interval_seconds", "a hub on a network is fetched every", "seconds", func(s *alerts.Settings, v string) error {
		n, err := number("fetch.interval_seconds", v, 3600)
		if err == nil && n < leastFetch {
			err = fmt.Errorf("fetch.interval_seconds is at least %d, not '%s'", leastFetch, v)
		}
		s.Fetch = time.Duration(n) * time.Second
		return err
	}, func(s *alerts.Settings) string {
		if s.Fetch == 0 {
			return "60" // poll.RefreshEvery
		}
		return strconv.Itoa(int(s.Fetch / time.Second))
	}},
	{auditDays, "the audit log keeps rows for; 0 is forever", "days", func(s *alerts.Settings, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n != 0 && n < leastAudit || n > 36500 {
			return fmt.Errorf("%s is 0 or at least %d, not '%s'", auditDays, leastAudit, v)
		}
		s.Audit = n
		return nil
	}, func(s *alerts.Settings) string { return strconv.Itoa(s.Audit) }},
	{"unreachable.failures", "a project is unreachable after", "failed fetches", func(s *alerts.Settings, v string) (err error) {
		s.Failures, err = number("unreachable.failures", v, 1000)
		return err
	}, func(s *alerts.Settings) string { return strconv.Itoa(s.Failures) }},
}

// apply puts one value into the settings.
func apply(s *alerts.Settings, key, value string) error {
	if k := slices.IndexFunc(Thresholds, func(o Setting) bool { return o.Key == key }); k >= 0 {
		return Thresholds[k].set(s, value)
	}
	kind, member, ok := strings.Cut(strings.TrimPrefix(key, "rule."), ".")
	known := slices.ContainsFunc(alerts.Rules, func(r alerts.Rule) bool { return string(r.Kind) == kind })
	if !ok || !known || !strings.HasPrefix(key, "rule.") {
		return fmt.Errorf("there is no setting '%s'", key)
	}
	r := s.Rules[alerts.Kind(kind)]
	switch member {
	case "enabled":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%s is true or false, not '%s'", key, value)
		}
		r.Off = !on
	case "severity":
		if !slices.Contains(alerts.Severities, alerts.Severity(value)) {
			return fmt.Errorf("%s is critical, warning or info, not '%s'", key, value)
		}
		r.Severity = alerts.Severity(value)
	case "for_seconds":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 30*24*3600 {
			return fmt.Errorf("%s is a number of seconds up to 30 days, not '%s'", key, value)
		}
		d := time.Duration(n) * time.Second
		r.For = &d
	default:
		return fmt.Errorf("there is no setting '%s'", key)
	}
	if s.Rules == nil {
		s.Rules = map[alerts.Kind]alerts.RuleSetting{}
	}
	s.Rules[alerts.Kind(kind)] = r
	return nil
}

// Settings returns the settings of a project: the defaults, changed by those for all
// projects, then by those for this one.
func (d *DB) Settings(ctx context.Context, project string) (alerts.Settings, error) {
	s := alerts.Defaults()
	type row struct{ key, value string }
	rows, err := list(ctx, d.read, func(r *sql.Rows, o *row) error { return r.Scan(&o.key, &o.value) },
		"SELECT key, value FROM settings WHERE scope IN ('', ?) ORDER BY scope", project)
	for _, r := range rows {
		if err := apply(&s, r.key, r.value); err != nil {
			return s, err
		}
	}
	return s, err
}

// Preview returns the settings as they would be with values changed. An empty
// value is the default.
func (d *DB) Preview(ctx context.Context, project string, values map[string]string) (alerts.Settings, error) {
	s, err := d.Settings(ctx, project)
	if err != nil {
		return s, err
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key]
		if k := slices.IndexFunc(Thresholds, func(o Setting) bool { return o.Key == key }); value == "" && k >= 0 {
			defaults := alerts.Defaults()
			value = Thresholds[k].get(&defaults)
		}
		if value == "" {
			continue
		}
		if err := apply(&s, key, value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Values returns what was set in a scope: "" for all projects.
func (d *DB) Values(ctx context.Context, scope string) (map[string]string, error) {
	type row struct{ key, value string }
	rows, err := list(ctx, d.read, func(r *sql.Rows, o *row) error { return r.Scan(&o.key, &o.value) }, "SELECT key, value FROM settings WHERE scope = ?", scope)
	all := map[string]string{}
	for _, r := range rows {
		all[r.key] = r.value
	}
	return all, err
}

// Set changes settings, all or none; an empty value takes back what was set.
// The alerts follow on the next tick.
func (d *DB) Set(ctx context.Context, scope string, values map[string]string) error {
	var scratch alerts.Settings
	for key, value := range values {
		if key == auditDays && scope != "" {
			return fmt.Errorf("%s is set for all projects alike", key)
		}
		if value != "" {
			if err := apply(&scratch, key, value); err != nil {
				return err
			}
		}
	}
	return d.tx(ctx, func(tx *sql.Tx) (err error) {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if values[key] == "" {
				_, err = tx.ExecContext(ctx, "DELETE FROM settings WHERE scope = ? AND key = ?", scope, key)
			} else {
				_, err = tx.ExecContext(ctx, "INSERT INTO settings (scope, key, value) VALUES (?,?,?) ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value", scope, key, values[key])
			}
			if err != nil {
				return err
			}
		}
		if _, err = tx.ExecContext(ctx, "UPDATE project_state SET next_due = 1"); err != nil {
			return err
		}
		return d.feed(ctx, tx, scope, "settings_changed", map[string]any{})
	})
}
