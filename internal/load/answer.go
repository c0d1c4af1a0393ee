package load

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter tells a client when to come again: in whole seconds, at least one.
func RetryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.FormatInt(seconds(wait), 10))
}

// seconds is a value of Retry-After.
func seconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

// refuse answers in the form of what was asked: the specification's at /v2/, Harbor's at /api/, words elsewhere. The codes differ: TOOMANYREQUESTS is
// OCI's, TOO_MANY_REQUEST Harbor's.
func refuse(w http.ResponseWriter, r *http.Request, status int, wait time.Duration, words string) {
	RetryAfter(w, wait)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	code := "UNAVAILABLE"
	path := r.URL.Path
	registry := strings.HasPrefix(path, "/v2") || path == "/service/token"
	switch {
	case registry && status == http.StatusTooManyRequests:
		code = "TOOMANYREQUESTS"
	case status == http.StatusTooManyRequests:
		code = "TOO_MANY_REQUEST"
	}
	if registry {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	} else if !strings.HasPrefix(path, "/api/") {
		http.Error(w, words, status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "{\"errors\":[{\"code\":%q,\"message\":%q}]}\n", code, words)
	}
}
