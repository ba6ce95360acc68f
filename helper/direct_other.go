//go:build !linux

package helper

import "os/exec"

// direct is for Linux: see there.
func (*Session) direct(*exec.Cmd) (status int, err error, done bool) { return 0, nil, false }
