package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
)

// setting is one number that an operator may change: its name, and how it is
// read into the settings.
type setting struct {
	key string
	set func(*alerts.Settings, string) error
}

// duration makes a setting of a number of units.
func duration(key string, unit time.Duration, of func(*alerts.Settings) *time.Duration) setting {
	return setting{key, func(s *alerts.Settings, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100_000 {
			return fmt.Errorf("%s is a number from 1 to 100000, not '%s'", key, v)
		}
		*of(s) = time.Duration(n) * unit
		return nil
	}}
}

var settings = []setting{
	duration("agent.active_minutes", time.Minute, func(s *alerts.Settings) *time.Duration { return &s.Active }),
	duration("agent.silent_minutes", time.Minute, func(s *alerts.Settings) *time.Duration { return &s.Silent }),
	duration("lock.stale_minutes", time.Minute, func(s *alerts.Settings) *time.Duration { return &s.LockStale }),
	duration("due.soon_hours", time.Hour, func(s *alerts.Settings) *time.Duration { return &s.DueSoon }),
	{"lock.only_if_silent", func(s *alerts.Settings, v string) (err error) {
		s.LockIfSilent, err = strconv.ParseBool(v)
		return err
	}},
	{"unreachable.failures", func(s *alerts.Settings, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 1000 {
			return fmt.Errorf("unreachable.failures is a number from 1 to 1000, not '%s'", v)
		}
		s.Failures = n
		return nil
	}},
}

// apply puts one value into the settings.
func apply(s *alerts.Settings, key, value string) error {
	if k := slices.IndexFunc(settings, func(o setting) bool { return o.key == key }); k >= 0 {
		return settings[k].set(s, value)
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

// Settings returns what holds for a project: the defaults, changed by what was
// set for all projects, then for this one.
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

// Preview returns the settings as they would be with one value changed.
func (d *DB) Preview(ctx context.Context, project, key, value string) (alerts.Settings, error) {
	s, err := d.Settings(ctx, project)
	if err == nil && value != "" {
		err = apply(&s, key, value)
	}
	return s, err
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

// Set changes a setting; an empty value takes back what was set. The alerts
// follow on the next tick.
func (d *DB) Set(ctx context.Context, scope, key, value string) error {
	var scratch alerts.Settings
	if value != "" {
		if err := apply(&scratch, key, value); err != nil {
			return err
		}
	}
	return d.tx(ctx, func(tx *sql.Tx) (err error) {
		if value == "" {
			_, err = tx.ExecContext(ctx, "DELETE FROM settings WHERE scope = ? AND key = ?", scope, key)
		} else {
			_, err = tx.ExecContext(ctx, "INSERT INTO settings (scope, key, value) VALUES (?,?,?) ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value", scope, key, value)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE project_state SET next_due = 1")
		}
		return err
	})
}
