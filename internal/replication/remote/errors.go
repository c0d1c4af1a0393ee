package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/havenregistry/haven/internal/outbound"
)

const (
	// maxRefusal bounds what is read of an answer that refuses, in bytes, and maxWords what is repeated of it.
	maxRefusal = 64 << 10
	maxWords   = 300
)

// AnswerError is an answer other than the ones that were hoped for. It unwraps to what it means, where that is known.
type AnswerError struct {
	Status int
	Code   string // the registry's own, as "NAME_UNKNOWN"; "" where it says none
	Words  string // of the registry, cut short and without control characters
	means  error
}

// Error implements error.
func (e *AnswerError) Error() string {
	said := fmt.Sprintf("it answers %d", e.Status)
	if e.Code != "" {
		said += " " + e.Code
	}
	if e.Words != "" {
		said += ": " + e.Words
	}
	if e.means != nil {
		return e.means.Error() + " (" + said + ")"
	}
	return said
}

// Unwrap returns what the answer means.
func (e *AnswerError) Unwrap() error { return e.means }

// ErrCredential: the registry, or its token service, doesn't know the credential. It is ErrDenied.
var ErrCredential = fmt.Errorf("%w: the access key or secret is wrong", ErrDenied)

// ErrNoRegistry: what answers speaks no protocol of registries.
var ErrNoRegistry = errors.New("what answers there is no registry")

// RealmError is a registry that wants its credentials sent to another origin, which nobody has said is right.
type RealmError struct {
	Origin string // as outbound.Origin has it
}

// Error implements error.
func (e *RealmError) Error() string {
	return "the registry has its credentials sent to " + e.Origin + ", which it didn't when its endpoint was saved: save the endpoint again if that is right"
}

// refusal is the error of an answer, whose body it reads and closes.
func (c *client) refusal(answer *http.Response) error {
	return c.meaning(answer, outbound.Origin(answer.Request.URL) != outbound.Origin(c.base))
}

// meaning is refusal. stored says that the answer is of storage, which the registry led to.
func (c *client) meaning(answer *http.Response, stored bool) error {
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxRefusal)) // what can't be read of it is missing in the words only
	e := &AnswerError{Status: answer.StatusCode}
	code, words := said(text)
	e.Code, e.Words = tidy(c.hide(code, answer.Request), 128), tidy(c.hide(words, answer.Request), maxWords)
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests:
		return &LimitError{RetryAfter: retryAfter(answer.Header, c.clock())}
	case status >= 500 && status != http.StatusNotImplemented, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		stored && (status == http.StatusUnauthorized || status == http.StatusForbidden): // the storage has lost what the registry signed
		return &UnreachableError{Words: fmt.Sprintf("%s answers %d", answer.Request.URL.Hostname(), status), Err: e}
	case status == http.StatusUnauthorized && strings.HasPrefix(answer.Request.Header.Get("Authorization"), "Basic "):
		e.means = ErrCredential
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.means = ErrDenied
	case status >= 300 && status < 400:
		if to, err := answer.Location(); err == nil {
			e.Words = "it leads on to " + tidy(origin(to), maxWords) + ": give the address of the registry itself"
		}
	case status == http.StatusNotFound:
		e.means = ErrNotFound
	case status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented, e.Code == "UNSUPPORTED":
		e.means = ErrUnsupported
	}
	return e
}

// hide takes out of a stranger's words what he may know by the request. It comes before they are cut short, which could leave a part.
func (c *client) hide(words string, r *http.Request) string {
	if _, credential, _ := strings.Cut(r.Header.Get("Authorization"), " "); credential != "" {
		words = strings.ReplaceAll(words, credential, redacted)
	}
	return c.auth.hide(words)
}

// said are code and words of a refusal, as OCI distribution has them or as the APIs of most vendors do.
func said(text []byte) (code, words string) {
	var known struct {
		Errors []struct {
			Code    any    `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
		Type    string `json:"__type"` // Amazon's
		Message string `json:"message"`
		Detail  string `json:"detail"`
		Code    any    `json:"code"` // Alibaba's
		Meta    struct {
			Error struct{ Code, Message string }
		} `json:"ResponseMetadata"` // Volcengine's
	}
	if json.Unmarshal(text, &known) != nil {
		return "", ""
	}
	if len(known.Errors) > 0 {
		code, _ = known.Errors[0].Code.(string)
		return code, known.Errors[0].Message
	}
	if known.Message == "" {
		known.Message = known.Detail
	}
	for _, each := range []string{known.Type, known.Meta.Error.Code, wordOf(known.Code)} {
		if code == "" {
			code = each
		}
	}
	if known.Message == "" {
		known.Message = known.Meta.Error.Message
	}
	return code, known.Message
}

// wordOf is a value of JSON that is text; "" of others.
func wordOf(v any) string {
	s, _ := v.(string)
	return s
}

// tidy makes a stranger's words fit for a line of a log.
func tidy(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.TrimSpace(s)
}

// retryAfter reads the header of this name: seconds, or a time.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), most)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), most)
	}
	return 0
}

// broken is the error of a request that got no answer, or of one that ended early. Who gave up is told that alone.
func broken(ctx context.Context, host string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return &UnreachableError{Words: host + ": " + outbound.Reason(err), Err: err}
}
