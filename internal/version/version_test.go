package version

import (
	"runtime/debug"
	"testing"
)

func TestFrom(t *testing.T) {
	revision := []debug.BuildSetting{{Key: "vcs.revision", Value: "4f2a"}, {Key: "vcs.modified", Value: "true"}}
	for _, c := range []struct {
		main     string
		settings []debug.BuildSetting
		want     Build
	}{
		{"(devel)", nil, Build{Version: Number}},
		{"", nil, Build{Version: Number}},
		{"v9.8.7", nil, Build{Version: "9.8.7"}},
		{"v9.8.7-rc.1", nil, Build{Version: "9.8.7-rc.1"}},
		{"v9.8.7+dirty", revision, Build{Version: Number, Commit: "4f2a", Modified: true}},
		{"v0.0.0-20261130184344-f2888034cbec", nil, Build{Version: Number, Commit: "f2888034cbec"}},
		{"v9.8.8-0.20261130184344-f2888034cbec+dirty", revision, Build{Version: Number, Commit: "4f2a", Modified: true}},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.main}, Settings: c.settings}
		if got := from(info); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.main, got, c.want)
		}
	}
}
