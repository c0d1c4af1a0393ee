package oidc

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/identity"
)

func TestPerson(t *testing.T) {
	many := make([]any, maxGroups+1)
	for i := range many {
		many[i] = "g" + strings.Repeat("x", i%200) + string(rune('a'+i/200))
	}
	for name, c := range map[string]struct {
		config      config
		token, info claims
		want        identity.Person
		refused     bool
	}{
		"names": {
			token: claims{"name": "Ann Lee", "email": "ann@example.org"},
			want:  identity.Person{Username: "Ann Lee", Realname: "Ann Lee", Email: "ann@example.org"},
		},
		"name of userinfo wins": {
			token: claims{"name": "token"}, info: claims{"name": "info"},
			want: identity.Person{Username: "info", Realname: "token"},
		},
		"claim of the settings": {
			config: config{userClaim: "upn"}, token: claims{"name": "Ann", "upn": " ann "},
			want: identity.Person{Username: "ann", Realname: "Ann"},
		},
		"claim in userinfo": {
			config: config{userClaim: "upn"}, token: claims{"name": "Ann"}, info: claims{"upn": "ann"},
			want: identity.Person{Username: "ann", Realname: "Ann"},
		},
		"claim that isn't there": {config: config{userClaim: "upn"}, token: claims{"name": "Ann"}, refused: true},
		"no name":                {token: claims{"sub": "1"}, refused: true},
		"name that is no text":   {token: claims{"name": 7}, refused: true},
		"unverified e-mail": {
			token: claims{"name": "a", "email": "boss@example.org", "email_verified": false},
			want:  identity.Person{Username: "a", Realname: "a"},
		},
		"groups": {
			config: config{groupsClaim: "groups"}, token: claims{"name": "a", "groups": []any{"dev", " ops ", "dev", 7, ""}},
			want: identity.Person{Username: "a", Realname: "a", Groups: groupsNamed("dev", "ops")},
		},
		"one group as text": {
			config: config{groupsClaim: "groups"}, token: claims{"name": "a", "groups": "dev"},
			want: identity.Person{Username: "a", Realname: "a", Groups: groupsNamed("dev")},
		},
		"groups of userinfo win": {
			config: config{groupsClaim: "groups"},
			token:  claims{"name": "a", "groups": []any{"old"}}, info: claims{"groups": []any{}},
			want: identity.Person{Username: "a", Realname: "a"},
		},
		"groups of another claim": {
			config: config{groupsClaim: "roles"}, token: claims{"name": "a", "groups": []any{"dev"}},
			want: identity.Person{Username: "a", Realname: "a"},
		},
		"filter, which the administrators' group passes by": {
			config: config{groupsClaim: "g", groupFilter: regexp.MustCompile("^team-"), adminGroup: "boss"},
			token:  claims{"name": "a", "g": []any{"team-a", "boss", "other"}},
			want:   identity.Person{Username: "a", Realname: "a", Groups: groupsNamed("team-a"), Admin: true},
		},
		"no administrator by an empty name": {
			config: config{groupsClaim: "g"}, token: claims{"name": "a", "g": []any{""}},
			want: identity.Person{Username: "a", Realname: "a"},
		},
		"too many groups": {config: config{groupsClaim: "g"}, token: claims{"name": "a", "g": many}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.config.person("https://id", "7", c.token, c.info)
			if c.refused {
				if !errors.Is(err, ErrProfile) {
					t.Fatalf("got %+v, %v", got, err)
				}
				return
			}
			c.want.Subject = "https://id 7"
			if err != nil || got.Subject != c.want.Subject || got.Username != c.want.Username || got.Email != c.want.Email ||
				got.Realname != c.want.Realname || got.Admin != c.want.Admin || !slices.Equal(got.Groups, c.want.Groups) {
				t.Fatalf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func groupsNamed(names ...string) (all []identity.Group) {
	for _, n := range names {
		all = append(all, identity.Group{Name: n, Key: n})
	}
	return all
}

func TestCleanNext(t *testing.T) {
	for next, want := range map[string]string{
		"": "/", "/": "/", "/p/team?page=2": "/p/team?page=2", "/p/a%2Fb": "/p/a%2Fb", "/x#y": "/x#y",
		"https://evil.example/": "", "//evil.example": "", "/\\evil.example": "", "\\\\evil.example": "", "evil.example": "",
		"/\t/evil.example": "", "/\n/evil": "", "javascript:alert(1)": "", "/%5C/../x": "", "/a b": "", "///evil.example": "",
		"/.//evil.example": "/.//evil.example", "/" + strings.Repeat("a", maxNext): "", "/%2f/evil.example": "",
	} {
		got, err := CleanNext(next)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrNext) {
			t.Errorf("%q: got %q, %v, want %q", next, got, err, want)
		}
	}
}

func TestScopes(t *testing.T) {
	for list, want := range map[string]string{
		"": "openid", "openid,email": "openid email", "email openid  offline_access": "openid email offline_access", "a,a": "openid a",
	} {
		if got := strings.Join(scopes(list), " "); got != want {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func TestExtraParametersKeepOurs(t *testing.T) {
	got, err := extraParameters(`{"prompt":"login","state":"mine","redirect_uri":"https://evil.example","max_age":60}`)
	if err != nil || got.Encode() != "max_age=60&prompt=login" {
		t.Fatalf("got %s, %v", got.Encode(), err)
	}
	if _, err := extraParameters("["); err == nil {
		t.Fatal("a list passed")
	}
}
