package helper

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// A fetch that finds nothing takes a few milliseconds, and package os/exec needs a part of
// them: it starts a child to find out how to wait for children, polls pipes, and copies and
// waits in separate threads. direct is serve without these costs: one thread carries git's
// bytes to the child, inspects them on the way, and ends when the child does. git's end of
// the pipe need not be closed by then, because the git process between git and this program
// also keeps it open.
//
// done is false if this is impossible here; then nothing has been started.
func (s *Session) direct(cmd *exec.Cmd) (status int, err error, done bool) {
	in, inOK := s.In.(*os.File)
	out, outOK := s.Out.(*os.File)
	msg, msgOK := s.Err.(*os.File)
	if !inOK || !outOK || !msgOK {
		return 0, nil, false
	}
	var to [2]int
	if err := syscall.Pipe2(to[:], syscall.O_CLOEXEC); err != nil {
		return 0, nil, false
	}
	from, end := int(in.Fd()), -1 // Fd makes a file blocking, as git left it
	pid, err := syscall.ForkExec(cmd.Path, cmd.Args, &syscall.ProcAttr{Env: cmd.Environ(),
		Files: []uintptr{uintptr(to[0]), out.Fd(), msg.Fd()}, Sys: &syscall.SysProcAttr{PidFD: &end}})
	syscall.Close(to[0])
	if err != nil {
		syscall.Close(to[1])
		return 0, &os.PathError{Op: "fork/exec", Path: cmd.Path, Err: err}, true
	}
	if end >= 0 && end < syscall.FD_SETSIZE && from < syscall.FD_SETSIZE {
		s.carry(from, to[1], end)
		syscall.Close(to[1])
	} else { // a kernel that cannot report the end of a child
		go func() {
			s.carry(from, to[1], -1)
			syscall.Close(to[1])
		}()
	}
	var w syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(pid, &w, 0, nil); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	return ended(w, cmd.Args[0], s.Err), nil, true
}

// carry copies until git or the child closes its end, or until the child has ended, which
// the file end reports; -1 means no such file.
func (s *Session) carry(from, to, end int) {
	buf := make([]byte, 32<<10)
	for {
		if end >= 0 {
			var ready syscall.FdSet
			set(&ready, from)
			set(&ready, end)
			if _, err := syscall.Select(max(from, end)+1, &ready, nil, nil, nil); errors.Is(err, syscall.EINTR) {
				continue
			} else if err != nil || !isSet(&ready, from) {
				return
			}
		}
		n, err := syscall.Read(from, buf)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n <= 0 {
			return
		}
		s.seen.Write(buf[:n])
		for p := buf[:n]; len(p) > 0; {
			k, err := syscall.Write(to, p)
			if err != nil && !errors.Is(err, syscall.EINTR) {
				return
			}
			p = p[max(k, 0):]
		}
	}
}

// wordBits is the number of files in one word of an FdSet.
const wordBits = 32 << (^uint(0) >> 63)

func set(s *syscall.FdSet, fd int) { s.Bits[fd/wordBits] |= 1 << (fd % wordBits) }

func isSet(s *syscall.FdSet, fd int) bool { return s.Bits[fd/wordBits]&(1<<(fd%wordBits)) != 0 }
