package testkit

import "testing"

func TestNormaliser(t *testing.T) {
	n := NewNormaliser()
	n.Path("/tmp/x", "$WORK")
	n.Agent("alice-host-ab2c", "alice")
	n.Agent("alice-host-ab2c-longer", "alice2")
	for _, c := range []struct{ name, in, want string }{
		{"short first", "3f9a1c2\n", "<short-1>\n"},
		{"its whole is the same", "3f9a1c2e-0000-4000-8000-000000000001", "<uuid-1>"},
		{"a longer prefix too", "3f9a1c2e0", "<short-1>"},
		{"another", "bbbbbbb, 3f9a1c2", "<short-2>, <short-1>"},
		{"digits are a number", "12345678 123456 42", "12345678 123456 42"},
		{"seven are an id", "1234567..bbbbbbb", "<short-3>..<short-2>"},
		{"twelve are a mark", "<<<crosslink-data 686004558612", "<<<crosslink-data <short-4>"},
		{"object id", "0123456789abcdef0123456789abcdef01234567", "<oid>"},
		{"hash", `"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_-"`, `"<hash>"`},
		{"hash that begins with a hyphen", `"-bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_-"`, `"<hash>"`},
		{"hash at the end", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_0", "<hash>"},
		{"one character short of a hash", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_"},
		{"times", "2026-03-01T10:00:00.123456789Z 2026-03-01 10:00 2026-03-01 x", "<time> <time> <time> x"},
		{"ages", "as of 3 h ago; just now; 12 days ago; 5 min agog", "as of <age>; <age>; <age>; 5 min agog"},
		{"days ahead", "due (in 3 years), in 1 month; in 60 s; in 2 rows", "due (in <age>), in <age>; in 60 s; in 2 rows"},
		{"git's words", "hint: git says: fatal: no\n", "hint: git says: <git>\n"},
		{"port", "http://127.0.0.1:40123/hub.git", "http://127.0.0.1:<port>/hub.git"},
		{"path", "/tmp/x/alice", "$WORK/alice"},
		{"agent in a column", "a  alice-host-ab2c       open", "a  alice  open"},
		{"longest agent first", "alice-host-ab2c-longer", "alice2"},
		{"other columns stay", "a     b", "a     b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := n.Text(c.in); got != c.want {
				t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}
