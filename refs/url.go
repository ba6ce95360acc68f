package refs

import (
	"regexp"
	"strings"
	"sync"
)

// userinfo finds what stands between a URL's scheme and its host. git takes it
// up to the '@'; a password that was not encoded may hold more of them.
var userinfo = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\s'"<>]*)@`)
})

// WithoutSecrets takes out of a text, or a URL, what must not be shown of the
// URLs in it. As in git's own messages a password is dropped; over http and
// ftp the user's name goes too, since tokens are given in its place. `git@` of
// an ssh URL is part of the address and stays.
func WithoutSecrets(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return userinfo().ReplaceAllStringFunc(text, func(found string) string {
		m := userinfo().FindStringSubmatch(found)
		user, _, _ := strings.Cut(m[2], ":")
		switch strings.ToLower(m[1]) {
		case "http", "https", "ftp", "ftps":
			user = ""
		}
		if user == "" {
			return m[1] + "://"
		}
		return m[1] + "://" + user + "@"
	})
}

// URL is the first URL of a remote as it is written; "" if there is no such
// remote.
func (c Config) URL(remote string) string { return firstURL(c.All("remote." + remote + ".url")) }

// FetchURL is the URL that git fetches a remote from: the first of its URLs,
// as url.*.insteadOf rewrites it; "" if there is no such remote.
func (c Config) FetchURL(remote string) string { return c.rewritten(c.URL(remote), ".insteadof") }

// PushURL is the URL that the tracker pushes to through a remote: the first one
// that git itself would push to. git pushes to several one after the other, so
// a push could land in one and fail in the next.
func (c Config) PushURL(remote string) string {
	if push := firstURL(c.All("remote." + remote + ".pushurl")); push != "" {
		return c.rewritten(push, ".insteadof")
	}
	url := c.URL(remote)
	if push := c.rewritten(url, ".pushinsteadof"); push != url {
		return push
	}
	return c.rewritten(url, ".insteadof")
}

// rewritten is a URL after the longest url.<base>.insteadOf, or
// pushInsteadOf, that it begins with.
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

// firstURL honours that an empty value clears the list.
func firstURL(urls []string) string {
	first := ""
	for _, u := range urls {
		if u == "" || first == "" {
			first = u
		}
	}
	return first
}
