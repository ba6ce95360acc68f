package refs

import "testing"

func TestLogAt(t *testing.T) {
	t.Parallel()
	l := Log{First: 65, Lines: [][]byte{[]byte("a"), []byte("b")}}
	for seq, want := range map[uint64]string{0: "", 1: "", 64: "", 65: "a", 66: "b", 67: ""} {
		if got := string(l.At(seq)); got != want {
			t.Errorf("line %d is '%s', not '%s'", seq, got, want)
		}
	}
	if l.Last() != 66 {
		t.Errorf("the last is %d", l.Last())
	}
	if none := (Log{}); none.Last() != 0 || none.At(0) != nil || none.At(1) != nil {
		t.Error("a log without lines has one")
	}
}
