package helper

import (
	"slices"
	"strings"
)

// allowed says whether a transport may be used, by the rules of git:
// GIT_ALLOW_PROTOCOL alone if it is set, else protocol.<name>.allow,
// protocol.allow, and what is known of the name. git itself has only asked
// about the name 'crosslink'.
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

// fromUser is GIT_PROTOCOL_FROM_USER: git clears it where a URL comes from a
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
