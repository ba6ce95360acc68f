package frame

import (
	"encoding/binary"
	"regexp"
	"strings"
	"time"
)

// userZone is the user's time zone, and the only place that decides it. TZ
// means what it means to libc, and so to date(1) and git: a zone by name or
// path, else a string in the form of POSIX ('CET-1CEST,M3.5.0,M10.5.0/3'), else
// UTC. Package time knows all of that but the strings.
func userZone(tz string) *time.Location {
	name := strings.TrimPrefix(tz, ":")
	if !strings.ContainsAny(name, "0123456789") || !regexp.MustCompile(posixZone).MatchString(name) {
		return time.Local
	}
	if _, err := time.LoadLocation(name); err == nil { // there is a file of that name, such as EST5EDT
		return time.Local
	}
	if zone, err := time.LoadLocationFromTZData("Local", zoneFile(name)); err == nil {
		return zone
	}
	return time.Local
}

const (
	zoneName   = `(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)`
	zoneOffset = `[+-]?(?:[01]?\d|2[0-4])(?::[0-5]?\d(?::[0-5]?\d)?)?`
	zoneRule   = `,(?:J?\d{1,3}|M(?:0?[1-9]|1[0-2])\.[1-5]\.[0-6])(?:/[+-]?\d{1,3}(?::[0-5]?\d(?::[0-5]?\d)?)?)?`
	posixZone  = `^` + zoneName + zoneOffset + `(?:` + zoneName + `(?:` + zoneOffset + `)?(?:` + zoneRule + zoneRule + `)?)?$`
)

// zoneFile is a file of zone data (RFC 9636) that knows no change of its own and
// leaves all time to the string in its footer, which package time can read. Its
// one type, UTC, is for what the string leaves open.
func zoneFile(posix string) []byte {
	const header = "TZif3" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	const abbreviation = "UTC\x00"
	b := append([]byte(header), make([]byte, 6*4)...) // the block for old readers is empty
	b = append(b, header...)
	for _, n := range []uint32{0, 0, 0, 0, 1, uint32(len(abbreviation))} { // one type, nothing else
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b = append(b, 0, 0, 0, 0, 0, 0) // offset, not daylight-saving, abbreviation 0
	b = append(b, abbreviation...)
	return append(b, "\n"+posix+"\n"...)
}
