package hints

import "testing"

// TestEachCodeHasOneRow: only the first row of a code would be found.
func TestEachCodeHasOneRow(t *testing.T) {
	if all := Rows(); len(all) != len(rows) || len(all) == 0 {
		t.Errorf("%d rows for %d codes", len(rows), len(all))
	}
}
