package canon

import (
	"strconv"
	"unicode/utf8"
)

// Writer appends canonical JSON to a buffer. The zero value is ready. Commas
// are its business; which members are written, in which order and that names
// differ is the caller's.
type Writer struct {
	buf   []byte
	comma bool // the next name or value follows another one
}

// Bytes returns what was written so far. It is not a copy.
func (w *Writer) Bytes() []byte { return w.buf }

// Reset empties the writer and lets it use buf's memory.
func (w *Writer) Reset(buf []byte) { w.buf, w.comma = buf[:0], false }

func (w *Writer) begin() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

// Obj opens an object; EndObj closes it.
func (w *Writer) Obj() { w.begin(); w.buf = append(w.buf, '{'); w.comma = false }

// EndObj closes an object.
func (w *Writer) EndObj() { w.buf = append(w.buf, '}'); w.comma = true }

// Arr opens an array; EndArr closes it.
func (w *Writer) Arr() { w.begin(); w.buf = append(w.buf, '['); w.comma = false }

// EndArr closes an array.
func (w *Writer) EndArr() { w.buf = append(w.buf, ']'); w.comma = true }

// Name writes a member's name; its value must follow.
func (w *Writer) Name(name string) {
	w.begin()
	w.buf = append(AppendString(w.buf, name), ':')
	w.comma = false
}

// Str writes a string; see AppendString.
func (w *Writer) Str(s string) { w.begin(); w.buf = AppendString(w.buf, s) }

// Uint writes an integer; n is at most MaxUint.
func (w *Writer) Uint(n uint64) { w.begin(); w.buf = strconv.AppendUint(w.buf, n, 10) }

// Bool writes true or false.
func (w *Writer) Bool(b bool) { w.begin(); w.buf = strconv.AppendBool(w.buf, b) }

// Raw writes a value, or a whole member `"name":value`, that is canonical already.
func (w *Writer) Raw(b []byte) { w.begin(); w.buf = append(w.buf, b...) }

// AppendString appends s as a canonical JSON string. Bytes of s that are not
// UTF-8 become U+FFFD, so that the output is canonical whatever s is; callers
// that must not lose them check first.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += n
			continue
		}
		if plain[c] {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		if short := shortEscape(c); short != 0 {
			dst = append(dst, '\\', short)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
