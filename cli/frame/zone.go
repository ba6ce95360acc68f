package frame

import (
	"encoding/binary"
	"regexp"
	"strings"
	"time"
)

// userZone returns the user's time zone; no other function decides it. TZ has the same
// meaning as for libc, and so for date(1) and git: a zone by name or path, otherwise a
// POSIX string ('CET-1CEST,M3.5.0,M10.5.0/3'), otherwise UTC. Package time supports all of
// these except the strings.
func userZone(tz string) *time.Location {
	name := strings.TrimPrefix(tz, ":")
	if !strings.ContainsAny(name, "0123456789") || !regexp.MustCompile(posixZone).MatchString(name) {
		return time.Local
	}
	if _, err := time.LoadLocation(name); err == nil { // there is a zone file with that name, such as EST5EDT
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

// zoneFile returns a file of zone data (RFC 9636) without transitions of its own. The
// string in its footer, which package time can read, defines all times. Its only type, UTC,
// is for times that the string does not define.
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
