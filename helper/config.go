package helper

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Config is git's configuration for one command, in git's order: the last value of a key
// counts. Section and variable are in lower case.
type Config []Setting

// Setting is one value; "true" for a key without one.
type Setting struct{ Key, Value string }

// ReadConfig reads the files if they have the simplest form. Otherwise it asks git, once,
// in the environment in which git started the helper.
func (s *Session) ReadConfig() (Config, error) {
	if c, ok := files(s.getenv); ok {
		return c, nil
	}
	cmd := exec.Command("git", "config", "--list", "-z")
	cmd.Env = s.Env
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git config: %w", err)
	}
	return parseConfig(out), nil
}

func parseConfig(out []byte) Config {
	var c Config
	for len(out) > 0 {
		var one []byte
		one, out, _ = bytes.Cut(out, []byte{0})
		key, value, ok := strings.Cut(string(one), "\n")
		if !ok {
			value = "true"
		}
		c = append(c, Setting{key, value})
	}
	return c
}

// Get returns the last value of a key, which is the one that counts.
func (c Config) Get(key string) (string, bool) {
	for i := len(c) - 1; i >= 0; i-- {
		if c[i].Key == key {
			return c[i].Value, true
		}
	}
	return "", false
}

// All returns the values of a key, in order.
func (c Config) All(key string) []string {
	var all []string
	for _, s := range c {
		if s.Key == key {
			all = append(all, s.Value)
		}
	}
	return all
}

// rewrite applies url.<base>.insteadOf, or pushInsteadOf: the longest match
// counts. ok is false if none matched.
func (c Config) rewrite(url, variable string) (string, bool) {
	best, base := "", ""
	for _, s := range c {
		b, is := strings.CutPrefix(s.Key, "url.")
		if b, is2 := strings.CutSuffix(b, "."+variable); is && is2 && strings.HasPrefix(url, s.Value) &&
			(base == "" || len(s.Value) > len(best)) {
			best, base = s.Value, b
		}
	}
	if base == "" {
		return url, false
	}
	return base + url[len(best):], true
}

// version returns the protocol version to ask for (protocol.version, 2 if not set).
func (c Config) version(service string) (int, error) {
	v, ok := c.Get("protocol.version")
	if !ok {
		v = "2"
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 2 {
		return 0, die("unknown value for config 'protocol.version': %s", v)
	}
	// Pushes and archives have no version 2; git asks for version 0.
	if n == 2 && service != uploadPack {
		n = 0
	}
	return n, nil
}
