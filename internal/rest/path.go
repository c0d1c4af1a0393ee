package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// overrides are the headers by which some frameworks let a request change its method after it was
// authorised. Nothing here honours them, and a client that sends one is told.
var overrides = [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

// canonical gives each request one spelling of its path before anything decides by it (S3): repeated
// slashes are merged, and dots or encoded separators that could name another route are refused.
func canonical(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range overrides {
			if r.Header.Get(h) != "" {
				writeProblem(w, Problem{http.StatusBadRequest, "BAD_REQUEST", "header " + h + " is not supported", nil})
				return
			}
		}
		escaped, ok := canonicalPath(r.URL.EscapedPath())
		if !ok {
			writeProblem(w, Problem{http.StatusBadRequest, "BAD_REQUEST", "malformed path", nil})
			return
		}
		if values, err := url.ParseQuery(r.URL.RawQuery); err != nil || !allStorable(values) {
			writeProblem(w, Problem{http.StatusBadRequest, "BAD_REQUEST", "malformed query", nil})
			return
		}
		next.ServeHTTP(w, withPath(r, escaped))
	})
}

// storable reports whether both databases take a text: it is UTF-8, without U+0000.
func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

func allStorable(query url.Values) bool {
	for _, values := range query {
		if slices.ContainsFunc(values, func(v string) bool { return !storable(v) }) {
			return false
		}
	}
	return true
}

// canonicalPath merges slashes of an escaped path and removes those at its end. It refuses segments that
// are dots, NUL and what is no UTF-8, in any encoding.
func canonicalPath(escaped string) (string, bool) {
	var kept []string
	for _, segment := range strings.Split(escaped, "/") {
		if segment == "" {
			continue
		}
		plain := RepositoryName(segment)
		if !storable(plain) || plain == "." || plain == ".." ||
			strings.HasPrefix(plain, "../") || strings.HasSuffix(plain, "/..") || strings.Contains(plain, "/../") {
			return "", false
		}
		kept = append(kept, segment)
	}
	return "/" + strings.Join(kept, "/"), true
}

// withPath returns r with another escaped path. The original request is left alone.
func withPath(r *http.Request, escaped string) *http.Request {
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		plain = escaped
	}
	clone := *r
	u := *r.URL
	u.Path, u.RawPath = plain, escaped
	clone.URL = &u
	return &clone
}

// RepositoryName decodes a repository's name from a path. Clients encode it twice (a%252Fb), so that the
// slash survives proxies; the router has taken one layer off already. A name that arrives with a single
// layer (a%2Fb) or none comes out the same, as names hold no percent sign.
func RepositoryName(segment string) string {
	for range 2 {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return segment
		}
		segment = plain
	}
	return segment
}
