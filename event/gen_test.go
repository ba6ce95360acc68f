package event

import (
	"reflect"
	"sort"
	"strings"

	"pgregory.net/rapid"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

const testHub = "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"

// allTypes returns the names of all event types, sorted.
func allTypes() []string {
	var out []string
	for n := range types {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

var (
	drawUUID = rapid.Custom(func(t *rapid.T) (u UUID) {
		copy(u[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		u[0] |= 1
		return u
	})
	drawTime = rapid.Custom(func(t *rapid.T) Time {
		return Time(rapid.Int64Range(1, int64(MaxTime)).Draw(t, "time"))
	})
	// drawText draws characters that often cause trouble in JSON and terminals, except control
	// characters.
	drawText = rapid.Custom(func(t *rapid.T) string {
		return strings.Map(func(r rune) rune {
			if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
				return -1
			}
			return r
		}, rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("a\"\\/<>&\n\t\u2028\u2029\u00a0é𝄞\uFFFD")))).Draw(t, "text"))
	})
	drawName = rapid.Custom(func(t *rapid.T) string {
		s := strings.NewReplacer("\n", "_", "\t", "_").Replace(drawText.Draw(t, "name"))
		for len(s) > MaxName {
			s = s[:strings.LastIndexFunc(s, func(rune) bool { return true })]
		}
		if s == "" {
			s = "x"
		}
		return s
	})
	drawHash = rapid.Custom(func(t *rapid.T) string {
		return Hash(rapid.SliceOf(rapid.Byte()).Draw(t, "hashed"))
	})
	drawID   = rapid.StringMatching(`[A-Za-z0-9_-]{3,64}`)
	drawULID = rapid.StringMatching(`[0-7][0-9A-HJKMNP-TV-Z]{25}`)
)

// drawString draws a string that suits the field of that name.
func drawString(t *rapid.T, field string) string {
	switch field {
	case "Description", "Reason", "Content", "InterventionContext", "Notes", "Result":
		return drawText.Draw(t, field)
	case "ID":
		return drawULID.Draw(t, field)
	case "Target", "Agent":
		return drawID.Draw(t, field)
	case "Commit":
		return rapid.StringMatching(`[0-9a-f]{40}|[0-9a-f]{64}`).Draw(t, field)
	case "URL":
		return rapid.StringMatching(`https?://[!-.0-~][!-~]{0,40}`).Draw(t, field)
	case "Hash":
		return drawHash.Draw(t, field)
	case "TriggerType":
		return rapid.SampledFrom(triggerTypes).Draw(t, field)
	}
	return drawName.Draw(t, field)
}

// optional says which fields may be left at their zero value.
var optional = map[string]bool{
	"IssueCreated.Description": true, "IssueCreated.Parent": true, "IssueCreated.ScheduledAt": true, "IssueCreated.DueAt": true,
	"StatusChanged.ClosedAt": true, "StatusChanged.Reason": true, "ScheduleChanged.ScheduledAt": true, "ScheduleChanged.DueAt": true,
	"ParentChanged.Parent": true, "MilestoneAssigned.Milestone": true, "RelationAdded.Kind": true, "RelationRemoved.Kind": true,
	"CommentAdded.TriggerType": true, "CommentAdded.InterventionContext": true, "CommentAdded.DriverKeyFingerprint": true,
	"TimeEntryAdded.EndedAt": true, "MilestoneCreated.Description": true, "MilestoneCreated.DueAt": true, "LockClaimed.Branch": true,
	"SessionStarted.Issue": true, "SessionEnded.Notes": true, "RequestSent.Subject": true, "RequestSent.Reason": true,
	"RequestSent.ExpiresAt": true, "RequestAcked.Notes": true, "AgentIntroduced.PublicKey": true,
	"AgentIntroduced.Description": true, "AgentIntroduced.Machine": true, "AgentIntroduced.Name": true,
	"IssueUpdated.TitleOver": true, "IssueUpdated.DescriptionOver": true, "AgentRetired.Reason": true, "StatusReported.URL": true,
}

func sample[T any](list []T) func(t *rapid.T, label string) reflect.Value {
	return func(t *rapid.T, label string) reflect.Value {
		return reflect.ValueOf(rapid.SampledFrom(list).Draw(t, label))
	}
}

var enums = map[reflect.Type]func(*rapid.T, string) reflect.Value{
	reflect.TypeFor[Status]():       sample(statuses),
	reflect.TypeFor[Priority]():     sample(priorities),
	reflect.TypeFor[RelationKind](): sample(relationKinds),
	reflect.TypeFor[RequestKind]():  sample(requestKinds),
	reflect.TypeFor[AgentKind]():    sample(agentKinds),
	reflect.TypeFor[CheckState]():   sample(CheckStates),
}

// drawBody draws a body of that type that Check accepts.
func drawBody(t *rapid.T, typ string) Body {
	b := types[typ].make()
	v := reflect.ValueOf(b).Elem()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if optional[typ+"."+name] && rapid.Bool().Draw(t, "no "+name) {
			continue
		}
		drawField(t, f, name)
	}
	switch b := b.(type) {
	case *IssueUpdated:
		if b.Title == nil && b.Description == nil && b.Priority == nil {
			b.Description = new(string)
		}
	case *MilestoneUpdated:
		if b.Name == nil && b.Description == nil && b.DueAt == nil {
			b.Description = new(string)
		}
		if b.DueAt != nil && rapid.Bool().Draw(t, "clear") {
			*b.DueAt = 0
		}
	case *RelationAdded:
		if b.Kind == "" {
			b.Kind = Related
		}
	case *RelationRemoved:
		if b.Kind == "" {
			b.Kind = Related
		}
	}
	return b
}

