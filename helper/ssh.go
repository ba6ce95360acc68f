package helper

import (
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
)

// family is the address family that git was told to use.
type family string

const (
	anyFamily family = ""
	ipv4      family = "-4"
	ipv6      family = "-6"
)

// program is a command as git starts it; shell means that its first word is a command line.
type program struct {
	args  []string
	shell bool
	env   []string // besides the service's
}

// sshCommand returns the program that connects to an ssh endpoint and runs command there:
// GIT_SSH_COMMAND, core.sshCommand, GIT_SSH, ssh, in this order.
func (s *Session) sshCommand(e Endpoint, command string, version int) (*program, error) {
	if looksLikeOption(e.Host) {
		return nil, die("strange hostname '%s' blocked", e.Host)
	}
	p := &program{shell: true}
	ssh, ok := s.getenv("GIT_SSH_COMMAND")
	if !ok {
		ssh, ok = s.Config.Get("core.sshcommand")
	}
	if !ok {
		p.shell = false
		if ssh, ok = s.getenv("GIT_SSH"); !ok {
			ssh = "ssh"
		}
	}
	variant := s.sshVariant(ssh, p.shell)
	if variant == "auto" {
		probe := &program{args: []string{ssh, "-G"}, shell: p.shell}
		if err := probe.options("ssh", e.Port, version, s.family); err != nil {
			return nil, err
		}
		probe.args = append(probe.args, e.Host)
		variant = "simple"
		if cmd := probe.command(); s.quietly(cmd, probe.env) == nil {
			variant = "ssh"
		}
	}
	p.args = []string{ssh}
	if err := p.options(variant, e.Port, version, s.family); err != nil {
		return nil, err
	}
	p.args = append(p.args, e.Host, command)
	return p, nil
}

func (s *Session) quietly(cmd *exec.Cmd, env []string) error {
	cmd.Env = append(slices.Clone(s.Env), env...)
	return cmd.Run()
}

// sshVariant returns which kind of options the program takes: ssh, plink, putty,
// tortoiseplink, simple (none), or auto: find out.
func (s *Session) sshVariant(ssh string, shell bool) string {
	v, ok := s.getenv("GIT_SSH_VARIANT")
	if !ok {
		v, ok = s.Config.Get("ssh.variant")
	}
	if ok && v != "auto" { // auto means to decide by the name, as if nothing were set
		switch v {
		case "plink", "putty", "tortoiseplink", "simple":
			return v
		}
		return "ssh"
	}
	name := ssh
	if shell {
		if name, ok = firstWord(ssh); !ok {
			return "auto"
		}
	}
	switch strings.TrimSuffix(strings.ToLower(path.Base(name)), ".exe") {
	case "ssh":
		return "ssh"
	case "plink":
		return "plink"
	case "tortoiseplink":
		return "tortoiseplink"
	}
	return "auto"
}

// options adds the arguments between the program and the host.
func (p *program) options(variant, port string, version int, f family) error {
	if variant == "ssh" && version > 0 {
		p.args = append(p.args, "-o", "SendEnv=GIT_PROTOCOL")
		p.env = append(p.env, "GIT_PROTOCOL=version="+strconv.Itoa(version))
	}
	if f != anyFamily {
		if variant == "simple" {
			return die("ssh variant 'simple' does not support %s", f)
		}
		p.args = append(p.args, string(f))
	}
	if variant == "tortoiseplink" {
		p.args = append(p.args, "-batch")
	}
	if port == "" {
		return nil
	}
	switch variant {
	case "simple":
		return die("ssh variant 'simple' does not support setting port")
	case "ssh":
		p.args = append(p.args, "-p", port)
	default:
		p.args = append(p.args, "-P", port)
	}
	return nil
}

// firstWord takes the first word of a command line, by git's quoting rules. It
// is not ok if the line as a whole cannot be split.
func firstWord(line string) (string, bool) {
	var word strings.Builder
	quote, first := byte(0), true
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			first = false
			continue
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
			continue
		case c == quote && quote != 0:
			quote = 0
			continue
		case c == '\\' && quote != '\'':
			if i++; i == len(line) {
				return "", false
			}
			c = line[i]
		}
		if first {
			word.WriteByte(c)
		}
	}
	return word.String(), quote == 0
}

// special are the characters that make git pass a command to a shell.
const special = "|&;<>()$`\\\"' \t\n*?[#~=%"

// command prepares the program as git does.
func (p *program) command() *exec.Cmd {
	if !p.shell || !strings.ContainsAny(p.args[0], special) {
		return exec.Command(p.args[0], p.args[1:]...)
	}
	line := p.args[0]
	if len(p.args) > 1 {
		line += ` "$@"`
	}
	return exec.Command("/bin/sh", append([]string{"-c", line}, p.args...)...)
}

// quote quotes a word for a shell's command line, as git does.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '\'' || c == '!' {
			b.WriteString(`'\` + string(c) + `'`)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
