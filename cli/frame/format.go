package frame

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/event"
)

// Format is a --format, similar to that of git for-each-ref: %(field), %(field:modifier),
// %% and %xx for the byte with that hex value.
type Format struct{ parts []formatPart }

type formatPart struct {
	literal  string
	field    string
	modifier string
}

// DateModifiers are the modifiers of times.
var DateModifiers = []string{"relative", "short", "unix"}

// FormatOf parses --format; nil if it is not given.
func FormatOf(u *urfave.Context, parse func(string) (*Format, error)) (*Format, error) {
	if !u.IsSet("format") {
		return nil, nil
	}
	if u.IsSet("porcelain") {
		return nil, Misuse("'--format' and '--porcelain' exclude each other")
	}
	return parse(u.String("format"))
}

// ParseFormat parses a format. An error lists names. field reports whether a field exists,
// and whether it takes the modifiers of times.
func ParseFormat(s string, names []string, field func(name string) (known, isTime bool)) (*Format, error) {
	f := &Format{}
	for s != "" {
		literal, rest, ok := strings.Cut(s, "%")
		f.parts = append(f.parts, formatPart{literal: literal})
		if s = rest; !ok {
			break
		}
		switch {
		case strings.HasPrefix(s, "%"):
			f.parts = append(f.parts, formatPart{literal: "%"})
			s = s[1:]
		case strings.HasPrefix(s, "("):
			inner, rest, ok := strings.Cut(s[1:], ")")
			if !ok {
				return nil, Misuse("'--format' has a '%(' without ')'")
			}
			name, modifier, has := strings.Cut(inner, ":")
			known, isTime := field(name)
			switch {
			case !known:
				return nil, BadValue("--format", "%("+name+")", names)
			case has && !isTime:
				return nil, Misuse(fmt.Sprintf("field '%s' takes no modifier", name))
			case has && !slices.Contains(DateModifiers, modifier):
				return nil, BadValue("%("+name+":…)", modifier, DateModifiers)
			}
			f.parts = append(f.parts, formatPart{field: name, modifier: modifier})
			s = rest
		default:
			if len(s) >= 2 {
				if b, err := strconv.ParseUint(s[:2], 16, 8); err == nil {
					f.parts = append(f.parts, formatPart{literal: string([]byte{byte(b)})})
					s = s[2:]
					continue
				}
			}
			f.parts = append(f.parts, formatPart{literal: "%"})
		}
	}
	return f, nil
}

// Line formats a row; get returns the value of a field.
func (f *Format) Line(in Forms, get func(name, modifier string) string) string {
	var b strings.Builder
	for _, p := range f.parts {
		if p.field == "" {
			b.WriteString(p.literal)
			continue
		}
		b.WriteString(in.Text(get(p.field, p.modifier)))
	}
	return b.String()
}

// Moment formats a time as a modifier says; no time is "".
func (s *System) Moment(t event.Time, modifier string) string {
	switch {
	case t == 0:
		return ""
	case modifier == "relative":
		return s.Ago(t)
	case modifier == "short":
		return s.Day(t)
	case modifier == "unix":
		return strconv.FormatInt(t.Std().Unix(), 10)
	}
	return t.String()
}

// shapeFormat is a --format whose fields are the members of a shape; a member of a member
// has a name such as 'issue.title'.
func shapeFormat(u *urfave.Context, shape reflect.Type) (*Format, error) {
	return FormatOf(u, func(s string) (*Format, error) { return parseShapeFormat(s, shape) })
}

func parseShapeFormat(s string, shape reflect.Type) (*Format, error) {
	return ParseFormat(s, membersOf(shape), func(name string) (known, isTime bool) {
		last := name[strings.LastIndexByte(name, '.')+1:]
		return hasMember(shape, name), strings.HasSuffix(last, "_at") || slices.Contains([]string{"at", "time", "since", "seen", "last_sign"}, last)
	})
}

// hasMember reports whether a shape has a member, or a member of a member.
func hasMember(t reflect.Type, path string) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	name, rest, deeper := strings.Cut(path, ".")
	for f := range t.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			if hasMember(f.Type, path) {
				return true
			}
		case tag == name && name != "" && name != "-":
			return !deeper || hasMember(f.Type, rest)
		}
	}
	return false
}

// memberOf returns the text of a member of a shape: a list joined by commas, the display
// name of an object.
func (s *System) memberOf(raw json.RawMessage, path, modifier string) string {
	var members map[string]json.RawMessage
	for name := range strings.SplitSeq(path, ".") {
		members = nil
		if json.Unmarshal(raw, &members) != nil {
			return ""
		}
		raw = members[name]
	}
	return s.jsonText(raw, modifier)
}

func (s *System) jsonText(raw json.RawMessage, modifier string) string {
	var (
		text    string
		list    []json.RawMessage
		members map[string]json.RawMessage
	)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &text) == nil:
		if t, err := event.ParseTime(text); err == nil && modifier != "" {
			return s.Moment(t, modifier)
		}
		return text
	case json.Unmarshal(raw, &list) == nil:
		words := make([]string, len(list))
		for k := range list {
			words[k] = s.jsonText(list[k], modifier)
		}
		return strings.Join(words, ",")
	case json.Unmarshal(raw, &members) == nil:
		for _, name := range []string{"name", "holder", "number", "short", "fingerprint"} {
			if m, ok := members[name]; ok {
				return s.jsonText(m, modifier)
			}
		}
	}
	return string(raw)
}
