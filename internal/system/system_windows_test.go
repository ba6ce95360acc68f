package system

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/windows"
)

// A process in the background has a console without a window. One without a console
// would have every git that it starts open a window.
func TestNewSessionHasAConsole(t *testing.T) {
	cmd := exec.Command("git")
	NewSession(cmd)
	switch flags := cmd.SysProcAttr.CreationFlags; {
	case flags&windows.CREATE_NO_WINDOW == 0:
		t.Errorf("flags %#x open a window", flags)
	case flags&windows.DETACHED_PROCESS != 0:
		t.Errorf("flags %#x leave no console to the programs that it starts", flags)
	case flags&windows.CREATE_NEW_PROCESS_GROUP == 0:
		t.Errorf("flags %#x let ^C reach it", flags)
	}
}
