package remote

import (
	"net/http"
	"testing"
)

func TestChallenges(t *testing.T) {
	for line, want := range map[string]string{
		`Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"`: "bearer https://a/t s repository:x:pull,push",
		`bearer realm=https://a/t , service = s`:                                "bearer https://a/t s ",
		`Basic realm="x y"`:                                                     "basic x y  ",
		`Basic`:                                                                 "basic   ",
		`Basic realm="x", Bearer realm="https://a/t"`:                           "bearer https://a/t  ",
		`Negotiate, Basic realm="x"`:                                            "basic x  ",
		`Bearer realm="a\"b"`:                                                   `bearer a"b  `,
		`Bearer service="s"`:                                                    "",
		`Negotiate abc==`:                                                       "",
		``:                                                                      "",
		`="`:                                                                    "",
		`Bearer realm="`:                                                        "",
	} {
		got := ""
		if c, ok := challengeOf(http.Header{"Www-Authenticate": {line}}); ok {
			got = c.scheme + " " + c.params["realm"] + " " + c.params["service"] + " " + c.params["scope"]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Bearer realm="https://a/t",service="s"`)
	f.Add(`a=b c d="`)
	f.Fuzz(func(_ *testing.T, line string) { parseChallenges(line) })
}
