package refs

import (
	"errors"
	"strconv"
	"strings"
)

// Setting is one configuration value.
type Setting struct {
	Scope string // system, global, local, worktree, command
	Key   string // as git prints it: section and variable in lower case
	Value string // "true" for a key without a value
}

// Config is a configuration in git's order: the last value of a key counts.
type Config []Setting

// ParseConfig reads what `git config --list -z --show-scope` prints.
func ParseConfig(out []byte) (Config, error) {
	var c Config
	f := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(f); i += 2 {
		key, value, ok := strings.Cut(f[i+1], "\n")
		if !ok {
			value = "true"
		}
		c = append(c, Setting{Scope: f[i], Key: key, Value: value})
	}
	if len(f)%2 != 1 {
		return nil, errors.New("git config: answer is cut short")
	}
	return c, nil
}

// ConfigKey converts a key to the form in which git prints it.
func ConfigKey(key string) string {
	i, j := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
	if i < 0 {
		return strings.ToLower(key)
	}
	return strings.ToLower(key[:i]) + key[i:j] + strings.ToLower(key[j:])
}

// Get returns the last value of a key, which is the one that counts.
func (c Config) Get(key string) (string, bool) {
	key = ConfigKey(key)
	for i := len(c) - 1; i >= 0; i-- {
		if c[i].Key == key {
			return c[i].Value, true
		}
	}
	return "", false
}

// All returns the values of a key in order.
func (c Config) All(key string) []string {
	key = ConfigKey(key)
	var vs []string
	for _, s := range c {
		if s.Key == key {
			vs = append(vs, s.Value)
		}
	}
	return vs
}

// Count returns the value of a numeric setting; false if it is not set or not a number.
func (c Config) Count(key string) (n int, set bool) {
	v, _ := c.Get(key)
	n, err := strconv.Atoi(v)
	return n, err == nil && n >= 0
}

// Bool returns a value as git reads booleans, or def if it is not set or not a
// boolean.
func (c Config) Bool(key string, def bool) bool {
	v, ok := c.Get(key)
	if !ok {
		return def
	}
	switch strings.ToLower(v) {
	case "true", "yes", "on":
		return true
	case "false", "no", "off", "":
		return false
	}
	if n, err := strconv.Atoi(v); err == nil {
		return n != 0
	}
	return def
}

// Remotes returns the names of the configured remotes, in the order of their first
// settings.
func (c Config) Remotes() []string {
	var names []string
	seen := make(map[string]bool)
	for _, s := range c {
		name, ok := strings.CutPrefix(s.Key, "remote.")
		if name, ok2 := strings.CutSuffix(name, ".url"); ok && ok2 && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// URL returns the first URL of a remote as written; "" if there is no such remote.
func (c Config) URL(remote string) string { return firstURL(c.All("remote." + remote + ".url")) }

// WrittenPushURL returns the first push URL of a remote as written; "" if it has none of
// its own.
func (c Config) WrittenPushURL(remote string) string {
	return firstURL(c.All("remote." + remote + ".pushurl"))
}

// FetchURL returns the URL that git fetches a remote from: its first URL, after
// url.*.insteadOf; "" if there is no such remote.
func (c Config) FetchURL(remote string) string { return c.rewritten(c.URL(remote), ".insteadof") }

// PushURL returns the URL that the tracker pushes to through a remote: the first one that
// git itself would push to. git pushes to several URLs one after the other, so a push could
// succeed at one and fail at the next.
func (c Config) PushURL(remote string) string {
	if push := c.WrittenPushURL(remote); push != "" {
		return c.rewritten(push, ".insteadof")
	}
	url := c.URL(remote)
	if push := c.rewritten(url, ".pushinsteadof"); push != url {
		return push
	}
	return c.rewritten(url, ".insteadof")
}

// rewritten returns a URL after the longest matching url.<base>.insteadOf, or
// pushInsteadOf.
func (c Config) rewritten(url, rule string) string {
	longest, base := "", ""
	for _, s := range c {
		b, ok := strings.CutSuffix(strings.TrimPrefix(s.Key, "url."), rule)
		if ok && strings.HasPrefix(s.Key, "url.") && len(s.Value) > len(longest) && strings.HasPrefix(url, s.Value) {
			longest, base = s.Value, b
		}
	}
	return base + url[len(longest):]
}

// firstURL returns the first URL after the last empty value, which clears the list.
func firstURL(urls []string) string {
	first := ""
	for _, u := range urls {
		if u == "" || first == "" {
			first = u
		}
	}
	return first
}
