package refs

import (
	"regexp"
	"strings"
	"sync"
)

// userinfo finds the part between a URL's scheme and its host. For git it extends to the
// '@'; a password that was not encoded may contain more of them.
var userinfo = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\s'"<>]*)@`)
})

// WithoutSecrets removes secrets from the URLs in a text. As in git's own messages,
// passwords are removed. Over http and ftp the user's name is removed too, because people
// use tokens in its place. `git@` of an ssh URL is part of the address and stays.
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

// IsLocal reports whether a URL names a repository on this machine's file systems, by git's
// rules: a path, or file://.
func IsLocal(url string) bool {
	if strings.HasPrefix(url, "file://") {
		return true
	}
	colon, slash := strings.IndexByte(url, ':'), strings.IndexByte(url, '/')
	return colon < 0 || slash >= 0 && slash < colon
}
