package importer

import "testing"

// The uuids were computed by another program, in another language.
func TestUUIDVectors(t *testing.T) {
	for _, v := range []struct{ system, scope, kind, key, want string }{
		{"beads", "steveyegge/beads", TypeIssue, "bd-a3f8", "fa8dbc23-e1b0-8f06-a704-2f907918ccc7"},
		{"github", "git-bug/git-bug", TypeIssue, "185", "e8a03d4d-f7c1-8fd9-a0d3-579cdf6aaf3d"},
		{"github", "git-bug/git-bug", TypeComment, "515488546", "bac9a82c-0f54-80aa-9633-acb2dec7bb8c"},
		{"git-bug", "git-bug/git-bug", TypeIssue, "01280d5fc4407f9f07e0e051f9421da87273d708bb284d647cc454d441448af1", "4955303e-7415-8c1f-8e1c-35793f6a78b8"},
	} {
		if got := UUID(v.system, v.scope, v.kind, v.key).String(); got != v.want {
			t.Errorf("UUID(%s, %s, %s, %s) = %s, want %s", v.system, v.scope, v.kind, v.key, got, v.want)
		}
	}
}
