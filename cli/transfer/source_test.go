package transfer

import (
	"io"
	"strings"
	"testing"
)

// endless is a pipe that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// What a pipe brings is kept on the disk, up to a bound.
func TestSpoolIsBounded(t *testing.T) {
	s := &source{close: func() {}}
	if err := s.spool(endless{}, 3<<20); err == nil || !strings.Contains(err.Error(), "at most 3 MiB") {
		t.Errorf("%v, want that a pipe may bring at most 3 MiB", err)
	}
	s.close()
	if err := s.spool(io.LimitReader(endless{}, 3<<20), 3<<20); err != nil || s.Size() != 3<<20 {
		t.Errorf("%d bytes, %v", s.size, err)
	}
	s.close()
}
