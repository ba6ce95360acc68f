package frame

import "testing"

func TestDuration(t *testing.T) {
	for in, want := range map[string]string{"1h30m": "1h30m", "90m": "1h30m", "1.5h": "1h30m", "45s": "45s", "2H": "2h", "1h 5s": "1h5s", " 100m": "1h40m"} {
		n, err := ParseDuration(in)
		if err != nil || Duration(n) != want {
			t.Errorf("%q is %s, %v, not %s", in, Duration(n), err, want)
		}
	}
	for _, in := range []string{"", "1", "h", "1x", "30m1h", "1h1h", "-1h", "1e3h", "NaNh", "0m", "0.1s", "999999999h", "1..5h"} {
		if n, err := ParseDuration(in); err == nil {
			t.Errorf("%q is a duration: %d", in, n)
		}
	}
	if Duration(0) != "0m" {
		t.Error(Duration(0))
	}
}
