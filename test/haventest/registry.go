//go:build acceptance

package haventest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var challengeField = regexp.MustCompile(`(\w+)="([^"]*)"`)

// Token gets a bearer token for the scope as clients do: from the realm that the
// challenge of /v2/ names.
func (d Door) Token(t testing.TB, user, password, scope string) string {
	t.Helper()
	challenge := d.Call(t, "", "", http.MethodGet, "/v2/", nil).Header.Get("WWW-Authenticate")
	fields := map[string]string{}
	for _, m := range challengeField.FindAllStringSubmatch(challenge, -1) {
		fields[m[1]] = m[2]
	}
	path, ours := strings.CutPrefix(fields["realm"], d.URL)
	if !ours {
		t.Fatalf("the challenge's realm is elsewhere: %q", challenge)
	}
	query := url.Values{"service": {fields["service"]}, "scope": {scope}}
	a := d.Call(t, user, password, http.MethodGet, path+"?"+query.Encode(), nil)
	var answer struct{ Token string }
	if err := json.Unmarshal(a.Body, &answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: status %d: %s", a.Status, a.Body)
	}
	return answer.Token
}