func drawField(t *rapid.T, f reflect.Value, name string) {
	if e, ok := enums[f.Type()]; ok {
		f.Set(e(t, name))
		return
	}
	switch p := f.Addr().Interface().(type) {
	case *UUID:
		*p = drawUUID.Draw(t, name)
	case *Time:
		*p = drawTime.Draw(t, name)
	case *string:
		*p = drawString(t, name)
	case *bool:
		*p = rapid.Bool().Draw(t, name)
	case *uint64:
		*p = rapid.Uint64Range(1, canon.MaxUint).Draw(t, name)
	case *[]string:
		*p = rapid.SliceOfN(drawName, 0, 3).Draw(t, name)
		if len(*p) == 0 {
			*p = nil
		}
	default: // a pointer: nil or the value
		if f.Kind() != reflect.Pointer {
			panic("no generator for " + f.Type().String())
		}
		if rapid.Bool().Draw(t, "no "+name) {
			return
		}
		f.Set(reflect.New(f.Type().Elem()))
		drawField(t, f.Elem(), name)
	}
}

// drawExtra draws members this program does not know.
func drawExtra(t *rapid.T, label string) [][]byte {
	var out [][]byte
	for _, n := range rapid.SliceOfNDistinct(rapid.Map(rapid.String(), func(s string) string { return "x-" + s }), 0, 3, rapid.ID[string]).Draw(t, label) {
		var w canon.Writer
		w.Name(n)
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			w.Str(rapid.String().Draw(t, "value"))
		case 1:
			w.Arr()
			w.Uint(rapid.Uint64Range(0, canon.MaxUint).Draw(t, "value"))
			w.Obj()
			w.EndObj()
			w.EndArr()
		case 2:
			w.Obj()
			w.Name("signature")
			w.Str("AAAA")
			w.EndObj()
		}
		out = append(out, w.Bytes())
	}
	return out
}

// drawEnvelope draws an envelope that Encode accepts.
func drawEnvelope(t *rapid.T, typ string) *Envelope {
	e := &Envelope{
		V: 4, Hub: drawUUID.Draw(t, "hub").String(), Agent: drawID.Draw(t, "agent"),
		Seq:  rapid.Uint64Range(1, canon.MaxUint).Draw(t, "seq"),
		Time: Time(rapid.Int64Range(0, int64(MaxTime)).Draw(t, "timestamp")),
		Body: drawBody(t, typ),
	}
	if rapid.Bool().Draw(t, "wall") {
		if e.Wall = drawTime.Draw(t, "wall"); e.Wall == e.Time {
			e.Wall = 0
		}
	}
	if rapid.Bool().Draw(t, "prev") {
		e.Prev = drawHash.Draw(t, "prev")
	}
	if rapid.Bool().Draw(t, "signed") {
		e.SignedBy, e.Signature = testKey, "AQIDBA=="
	}
	if rapid.Bool().Draw(t, "extra") {
		e.Extra, e.EventExtra = drawExtra(t, "extra"), drawExtra(t, "event extra")
	}
	return e
}

const testKey = "SHA256:Mo1WTOTK4LiH6tRPxuqcXZEu28j7nHfcNKzBc8ZRg70"
