package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/outbound"
)

// send makes one request. What goes wrong on the way is in the attempt; the error is ours alone.
func (s *Service) send(ctx context.Context, p Policy, t Target, v told) (attempt, error) {
	body, contentType, err := v.body(p, t)
	if err != nil {
		return attempt{}, err
	}
	a := attempt{at: s.Clock()}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Address, bytes.NewReader(body))
	if err != nil {
		a.verdict, a.complaint = refused, "the address can't be asked"
		return a, nil
	}
	r.Header.Set("Content-Type", contentType)
	if t.AuthHeader != "" {
		r.Header.Set("Authorization", t.AuthHeader.Reveal())
	}
	if err := sign(r.Header, t.Signing, v.UUID, a.at, body); err != nil {
		return a, err
	}
	client := s.public
	if p.ProjectID == Whole {
		client = s.private
	}
	answer, err := client.Checking(!t.SkipVerify).Do(r)
	if err != nil {
		a.took = s.Clock().Sub(a.at)
		a.verdict, a.complaint = unreachable, outbound.Reason(err)
		if errors.Is(err, outbound.ErrAddress) && p.ProjectID != Whole {
			a.complaint += ": webhooks of projects reach the networks that --webhook-networks lists, and public ones"
		}
		if outbound.TimedOut(err) { // the delivery may be the reason
			a.verdict = failed
		}
		return a, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // what it says besides its status matters to people only
	a.took = s.Clock().Sub(a.at)
	a.status, a.body, a.verdict = answer.StatusCode, printable(text), verdictOf(answer.StatusCode)
	if a.verdict != delivered {
		a.complaint = fmt.Sprintf("the answer is %d %s", a.status, http.StatusText(a.status))
		a.retryAfter = retryAfter(answer.Header.Get("Retry-After"), s.Clock())
	}
	return a, nil
}

// retryAfter reads what an answer asks for, 0 for nothing.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// printable is the text of an answer, without what terminals and pages could take for something else (S21).
func printable(text []byte) string {
	valid := strings.ToValidUTF8(string(text), "?")
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, valid)
}

// requestHead is what people see of a request's head, without secrets.
func requestHead(p Policy, t Target, v told, at time.Time) (head string, body []byte, err error) {
	body, contentType, err := v.body(p, t)
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(t.Address)
	if err != nil {
		return "", nil, err
	}
	lines := []string{"POST " + u.RequestURI(), "Host: " + u.Host, "Content-Type: " + contentType}
	if t.AuthHeader != "" {
		lines = append(lines, "Authorization: "+Hidden)
	}
	lines = append(lines, "Webhook-Id: "+v.UUID, "Webhook-Timestamp: "+strconv.FormatInt(at.Unix(), 10))
	if t.Signed {
		lines = append(lines, "Webhook-Signature: "+Hidden)
	}
	return strings.Join(lines, "\n"), body, nil
}
