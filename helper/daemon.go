package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
)

const daemonPort = "9418"

// daemon talks to a git:// server: one request, then bytes in both directions.
func (s *Session) daemon(e Endpoint, service string, version int) (int, error) {
	virtual, ok := s.getenv("GIT_OVERRIDE_VIRTUAL_HOST")
	if !ok {
		virtual = e.Host
	}
	if strings.Contains(virtual, "\n") || strings.Contains(e.Path, "\n") {
		return 0, die("newline is forbidden in git:// hosts and repo paths")
	}
	request := fmt.Sprintf("%s %s\x00host=%s\x00", service, e.Path, virtual)
	if version > 0 {
		request += fmt.Sprintf("\x00version=%d\x00", version)
	}
	if len(request) > 65515 {
		return 0, die("packet write failed - data exceeds max packet size")
	}
	request = fmt.Sprintf("%04x%s", len(request)+4, request)
	if proxy := s.gitProxy(e.Host); proxy != "" {
		return s.throughProxy(proxy, e, request)
	}
	conn, err := s.dial(e.Host)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, die("write error: %s", errno(err))
	}
	if err := s.reply(""); err != nil {
		return 0, err
	}
	go func() {
		io.Copy(io.MultiWriter(&s.seen, conn), onlyReader{s.In})
		conn.(*net.TCPConn).CloseWrite()
	}()
	if _, err := io.Copy(s.Out, conn); err != nil {
		return 1, nil // git sees the end of the stream and reports it
	}
	return 0, nil
}

// dial connects to the first address of a host that answers; its errors are git's.
func (s *Session) dial(hostport string) (net.Conn, error) {
	host, port := hostAndPort(hostport)
	if port == "" {
		port = daemonPort
	}
	network := map[family]string{anyFamily: "tcp", ipv4: "tcp4", ipv6: "tcp6"}[s.family]
	say := func(format string, args ...any) {
		if s.verbose {
			fmt.Fprintf(s.Err, format, args...)
		}
	}
	say("Looking up %s ... ", host)
	addrs, err := net.DefaultResolver.LookupHost(context.Background(), host)
	if err != nil {
		return nil, die("unable to look up %s (port %s) (%s)", host, port, lookupError(err))
	}
	say("done.\nConnecting to %s (port %s) ... ", host, port)
	var failed strings.Builder
	for i, a := range addrs {
		conn, err := net.Dial(network, net.JoinHostPort(a, port))
		if err == nil {
			say("%s done.\n", a)
			return conn, nil
		}
		fmt.Fprintf(&failed, "%s[%d: %s]: errno=%s\n", host, i, a, errno(err))
	}
	return nil, die("unable to connect to %s:\n%s", host, failed.String())
}

func lookupError(err error) string {
	var d *net.DNSError
	if errors.As(err, &d) && d.IsNotFound {
		return "Name or service not known"
	}
	if errors.As(err, &d) && d.IsTemporary {
		return "Temporary failure in name resolution"
	}
	return err.Error()
}

// errno formats an error as strerror does: Go's text with a capital letter.
func errno(err error) string {
	var e syscall.Errno
	if errors.As(err, &e) {
		s := e.Error()
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return err.Error()
}

// gitProxy returns the command that makes the connection instead: GIT_PROXY_COMMAND, or the
// first core.gitProxy for this host; 'none' means no proxy.
func (s *Session) gitProxy(host string) string {
	if p, ok := s.getenv("GIT_PROXY_COMMAND"); ok {
		return p
	}
	for _, v := range s.Config.All("core.gitproxy") {
		command, domain, found := strings.Cut(v, " for ")
		if found && host != domain && !(strings.HasSuffix(host, domain) && strings.HasSuffix(strings.TrimSuffix(host, domain), ".")) {
			continue
		}
		if command == "none" {
			return ""
		}
		return command
	}
	return ""
}

// throughProxy runs a command that connects: its arguments are host and port, and its stdin
// and stdout are the connection.
func (s *Session) throughProxy(command string, e Endpoint, request string) (int, error) {
	host, port := hostAndPort(e.Host)
	if port == "" {
		port = daemonPort
	}
	for what, v := range map[string]string{"hostname": host, "port": port} {
		if looksLikeOption(v) {
			return 0, die("strange %s '%s' blocked", what, v)
		}
	}
	cmd := exec.Command(command, host, port)
	if cmd.Err != nil {
		return 0, die("cannot start proxy %s", command)
	}
	cmd.Env = s.Env
	if err := s.reply(""); err != nil {
		return 0, err
	}
	s.In = io.MultiReader(strings.NewReader(request), s.In)
	return s.serve(cmd, true)
}
