package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name, in string
		ok       bool
		want     []string
	}{
		{"a skipped test is named with its reason", `
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: no ssh here\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Elapsed":0.5}`, true,
			[]string{"ok    p  0.5s", "1 tests passed, 0 failed, 1 not run", "not run: p TestA: no ssh here"}},
		{"a failing test shows what it printed", `
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: broken\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p","Elapsed":0.5}`, false,
			[]string{"a_test.go:3: broken", "FAIL  p", "failed: p TestA"}},
		{"what the compiler says is shown", `
{"Action":"build-output","ImportPath":"p","Output":"x.go:1: undefined: y\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p","Elapsed":0}`, false,
			[]string{"x.go:1: undefined: y"}},
		{"other text passes through", "warning: odd\n", true, []string{"warning: odd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if ok := report(strings.NewReader(strings.TrimPrefix(c.in, "\n")), &b); ok != c.ok {
				t.Errorf("ok = %v", ok)
			}
			for _, w := range c.want {
				if !strings.Contains(b.String(), w) {
					t.Errorf("no %q in:\n%s", w, b.String())
				}
			}
		})
	}
}
