package gate

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// FuzzCommand: a line about a ref is read in one way, or refused in words that
// are fit for a terminal.
func FuzzCommand(f *testing.F) {
	zero, id := strings.Repeat("0", 40), strings.Repeat("ab", 20)
	f.Add(zero + " " + id + " refs/heads/crosslink/meta")
	f.Add(id + " " + strings.Repeat("0", 64) + " x\x1b[31m")
	f.Add("  \n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := command(s)
		if err != nil {
			if got := err.Error(); strings.ContainsAny(got, "\x00\x1b\n\r") {
				t.Fatalf("%q", got)
			}
			return
		}
		form := formatOf(s[:strings.IndexByte(s, ' ')])
		full := func(o refs.OID) string {
			if o == "" {
				o = form.Zero()
			}
			return string(o)
		}
		if again := full(c.Old) + " " + full(c.New) + " " + c.Ref; again != s {
			t.Fatalf("%q is read as %q", s, again)
		}
	})
}

// FuzzSection: pkt-lines that are accepted are the ones that were sent; the rest is refused
// without waiting for more.
func FuzzSection(f *testing.F) {
	f.Add([]byte("000eversion=1\n0000"))
	f.Add([]byte("0004" + "0005a" + "0000"))
	f.Add([]byte("0001"))
	f.Add([]byte("fff"))
	f.Add([]byte("+00100000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, err := section(bufio.NewReader(bytes.NewReader(b)))
		if err != nil || slices.ContainsFunc(lines, func(l string) bool { return len(l) > maxPacket }) {
			return
		}
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		if err := say(w, lines...); err != nil {
			t.Fatal(err)
		}
		if got := bytes.ToLower(b[:min(out.Len(), len(b))]); !bytes.Equal(got, bytes.ToLower(out.Bytes())) {
			t.Fatalf("%q is said as %q", b, out.Bytes())
		}
		again, err := section(bufio.NewReader(&out))
		if err != nil || !slices.Equal(again, lines) {
			t.Fatalf("%q, %v", again, err)
		}
	})
}

// FuzzCertificate: there is a key or a reason, and the reason names nothing
// that the certificate says.
func FuzzCertificate(f *testing.F) {
	f.Add([]byte("certificate version 0.1\n\n-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"))
	f.Add([]byte("\n-----BEGIN SSH SIGNATURE-----\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := certificateKey(b)
		if k.IsZero() == (err == nil) {
			t.Fatal("neither or both")
		}
		if err != nil && err.Error() != plain(err.Error()) {
			t.Fatal(err)
		}
	})
}
