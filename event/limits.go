package event

import "unicode/utf8"

// Limits of docs/format.md, in bytes.
const (
	MaxTitle    = 512
	MaxName     = 128       // labels, people, names
	MaxText     = 64 << 10  // descriptions, comments, notes, reasons
	MaxKey      = 8 << 10   // one line of OpenSSH public key
	MaxLine     = 256 << 10 // one line of a log, without its LF
	MaxForkLine = 1 << 20   // a line that carries AgentForked
)

// rule is what a string must satisfy.
type rule struct {
	max   int
	full  bool // may not be empty
	lines bool // LF and TAB are allowed
	raw   bool // any character is allowed: the member quotes a line of a log
	// list, if set, decides instead of the above; words then says what is wanted.
	list  func(string) bool
	words func() string
}

var (
	title     = rule{max: MaxTitle, full: true}
	name      = rule{max: MaxName, full: true}
	freeText  = rule{max: MaxText, lines: true}
	branch    = rule{max: MaxTitle, full: true}
	linkRef   = rule{max: MaxTitle, full: true}
	publicKey = rule{max: MaxKey, full: true}
	objectID  = form(isObjectID, "is not the full id of a git object (40 or 64 characters of 0–9, a–f)")
	webURL    = form(isWebURL, "is not an http or https URL of at most 2,048 printable ASCII characters")
	quoted    = rule{max: MaxLine, full: true, raw: true}
	agentID   = form(func(s string) bool { return ValidAgentID3(s) == nil }, "is not an agent id")
	hash      = form(isHash, "is not a SHA-256 in base64url without padding (43 characters)")
	ulid      = form(isULID, "is not a ULID (26 characters)")
)

func form(ok func(string) bool, words string) rule {
	return rule{list: ok, words: func() string { return words }}
}

// check returns the reason s is refused for and words for people, or "".
func (r rule) check(s string) (reason, words string) {
	if r.list != nil {
		if !r.list(s) {
			return BadValue, r.words()
		}
		return "", ""
	}
	if r.full && s == "" {
		return EmptyMember, "is empty"
	}
	if len(s) > r.max {
		return TooLong, "is too long"
	}
	if !utf8.ValidString(s) {
		return NotUTF8, "is not valid UTF-8"
	}
	if r.raw {
		return "", ""
	}
	for i := 0; i < len(s); i++ {
		if !suspect[s[i]] {
			continue
		}
		switch c := s[i]; {
		case c == '\n' || c == '\t':
			if !r.lines {
				return ControlCharacter, "holds a line break or a tab"
			}
		// U+0080 … U+009F are C2 80 … C2 9F in UTF-8.
		case c != 0xc2 || s[i+1] < 0xa0:
			return ControlCharacter, "holds a control character"
		}
	}
	return "", ""
}

// suspect holds the bytes that begin a control character, or may.
var suspect = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t[0x7f], t[0xc2] = true, true
	return t
}()

// isHash reports whether s is 32 bytes in base64url without padding; the last
// character's two unused bits are zero, so that each hash has one spelling.
func isHash(s string) bool {
	return len(s) == 43 && allOf(s, &base64URL) && base64Value(s[42])&3 == 0
}

// isULID reports whether s is a ULID in upper case (Crockford base32).
func isULID(s string) bool {
	return len(s) == 26 && s[0] <= '7' && allOf(s, &crockford)
}
