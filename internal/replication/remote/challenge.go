package remote

import (
	"net/http"
	"strings"
)

// challenge is how a registry wants to be told who asks (RFC 9110, 11.6.1).
type challenge struct {
	scheme string // basic or bearer
	params map[string]string
}

// challengeOf is the one of an answer that can be met, the best first; false where none can.
func challengeOf(h http.Header) (challenge, bool) {
	var basic *challenge
	for _, line := range h.Values("WWW-Authenticate") {
		for _, each := range parseChallenges(line) {
			switch {
			case each.scheme == "bearer" && each.params["realm"] != "":
				return each, true
			case each.scheme == "basic" && basic == nil:
				basic = &each
			}
		}
	}
	if basic == nil {
		return challenge{}, false
	}
	return *basic, true
}

// parseChallenges reads a header's line: schemes with parameters, all separated by commas.
func parseChallenges(line string) (found []challenge) {
	rest := line
	for {
		rest = strings.TrimLeft(rest, " \t,")
		var word string
		if word, rest = cutToken(rest); word == "" {
			return found
		}
		if after, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "="); ok && len(found) > 0 {
			var value string
			value, rest = cutValue(strings.TrimLeft(after, " \t"))
			found[len(found)-1].params[strings.ToLower(word)] = value
			continue
		}
		found = append(found, challenge{scheme: strings.ToLower(word), params: map[string]string{}})
	}
}

// cutToken takes a token off the front.
func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~/", s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

// cutValue takes a token or a quoted string off the front.
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
