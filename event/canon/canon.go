// Package canon reads and writes canonical JSON: the subset of JSON in which
// every value has exactly one encoding, so that bytes can be hashed, chained
// and signed (docs/format.md, "Canonical JSON").
//
// The rules are:
//   - no white space, nothing before or after the one value;
//   - objects, arrays, strings, non-negative integers, true and false; never null;
//   - integers in decimal without sign, leading zero, fraction or exponent, at
//     most 2^53−1, so that no reader in any language rounds them;
//   - strings are valid UTF-8; only '"', '\' and controls below U+0020 are
//     escaped (\b \t \n \f \r, else \u00xx with lower-case digits), all else is raw;
//   - no member name twice in one object;
//   - objects and arrays nest at most 16 deep.
//
// The order of members is not a matter of this package: each format says its own.
//
// Parse is strict and bounded and never panics: its time is linear in the
// input (n log n in the number of members of one object), its memory
// proportional to it.
package canon

import "fmt"

// MaxDepth is how deep objects and arrays may nest; the outermost counts as 1.
const MaxDepth = 16

// MaxUint is the greatest integer, 2^53−1.
const MaxUint = 1<<53 - 1

// Reasons an input is refused for. They are part of what a reader reports
// about a log, so they are fixed words.
const (
	Syntax     = "syntax"           // not JSON, or white space
	Trailing   = "trailing-bytes"   // something after the value
	Null       = "null"             // absent members are omitted
	Number     = "number"           // sign, fraction, exponent, leading zero, too great
	Escape     = "escape"           // an escape that is not the canonical one, a raw control, a lone surrogate
	UTF8       = "utf-8"            // not valid UTF-8
	Duplicate  = "duplicate-member" // a name twice in one object
	TooDeep    = "too-deep"         // more than MaxDepth
	Unfinished = "unfinished"       // the input ends inside a value
)

// Error says why and where an input is not canonical.
type Error struct {
	Reason string // one of the constants above
	Offset int    // byte offset in the input
}

func (e *Error) Error() string {
	return fmt.Sprintf("not canonical JSON at byte %d: %s", e.Offset, e.Reason)
}
