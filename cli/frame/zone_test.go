package frame

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// posixZones are strings of which libc, and so date(1) and git, make an offset.
var posixZones = []string{
	"UTC0", "XYZ-9", ":XYZ-9", "<+03>-3", "<-0330>3:30", "<+0545>-5:45", "ABC+5:30:15", "ABCDEFGH-14", "XYZ24", "XYZ-24",
	"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "NZST-12NZDT,M9.5.0,M4.1.0/3",
	"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "IST-1GMT0,M10.5.0,M3.5.0/1", "IST-2IDT,M3.4.4/26,M10.5.0", "EET-2EEST,M3.5.0/0,M10.5.0/0",
	"AAA3BBB,J60,J300", "AAA-3BBB,60/1:30,300/2:15:30", "AAA3BBB2:30,J1/0,J365/23", "AAA10BBB9,M1.1.1,M12.5.6/24",
}

// badZones are not valid time zones, so UTC is used.
var badZones = []string{
	"", "No/Such", "XYZ", "9", "-9", "XY-9", "<XYZ-9", "<>-9", "X Y-9", "Nowhere/At-9", "../../etc/passwd", "/no/such/file-9", "Zürich-1", "<+03>", "XYZ-A",
}

func momentsOfZones() []time.Time {
	var all []time.Time
	for _, year := range []int{1970, 1999, 2000, 2007, 2026, 2027, 2028, 2037, 2038, 2096, 2100} {
		for day := range 122 {
			all = append(all, time.Date(year, 1, 2, 1, 30, 0, 0, time.UTC).Add(time.Duration(day)*(3*24*time.Hour-time.Hour-11*time.Minute)))
		}
	}
	return all
}

// TestPosixZones: the offset is date(1)'s, for strings as they are written.
func TestPosixZones(t *testing.T) {
	if out, err := exec.Command("date", "--version").Output(); err != nil || !strings.Contains(string(out), "GNU") {
		t.Skip("needs date(1) of GNU coreutils, which reads a file of moments")
	}
	moments := momentsOfZones()
	var in strings.Builder
	for _, m := range moments {
		fmt.Fprintf(&in, "@%d\n", m.Unix())
	}
	for _, tz := range append(append([]string{}, posixZones...), badZones...) {
		cmd := exec.Command("date", "-f", "-", "+%Y-%m-%d %H:%M:%S")
		cmd.Stdin, cmd.Env = strings.NewReader(in.String()), []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=" + tz}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", tz, err)
		}
		want := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(want) != len(moments) {
			t.Fatalf("%s: %d lines", tz, len(want))
		}
		zone := zoneOfProcess(tz)
		for k, m := range moments {
			if got := m.In(zone).Format(time.DateTime); got != want[k] {
				t.Errorf("TZ='%s': %s is %s, date(1) says %s", tz, m.Format(time.RFC3339), got, want[k])
				break
			}
		}
	}
}

// zoneOfProcess returns the zone of a process with that TZ. time.Local is read only once. For
// strings that are not valid in POSIX it is UTC here, as in package time.
func zoneOfProcess(tz string) *time.Location {
	if zone := userZone(tz); zone != time.Local {
		return zone
	}
	return time.UTC
}

// TestZonesByName: names and paths are left to package time.
func TestZonesByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "XYZ-9")
	if err := os.WriteFile(path, zoneFile("XYZ-9"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tz := range append([]string{"Europe/Berlin", ":Europe/Berlin", "EST5EDT", "GMT0", "Etc/GMT-14", path}, badZones...) {
		if userZone(tz) != time.Local {
			t.Errorf("'%s' is not left to package time", tz)
		}
	}
	for _, tz := range posixZones {
		if userZone(tz) == time.Local {
			t.Errorf("'%s' is left to package time, which does not know it", tz)
		}
	}
}

func FuzzUserZone(f *testing.F) {
	for _, tz := range append(append([]string{}, posixZones...), badZones...) {
		f.Add(tz, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, tz string, sec int64) {
		zone := userZone(tz)
		now := time.Unix(sec%(1<<33), 0).In(zone)
		if _, offset := now.Zone(); zone != time.Local && (offset < -26*3600 || offset > 26*3600) {
			t.Fatalf("TZ=%q gives an offset of %d", tz, offset)
		}
		first, last := instantsOf(dayOf(now), zone)
		if now.Before(first) || now.After(last) {
			t.Fatalf("TZ=%q: %s is not between %s and %s", tz, now, first, last)
		}
	})
}
