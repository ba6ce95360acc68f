package event

import (
	"errors"
	"strings"
)

// ValidAgentID checks an id that this program may mint: lower-case letters,
// digits and single hyphens, 3–64 bytes, first and last alphanumeric, not a
// Windows device name (docs/format.md, "Names"). An id is one path component
// on every system.
func ValidAgentID(id string) error {
	switch {
	case len(id) < 3 || len(id) > 64:
		return errors.New("an agent id has 3 to 64 bytes")
	case !allOf(id, &mintable):
		return errors.New("an agent id holds only a–z, 0–9 and '-'")
	case id[0] == '-' || id[len(id)-1] == '-' || strings.Contains(id, "--"):
		return errors.New("an agent id neither starts nor ends with '-' and holds no '--'")
	case isDevice(id):
		return errors.New("an agent id is not the name of a Windows device")
	}
	return nil
}

// ValidAgentID3 checks an id as level-3 hubs have them, which are read as they
// are: [A-Za-z0-9_-]{3,64}.
func ValidAgentID3(id string) error {
	switch {
	case len(id) < 3 || len(id) > 64:
		return errors.New("an agent id has 3 to 64 bytes")
	case !allOf(id, &base64URL):
		return errors.New("an agent id holds only letters, digits, '-' and '_'")
	}
	return nil
}

// isDevice reports whether id names a Windows device. (An id without a dot
// cannot name one with an extension.)
func isDevice(id string) bool {
	switch id {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(id) == 4 && (id[:3] == "com" || id[:3] == "lpt") && id[3] >= '0' && id[3] <= '9'
}

// MintAgentID returns the default id `<user>-<host>-<random>`: user and host
// in lower case, every run of other bytes a hyphen, each cut to 24 bytes, and
// "user" or "host" where nothing is left. random4 is 4 characters of a–z2–7.
func MintAgentID(user, host, random4 string) string {
	return clean(user, "user") + "-" + clean(host, "host") + "-" + random4
}

func clean(s, empty string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != '-':
			b = append(b, '-')
		}
	}
	b = b[:min(len(b), 24)]
	if s = strings.Trim(string(b), "-"); s == "" {
		return empty
	}
	return s
}
