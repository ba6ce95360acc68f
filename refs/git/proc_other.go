//go:build !unix

package git

import (
	"os"
	"os/exec"
)

func isolate(*exec.Cmd, isolation) {}

func endGroup(*exec.Cmd) {}

func alone(*exec.Cmd) {}

func endGroupGently(*exec.Cmd) {}

func ownedByUs(os.FileInfo) bool { return false }
