package refs

import "testing"

func TestWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"https://alice:secret@hub.example/x.git":                "https://hub.example/x.git",
		"https://ghp_token@hub.example/x.git":                   "https://hub.example/x.git",
		"HTTPS://alice:secret@hub.example/x.git":                "HTTPS://hub.example/x.git",
		"https://alice:s@cret:1@hub.example:8080/x.git":         "https://hub.example:8080/x.git",
		"https://alice:@hub.example/x":                          "https://hub.example/x",
		"https://:secret@hub.example/x":                         "https://hub.example/x",
		"ssh://git@hub.example/x.git":                           "ssh://git@hub.example/x.git",
		"ssh://git:secret@hub.example/x.git":                    "ssh://git@hub.example/x.git",
		"crosslink::https://a:secret@hub.example/x":             "crosslink::https://hub.example/x",
		"git@hub.example:team/x.git":                            "git@hub.example:team/x.git",
		"https://hub.example/team/@scope/x":                     "https://hub.example/team/@scope/x",
		"https://hub.example?who=a@b":                           "https://hub.example?who=a@b",
		"/srv/hub@home.git":                                     "/srv/hub@home.git",
		"file:///srv/hub@home.git":                              "file:///srv/hub@home.git",
		"unable to access 'https://a:secret@h/': 403; mail a@b": "unable to access 'https://h/': 403; mail a@b",
		"https://a:secret@h/ and https://b:secret@h/":           "https://h/ and https://h/",
		"": "",
	} {
		if got := WithoutSecrets(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := WithoutSecrets(WithoutSecrets(in)); got != want {
			t.Errorf("%q: twice it is %q", in, got)
		}
	}
}
