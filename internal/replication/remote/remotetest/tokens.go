package remotetest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Tokens guard a registry with a token service, which is at /token of the registry itself unless Realm says otherwise.
type Tokens struct {
	// User and Password are who may have tokens; with "" everybody may.
	User, Password string
	// Refresh, if set, is a token that others are given for, by a form.
	Refresh string
	// Realm is where the challenge leads; "" for the registry's own.
	Realm string
	// Life is what the answer says in seconds.
	Life int
	// Extra is a scope that challenges ask for besides.
	Extra string

	mu     sync.Mutex
	given  map[string]string // scopes by token
	Scopes []string          // of each token that was given
}

// Revoke ends all tokens.
func (k *Tokens) Revoke() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.given)
}

// Given is how many tokens were given.
func (k *Tokens) Given() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.Scopes)
}

// Guard is for Registry.Before.
func (k *Tokens) Guard(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/token" {
		k.Serve(w, r)
		return true
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	k.mu.Lock()
	scopes, ok := k.given[token]
	k.mu.Unlock()
	if ok && (k.Extra == "" || strings.Contains(scopes, k.Extra)) {
		return false
	}
	realm := k.Realm
	if realm == "" {
		realm = "http://" + r.Host
	}
	challenge := fmt.Sprintf(`Bearer realm="%s/token",service="registry.test"`, realm)
	if k.Extra != "" {
		challenge += fmt.Sprintf(`,scope=%q`, k.Extra)
	}
	w.Header().Set("WWW-Authenticate", challenge)
	Fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "who are you")
	return true
}

// Serve is the token service.
func (k *Tokens) Serve(w http.ResponseWriter, r *http.Request) {
	var scopes []string
	if r.Method == http.MethodPost {
		if r.PostFormValue("grant_type") != "refresh_token" || k.Refresh == "" || r.PostFormValue("refresh_token") != k.Refresh {
			Fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "no")
			return
		}
		scopes = strings.Fields(r.PostFormValue("scope"))
	} else {
		user, password, _ := r.BasicAuth()
		if k.Refresh != "" || k.User != "" && (user != k.User || password != k.Password) || r.URL.Query().Get("service") != "registry.test" {
			Fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "not with "+password)
			return
		}
		scopes = r.URL.Query()["scope"]
	}
	token := rand.Text()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.given == nil {
		k.given = map[string]string{}
	}
	k.given[token] = strings.Join(scopes, " ")
	k.Scopes = append(k.Scopes, k.given[token])
	answer := map[string]any{"token": token}
	if k.Life > 0 {
		answer["expires_in"] = k.Life
	}
	Answer(w, http.StatusOK, answer)
}
