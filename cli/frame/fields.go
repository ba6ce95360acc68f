package frame

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// Fields are the members of an answer that --fields can choose.
type Fields struct {
	names  []string
	within []string // members that contain objects with these fields, in an answer with other members
}

// FieldsOf returns the fields of a shape: of the elements of a list, or of the objects in
// the members within. Other members stay.
func FieldsOf(shape any, within ...string) Fields {
	return Fields{membersOf(reflect.TypeOf(shape)), within}
}

// membersOf returns the JSON names of a struct's fields.
func membersOf(t reflect.Type) (names []string) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			names = append(names, membersOf(f.Type)...)
		case name != "" && name != "-":
			names = append(names, name)
		}
	}
	return names
}

// OfferFields gives a command the option --fields. The names are checked before the command
// does anything.
func (t *Terminal) OfferFields(c *urfave.Command, f Fields) {
	c.Flags = append(c.Flags, &urfave.StringFlag{Name: "fields", Usage: "with --json: print only the members `NAMES`, such as " + strings.Join(f.names[:2], ",")})
	run := c.Action
	c.Action = func(u *urfave.Context) error {
		t.fields, t.within = nil, f.within
		if u.IsSet("fields") {
			if !u.Bool("json") {
				return Misuse("'--fields' chooses members of JSON: it needs '--json'")
			}
			for name := range strings.SplitSeq(u.String("fields"), ",") {
				if name = strings.TrimSpace(name); !slices.Contains(f.names, name) {
					return BadValue("--fields", name, f.names)
				}
				if !slices.Contains(t.fields, name) {
					t.fields = append(t.fields, name)
				}
			}
		}
		return run(u)
	}
}

// chosen returns the data of an answer with only the requested members.
func (t *Terminal) chosen(data any) (any, error) {
	if t.fields == nil || data == nil {
		return data, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil {
		return nil, err
	}
	return t.choose(b.Bytes())
}

// choose reduces the elements of a list, the objects within an answer, or any other object
// to the requested fields.
func (t *Terminal) choose(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) > 0 && raw[0] == '[':
		var all []json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, err
		}
		for k := range all {
			var err error
			if all[k], err = t.choose(all[k]); err != nil {
				return nil, err
			}
		}
		return append(append([]byte{'['}, bytes.Join(asBytes(all), []byte{','})...), ']'), nil
	case len(raw) == 0 || raw[0] != '{':
		return raw, nil
	}
	members, err := membersIn(raw)
	if err != nil {
		return nil, err
	}
	var kept []member
	if slices.ContainsFunc(members, func(m member) bool { return slices.Contains(t.within, m.name) }) {
		for _, m := range members {
			if slices.Contains(t.within, m.name) {
				if m.value, err = t.choose(m.value); err != nil {
					return nil, err
				}
			}
			kept = append(kept, m)
		}
	} else {
		for _, name := range t.fields {
			if k := slices.IndexFunc(members, func(m member) bool { return m.name == name }); k >= 0 {
				kept = append(kept, members[k])
			}
		}
	}
	return object(kept), nil
}

func asBytes(all []json.RawMessage) [][]byte {
	out := make([][]byte, len(all))
	for k := range all {
		out[k] = all[k]
	}
	return out
}

// member is a member of an object, in its place.
type member struct {
	name  string
	value json.RawMessage
}

func membersIn(raw []byte) (all []member, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err = d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)} // a key is a string
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func object(members []member) []byte {
	b := []byte{'{'}
	for k, m := range members {
		if k > 0 {
			b = append(b, ',')
		}
		b = append(append(append(append(b, '"'), m.name...), '"', ':'), m.value...)
	}
	return append(b, '}')
}
