package helper

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// innerHelper prepares git's own helper for a scheme. It gets the remote's name as git
// would pass it, because a remote's settings depend on the name.
func (s *Session) innerHelper(e Endpoint) *exec.Cmd {
	cmd := exec.Command("git", "remote-"+e.Scheme, strings.TrimPrefix(s.Name, Prefix), e.URL)
	cmd.Env = s.Env
	return cmd
}

// relay connects git with git's own helper.
func (s *Session) relay(e Endpoint) (int, error) {
	return s.serve(s.innerHelper(e), true)
}

// undecided fetches from f and pushes to p, which differ because of pushInsteadOf after the
// prefix. git asks for capabilities and sets options before it shows whether it fetches or
// pushes. Until then git talks to f's helper; for a push, the lines are repeated to p's
// helper.
func (s *Session) undecided(f, p Endpoint) (int, error) {
	inner := s.innerHelper(f)
	if p.Kind != Inner {
		// git prefers the connection that it is offered for the push, and version 2 lists
		// nothing without stateless-connect
		inner.Args = slices.Insert(inner.Args, 1, "-c", "protocol.version=0")
	}
	inner.Stderr = s.Err
	to, err := inner.StdinPipe()
	if err != nil {
		return 0, err
	}
	from, err := inner.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := inner.Start(); err != nil {
		return 0, err
	}
	answers := bufio.NewReader(from)
	leave := func() { to.Close(); inner.Wait() }
	var said []string
	for {
		line, err := s.line()
		if err != nil && !errors.Is(err, io.EOF) {
			leave()
			return 0, err
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case err != nil || line == "":
			leave()
			return 0, nil
		case line == "capabilities":
			fmt.Fprintln(to, line)
			text, err := untilBlank(answers)
			if err != nil {
				return exitStatus(inner.Wait(), inner, s.Err)
			}
			if p.Kind != Inner {
				text = "connect\n" + text
			}
			if _, err := io.WriteString(s.Out, text); err != nil {
				leave()
				return 0, err
			}
		case word == "option":
			said = append(said, line)
			s.option(rest)
			fmt.Fprintln(to, line)
			answer, err := answers.ReadString('\n')
			if err != nil {
				return exitStatus(inner.Wait(), inner, s.Err)
			}
			if _, err := io.WriteString(s.Out, answer); err != nil {
				leave()
				return 0, err
			}
		case word == "connect" && rest == receivePack:
			leave()
			return s.connect(p, rest)
		case word == "connect":
			if err := s.reply("fallback"); err != nil {
				leave()
				return 0, err
			}
		case line == "list for-push" || word == "push":
			leave()
			return s.begin(p, said, line)
		default:
			return s.pass(inner, to, answers, line)
		}
	}
}

// begin starts the helper of e, repeats the earlier lines to it, whose answers are known,
// and then connects git with it from line first on.
func (s *Session) begin(e Endpoint, said []string, first string) (int, error) {
	inner := s.innerHelper(e)
	inner.Stderr = s.Err
	to, err := inner.StdinPipe()
	if err != nil {
		return 0, err
	}
	from, err := inner.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := inner.Start(); err != nil {
		return 0, err
	}
	answers := bufio.NewReader(from)
	fmt.Fprintln(to, "capabilities")
	if _, err := untilBlank(answers); err != nil {
		return exitStatus(inner.Wait(), inner, s.Err)
	}
	for _, option := range said {
		fmt.Fprintln(to, option)
		if _, err := answers.ReadString('\n'); err != nil {
			return exitStatus(inner.Wait(), inner, s.Err)
		}
	}
	return s.pass(inner, to, answers, first)
}

// pass connects git with a running helper from line first on.
func (s *Session) pass(inner *exec.Cmd, to io.WriteCloser, answers io.Reader, first string) (int, error) {
	both := io.MultiWriter(&s.seen, to)
	fmt.Fprintln(both, first)
	go func() {
		defer to.Close()
		for line := first; ; {
			if strings.HasPrefix(line, "stateless-connect ") {
				io.Copy(both, onlyReader{s.In}) // no more lines
				return
			}
			var err error
			if line, err = s.line(); err != nil {
				return
			}
			// git asks again for the connection that was refused
			if strings.HasPrefix(line, "connect ") {
				s.reply("fallback")
				continue
			}
			fmt.Fprintln(both, line)
		}
	}()
	_, copyErr := io.Copy(s.Out, answers)
	status, err := exitStatus(inner.Wait(), inner, s.Err)
	if err == nil {
		err = copyErr
	}
	return status, err
}

func untilBlank(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for b.Len() < maxLine {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if b.WriteString(line); line == "\n" {
			return b.String(), nil
		}
	}
	return "", die("the capabilities do not end")
}

// unquote undoes git's C-style quoting of an option's value.
func unquote(s string) (string, bool) {
	body, ok := strings.CutPrefix(s, `"`)
	if !ok {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		c := body[i]
		if c == '"' {
			return b.String(), i == len(body)-1
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		if i++; i == len(body) {
			return "", false
		}
		switch c := body[i]; c {
		case 'a', 'b', 'f', 'n', 'r', 't', 'v':
			b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case '\\', '"':
			b.WriteByte(c)
		case '0', '1', '2', '3':
			if i+2 >= len(body) || !octal(body[i+1]) || !octal(body[i+2]) {
				return "", false
			}
			b.WriteByte((c-'0')<<6 | (body[i+1]-'0')<<3 | (body[i+2] - '0'))
			i += 2
		default:
			return "", false
		}
	}
	return "", false
}

func octal(c byte) bool { return '0' <= c && c <= '7' }
