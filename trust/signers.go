package trust

import (
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// MaxSigners is the longest allowed_signers that is read, in bytes.
const MaxSigners = 4 << 20

// allowed_signers, in OpenSSH's format but less of it, so that no two programs
// can read it in two ways. The rules are:
//   - one signer a line, `<principal> [namespaces="…"] <type> <base64>
//     [comment]`, separated by single spaces; empty lines and those that begin
//     with '#' say nothing; every line ends in LF;
//   - a principal is a name, never a pattern: `<agent-id>@crosslink`, or any
//     other for a person who administers and writes no log;
//   - namespaces are names, never patterns. No other option: membership goes by
//     positions in logs, not by dates, and there are no authorities;
//   - a principal may have several keys, each key once.

// Signer is one line of allowed_signers.
type Signer struct {
	Principal  string
	Namespaces []string // nil: for all purposes
	Key        Key
	Comment    string
}

// Signers is allowed_signers. The zero value lists nobody.
type Signers struct {
	lines []signersLine
	by    map[string][]Signer
}

// signersLine is a signer, or a line that says nothing.
type signersLine struct {
	Signer
	text string
}

const principalSuffix = "@crosslink"

// Principal returns the name under which allowed_signers lists an agent.
func Principal(agent string) string { return agent + principalSuffix }

// AgentOf returns the agent that a principal names, "" if it is no agent's.
func AgentOf(principal string) string {
	id, ok := strings.CutSuffix(principal, principalSuffix)
	if !ok || event.ValidAgentID3(id) != nil {
		return ""
	}
	return id
}

// ParseSigners reads allowed_signers. What it accepts, Encode gives back.
func ParseSigners(file []byte) (*Signers, error) {
	if len(file) > MaxSigners {
		return nil, fmt.Errorf("allowed_signers is too long")
	}
	s := &Signers{by: map[string][]Signer{}}
	n := 0
	for line := range strings.Lines(string(file)) {
		n++
		text, ok := strings.CutSuffix(line, "\n")
		if !ok || !oneLine(strings.ReplaceAll(text, "\t", " ")) {
			return nil, fmt.Errorf("allowed_signers: line %d does not end in a line feed, or is not text", n)
		}
		if text == "" || text[0] == '#' {
			s.lines = append(s.lines, signersLine{text: text})
			continue
		}
		x, err := parseSigner(text)
		if err != nil {
			return nil, fmt.Errorf("allowed_signers: line %d: %w", n, err)
		}
		if !s.add(x, text) {
			return nil, fmt.Errorf("allowed_signers: line %d: the key is listed twice for one principal", n)
		}
	}
	return s, nil
}

func parseSigner(text string) (x Signer, err error) {
	principal, rest, _ := strings.Cut(text, " ")
	if !validPrincipal(principal) {
		return x, fmt.Errorf("'%.80s' is not a name: patterns, lists and quotes are not read", principal)
	}
	x.Principal = principal
	if opt, ok := strings.CutPrefix(rest, `namespaces="`); ok {
		list, more, ok := strings.Cut(opt, `" `)
		x.Namespaces = strings.Split(list, ",")
		if !ok || slices.ContainsFunc(x.Namespaces, func(n string) bool { return !validPrincipal(n) }) {
			return x, fmt.Errorf("the namespaces are not names")
		}
		rest = more
	}
	f := strings.SplitN(rest, " ", 3)
	if !keyTypes[f[0]] {
		return x, fmt.Errorf("the name is not followed by a key that can sign; the only supported option is namespaces=\"…\"")
	}
	if x.Key, err = ParseKey(strings.Join(f[:min(2, len(f))], " ")); err != nil {
		return x, err
	}
	if len(f) == 3 {
		if x.Comment = f[2]; x.Comment == "" || strings.TrimSpace(x.Comment) != x.Comment {
			return x, fmt.Errorf("spaces at the end")
		}
	}
	return x, nil
}

// validPrincipal reports whether s is one plain word: nothing that OpenSSH
// would take for a pattern, a list or a quote.
func validPrincipal(s string) bool {
	return s != "" && len(s) <= 256 && oneLine(s) && !strings.ContainsAny(s, " \t*?!,\"\\#=")
}

// add appends a signer unless its principal has the key already.
func (s *Signers) add(x Signer, text string) bool {
	if slices.ContainsFunc(s.by[x.Principal], func(o Signer) bool { return o.Key == x.Key }) {
		return false
	}
	s.by[x.Principal] = append(s.by[x.Principal], x)
	s.lines = append(s.lines, signersLine{x, text})
	return true
}

// Encode returns the file.
func (s *Signers) Encode() []byte {
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(l.text + "\n")
	}
	return []byte(b.String())
}

// All returns the signers in the file's order.
func (s *Signers) All() []Signer {
	var all []Signer
	for _, l := range s.lines {
		if l.Principal != "" {
			all = append(all, l.Signer)
		}
	}
	return all
}

// Lists reports whether a principal has a key for any purpose.
func (s *Signers) Lists(principal string) bool { return len(s.by[principal]) > 0 }

// Keys returns a principal's keys for a namespace, in the file's order.
func (s *Signers) Keys(principal, namespace string) []Key {
	var keys []Key
	for _, x := range s.by[principal] {
		if x.Namespaces == nil || slices.Contains(x.Namespaces, namespace) {
			keys = append(keys, x.Key)
		}
	}
	return keys
}

// With returns the list with one more signer, or the same list if it already has that
// signer. An entry with the same key and name is replaced.
func (s *Signers) With(x Signer) *Signers {
	n := s.Without(x.Principal, x.Key)
	text := x.Principal + " "
	if x.Namespaces != nil {
		text += `namespaces="` + strings.Join(x.Namespaces, ",") + `" `
	}
	text += x.Key.String()
	if x.Comment != "" {
		text += " " + x.Comment
	}
	n.add(x, text)
	return n
}

// Without returns the list without one key of a principal; the zero Key means
// all of them.
func (s *Signers) Without(principal string, k Key) *Signers {
	n := &Signers{by: map[string][]Signer{}}
	for _, l := range s.lines {
		switch {
		case l.Principal == "":
			n.lines = append(n.lines, l)
		case l.Principal != principal || !k.IsZero() && l.Key != k:
			n.add(l.Signer, l.text)
		}
	}
	return n
}
