package helper

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is how a URL is reached.
type Kind byte

// The kinds of a URL.
const (
	Local  Kind = iota // a path, or file://
	SSH                // ssh://, git+ssh://, ssh+git://, or host:path
	Daemon             // git://
	Inner              // another helper: http, https, ftp, ext, …
)

func (k Kind) String() string {
	return [...]string{"file", "ssh", "git", "helper"}[k]
}

// Endpoint is a URL taken apart by git's rules.
type Endpoint struct {
	Kind   Kind
	Scheme string // of Inner: the name of git's helper
	URL    string // of Inner: the URL that the helper gets

	Host string // SSH: user and host; Daemon: host and port; Local: mostly ""
	Port string // SSH only, "" if not given
	Path string // as the service gets it, not quoted
}

// fatal is the message of git's fatal error.
type fatal string

func (f fatal) Error() string { return string(f) }

func die(format string, args ...any) error { return fatal(fmt.Sprintf(format, args...)) }

// ParseURL takes a URL apart as git does (transport_get, parse_connect_url).
// Its errors are git's.
func ParseURL(url string) (Endpoint, error) {
	if name, rest, ok := foreign(url); ok {
		return Endpoint{Kind: Inner, Scheme: name, URL: rest}, nil
	}
	if isURL(url) {
		switch scheme, _, _ := strings.Cut(url, "://"); scheme {
		case "file", "git", "ssh", "git+ssh", "ssh+git":
		default:
			return Endpoint{Kind: Inner, Scheme: scheme, URL: url}, nil
		}
	}
	return parseConnect(url)
}

// foreign splits '<helper>::<address>'.
func foreign(url string) (name, rest string, ok bool) {
	i := 0
	for i < len(url) && schemeChar(url[i], i == 0) {
		i++
	}
	if strings.HasPrefix(url[i:], "::") {
		return url[:i], url[i+2:], true
	}
	return "", "", false
}

func schemeChar(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return !first && (c == '+' || c == '-' || c == '.')
}

// isURL reports whether url begins with a scheme and '://'.
func isURL(url string) bool {
	i := 0
	for i < len(url) && schemeChar(url[i], i == 0) {
		i++
	}
	return i > 0 && strings.HasPrefix(url[i:], "://")
}

// localPath reports whether a string without a scheme is a path, not host:path.
func localPath(url string) bool {
	colon, slash := strings.IndexByte(url, ':'), strings.IndexByte(url, '/')
	return colon < 0 || slash >= 0 && slash < colon
}

// parseConnect follows connect.c.
func parseConnect(url string) (Endpoint, error) {
	if isURL(url) {
		url = decode(url)
	}
	e, file, separator := Endpoint{Kind: Local}, false, byte('/')
	host := url
	if scheme, rest, ok := strings.Cut(url, "://"); ok {
		switch scheme {
		case "ssh", "git+ssh", "ssh+git":
			e.Kind = SSH
		case "git":
			e.Kind = Daemon
		case "file":
			file = true
		default:
			return e, die("protocol '%s' is not supported", scheme)
		}
		host = rest
	} else if !localPath(url) {
		e.Kind, separator = SSH, ':'
	}
	end := bracketEnd(host)
	path := -1
	switch {
	case e.Kind == Local && !file:
		path = end
	default:
		if i := strings.IndexByte(host[end:], separator); i >= 0 {
			path = end + i
		}
	}
	if path < 0 || path == len(host) {
		return e, die("no path specified; see 'git help pull' for valid url syntax")
	}
	e.Host, e.Path = host[:path], host[path:]
	if separator == ':' {
		e.Path = e.Path[1:]
	}
	if (e.Kind == SSH || e.Kind == Daemon) && len(e.Path) > 1 && e.Path[1] == '~' {
		e.Path = e.Path[1:]
	}
	if e.Kind != Daemon && looksLikeOption(e.Path) {
		return e, die("strange pathname '%s' blocked", e.Path)
	}
	if e.Kind == SSH {
		e.Host, e.Port = hostAndPort(e.Host)
		if e.Port == "" {
			e.Host, e.Port = lastPort(e.Host)
		}
	}
	return e, nil
}

// decode undoes %xx after the scheme. %00 stays as it is.
func decode(url string) string {
	i := strings.IndexByte(url, ':')
	if i < 0 {
		i = 0
	}
	var b strings.Builder
	b.WriteString(url[:i])
	for ; i < len(url); i++ {
		if url[i] == '%' && i+2 < len(url) {
			if v, err := strconv.ParseUint(url[i+1:i+3], 16, 8); err == nil && v > 0 {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(url[i])
	}
	return b.String()
}

// bracketEnd returns where the ']' of an address in brackets is, 0 if there is
// none.
func bracketEnd(host string) int {
	start := 0
	if i := strings.Index(host, "@["); i >= 0 {
		start = i + 1
	}
	if start < len(host) && host[start] == '[' {
		if i := strings.IndexByte(host[start+1:], ']'); i >= 0 {
			return start + 1 + i
		}
	}
	return 0
}

// hostAndPort removes brackets, and splits off the part after the colon if it is a port. A
// trailing colon, and anything else after the brackets, is dropped.
func hostAndPort(host string) (string, string) {
	before, rest, bracketed := host, host, false
	if end := bracketEnd(host); end > 0 {
		start := 0
		if i := strings.Index(host, "@["); i >= 0 {
			start = i + 1
		}
		before, rest, bracketed = host[:start]+host[start+1:end], host[end+1:], true
	}
	name, port, found := strings.Cut(rest, ":")
	if !bracketed && found && (port == "" || isPort(port)) {
		before = name
	}
	if found && isPort(port) {
		return before, port
	}
	return before, ""
}

// lastPort is git's second try, for '[user@host:port]:path'.
func lastPort(host string) (string, string) {
	if i := strings.IndexByte(host, ':'); i >= 0 && isPort(host[i+1:]) {
		return host[:i], host[i+1:]
	}
	return host, ""
}

// isPort follows strtol: spaces and a sign before the digits are accepted.
func isPort(s string) bool {
	t := strings.TrimLeft(s, " \t\n\v\f\r")
	if len(t) > 0 && (t[0] == '+' || t[0] == '-') {
		if t = t[1:]; len(s) > 0 && strings.TrimLeft(t, "0") != "" && strings.Contains(s, "-") {
			return false // negative
		}
	}
	if t == "" || strings.Trim(t, "0123456789") != "" {
		return false
	}
	n, err := strconv.ParseUint(t, 10, 64)
	return err == nil && n < 65536
}

// looksLikeOption reports whether a program would take a string for an option.
func looksLikeOption(s string) bool { return strings.HasPrefix(s, "-") }

// password reports whether a URL contains a password.
func password(url string) bool {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return false
	}
	authority, _, _ := strings.Cut(rest, "/")
	i := strings.LastIndexByte(authority, '@')
	return i >= 0 && strings.Contains(authority[:i], ":")
}
