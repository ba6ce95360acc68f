package helper

import (
	"slices"
	"strings"
)

// allowed checks whether a transport may be used, by git's rules: GIT_ALLOW_PROTOCOL alone
// if it is set, otherwise protocol.<name>.allow, protocol.allow, and git's default for the
// name. git itself has only checked the name 'crosslink'.
func (c Config) allowed(name string, getenv func(string) (string, bool)) error {
	if list, ok := getenv("GIT_ALLOW_PROTOCOL"); ok {
		if slices.Contains(strings.Split(list, ":"), name) {
			return nil
		}
		return notAllowed(name)
	}
	rule := ""
	for _, key := range []string{"protocol." + name + ".allow", "protocol.allow"} {
		v, ok := c.Get(key)
		if !ok {
			continue
		}
		if rule = strings.ToLower(v); rule != "always" && rule != "never" && rule != "user" {
			return die("unknown value for config '%s': %s", key, v)
		}
		break
	}
	if rule == "" {
		switch name {
		case "http", "https", "git", "ssh":
			rule = "always"
		case "ext":
			rule = "never"
		default:
			rule = "user"
		}
	}
	if rule == "always" || rule == "user" && fromUser(getenv) {
		return nil
	}
	return notAllowed(name)
}

func notAllowed(name string) error { return die("transport '%s' not allowed", name) }

// fromUser returns GIT_PROTOCOL_FROM_USER, which git sets to 0 if a URL comes from a
// repository, as in submodules.
func fromUser(getenv func(string) (string, bool)) bool {
	v, ok := getenv("GIT_PROTOCOL_FROM_USER")
	if !ok {
		return true
	}
	switch strings.ToLower(v) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}
