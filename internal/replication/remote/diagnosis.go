package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
)

// pingTime bounds how long a registry has to say that it is there.
const pingTime = 20 * time.Second

// Ping asks a registry whether it is there and lets one in.
func Ping(ctx context.Context, r Registry) error {
	p, ok := r.(Pinger)
	if !ok {
		return ErrUnsupported
	}
	ctx, end := context.WithTimeout(ctx, pingTime)
	defer end()
	return p.Ping(ctx)
}

// Diagnosis says in words for people what is wrong with a registry, and what to do about it where that is known.
func Diagnosis(err error) string {
	if away, ok := errors.AsType[*UnreachableError](err); ok {
		if errors.Is(err, outbound.ErrAddress) {
			return away.Words + "; if the registry leads there rightly, list the network in registry_networks"
		}
		return away.Words
	}
	if answer, ok := errors.AsType[*AnswerError](err); ok && answer.Status == http.StatusForbidden {
		return "it knows the access key, but doesn't let it in (" + answer.Error() + ")"
	}
	return err.Error()
}

// Ping implements Pinger.
func (c *client) Ping(ctx context.Context) error {
	answer, err := c.send(ctx, request{method: http.MethodGet, url: c.below(""), still: true})
	if err != nil {
		return err
	}
	switch status := answer.StatusCode; {
	case status == http.StatusOK:
		drain(answer)
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		drain(answer)
		return fmt.Errorf("%w: it has no /v2/ (%d)", ErrNoRegistry, status)
	case status == http.StatusBadRequest && c.base.Scheme == "http":
		drain(answer)
		return fmt.Errorf("%w: it answers 400, perhaps because it wants https", ErrNoRegistry)
	default:
		return c.refusal(answer)
	}
	// Each registry since 2015 says so; a few servers that stand before one take the header away, but it answers with JSON.
	if answer.Header.Get("Docker-Distribution-Api-Version") == "" && !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		return fmt.Errorf("%w: what it says at /v2/ is no registry's answer", ErrNoRegistry)
	}
	return nil
}
