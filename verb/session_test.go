package verb

import "testing"

// The vector was computed by another program.
func TestSessionUUID(t *testing.T) {
	u := SessionUUID("5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", "alice-box-ab2c", "claude:7f3a")
	if got := u.String(); got != "11d020f2-423a-8cd8-9daa-b2283e3d1b56" {
		t.Fatal(got)
	}
	if SessionUUID("5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", "alice-box-ab2c", "claude:7f3b") == u {
		t.Fatal("two keys have one session")
	}
}
