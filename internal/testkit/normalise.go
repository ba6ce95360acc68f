package testkit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Normaliser replaces text that differs from run to run, so that a transcript can be
// compared byte by byte. The rules, in this order:
//
//   - known directories become their names ($WORK), known agent ids the actor;
//   - 3f9a1c2e-… becomes <uuid-1>, its short form 3f9a1c2 <short-1>, numbered by first
//     appearance: the same issue has the same number in both forms. Seven digits are also an
//     id, because one id in 27 has no letter, and so are twelve digits, the mark around
//     foreign text. No other number in a transcript may have as many digits;
//   - 'next contact is in 33 s' becomes 'next contact is in <wait>';
//   - fingerprints become SHA256:<hash>, public keys ssh-ed25519 <key>;
//   - 40 or 64 hex digits become <oid>, 43 characters of base64url <hash>;
//   - the id of a request, a ULID, becomes <ulid>;
//   - 2026-03-01T10:00:00Z, 2026-03-01 10:00 and 2026-03-01 become <time>;
//   - '3 s ago', '2 min ago', 'just now' become <age>, 'in 3 years' in <age>, 'in about 20 s'
//     in about <wait>;
//   - the text after 'git says: ' becomes <git>, because it differs between versions;
//   - a port on the loopback address becomes <port>;
//   - in a line where a replaced text can vary in width, runs of spaces become two, because
//     they are the padding of a column.
type Normaliser struct {
	paths  [][2]string
	agents [][2]string
	ids    []string // hex digits without hyphens, the longest form seen of each
}

// short is the number of digits in an abbreviated id, and mark the number in the marks
// around foreign text.
const (
	short = 7
	mark  = 12
)

// NewNormaliser returns a Normaliser without paths and agents.
func NewNormaliser() *Normaliser { return &Normaliser{} }

// Path replaces dir by name.
func (n *Normaliser) Path(dir, name string) { n.paths = replaceLongest(n.paths, dir, name) }

// Agent replaces an agent id by name.
func (n *Normaliser) Agent(id, name string) { n.agents = replaceLongest(n.agents, id, name) }

func replaceLongest(list [][2]string, from, to string) [][2]string {
	pair := [2]string{from, to}
	if slices.Contains(list, pair) {
		return list
	}
	list = append(list, pair)
	slices.SortStableFunc(list, func(a, b [2]string) int { return len(b[0]) - len(a[0]) })
	return list
}

var (
	varying = regexp.MustCompile(strings.Join([]string{
		`(?P<print>SHA256:[A-Za-z0-9+/]{43})`,
		`(?P<wait>\bnext contact is in \d+ (?:s|min)\b)`,
		`(?P<about>\bin about \d+ (?:s|min)\b)`,
		`(?P<key>ssh-ed25519 AAAA[A-Za-z0-9+/]{60,64}=*)`,
		`(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)`,
		`(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\b))?)`,
		`(?P<age>\b\d+ ?(?:ms|s|sec|min|h|d|days?|weeks?|months?|years?) ago\b|\bjust now\b)`,
		`(?P<later>\bin \d+ (?:days?|weeks?|months?|years?)\b)`,
		`(?P<git>\bgit says: .*)`,
		`(?P<port>\b127\.0\.0\.1:\d+)`,
		`(?P<import>\bimport(?:-[a-z]+)+-[a-z0-9]{4}\b)`,
		`(?P<ulid>\b0[0-7][0-9A-HJKMNP-TV-Z]{24}\b)`,
		`(?P<hash>(?:\b[A-Za-z0-9_-]|-)[A-Za-z0-9_-]{42}(?:[^A-Za-z0-9_-]|$))`,
		`(?P<hex>\b[0-9a-f]{7,64}\b)`,
	}, "|"))
	blanks = regexp.MustCompile(`(\S)  +`)
)

// Text returns s with all replacements.
func (n *Normaliser) Text(s string) string {
	out := strings.SplitAfter(s, "\n")
	for i, line := range out {
		out[i] = n.line(line)
	}
	return strings.Join(out, "")
}

func (n *Normaliser) line(s string) string {
	for _, p := range n.paths {
		s = strings.ReplaceAll(s, p[0], p[1])
	}
	width := false
	for _, a := range n.agents {
		if strings.Contains(s, a[0]) {
			s, width = strings.ReplaceAll(s, a[0], a[1]), true
		}
	}
	s = replaceNamed(s, func(kind, m string) string {
		switch kind {
		case "print":
			return "SHA256:<hash>"
		case "wait":
			return "next contact is in <wait>"
		case "about":
			return "in about <wait>"
		case "key":
			return "ssh-ed25519 <key>"
		case "uuid":
			return fmt.Sprintf("<uuid-%d>", n.id(strings.ReplaceAll(m, "-", "")))
		case "ulid":
			return "<ulid>"
		case "time":
			return "<time>"
		case "age":
			width = true
			return "<age>"
		case "later":
			return "in <age>"
		case "git":
			return "git says: <git>"
		case "import": // the agent that an import makes
			return m[:len(m)-4] + "<id>"
		case "port":
			width = true
			return "127.0.0.1:<port>"
		case "hash":
			return "<hash>" + m[43:]
		}
		switch {
		case len(m) == 40 || len(m) == 64:
			return "<oid>"
		case len(m) > 32 || len(m) != short && len(m) != mark && !strings.ContainsAny(m, "abcdef"):
			return m
		}
		return fmt.Sprintf("<short-%d>", n.id(m))
	})
	if width {
		s = blanks.ReplaceAllString(s, "$1  ")
	}
	return s
}

func replaceNamed(s string, f func(kind, match string) string) string {
	var b strings.Builder
	last := 0
	names := varying.SubexpNames()
	for _, m := range varying.FindAllStringSubmatchIndex(s, -1) {
		for g := 1; g < len(names); g++ {
			if m[2*g] >= 0 {
				b.WriteString(s[last:m[0]] + f(names[g], s[m[0]:m[1]]))
			}
		}
		last = m[1]
	}
	return b.String() + s[last:]
}

// id numbers an id by first appearance; a prefix and the whole id get the same number.
func (n *Normaliser) id(hex string) int {
	for i, known := range n.ids {
		if strings.HasPrefix(known, hex) {
			return i + 1
		}
		if strings.HasPrefix(hex, known) {
			n.ids[i] = hex
			return i + 1
		}
	}
	n.ids = append(n.ids, hex)
	return len(n.ids)
}
