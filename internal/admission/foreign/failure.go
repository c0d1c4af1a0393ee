package foreign

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/havenregistry/haven/internal/outbound"
)

// Kind says why a registry could not be asked: of a fixed set.
type Kind string

// The kinds of failures.
const (
	Timeout    Kind = "timeout"
	Connection Kind = "connection"
	Status     Kind = "status"
	Answer     Kind = "answer"
	Setting    Kind = "settings"
)

// Failure is why there is no verdict, in words for people.
type Failure struct {
	Kind  Kind
	Words string
}

// Error implements error.
func (f *Failure) Error() string { return f.Words }

// unreadable is something that is there, and can't be used. Whoever may push can have it so: it is never a Failure.
type unreadable struct{ words string }

func (u *unreadable) Error() string { return u.words }

// unanswered is an error of a request that got no answer, because of the connection, or because there is no token for it.
type unanswered struct{ error }

func (u *unanswered) Unwrap() error { return u.error }

// asking tells errors of requests from those of what was answered.
type asking struct{ client *auth.Client }

// Do implements remote.Client.
func (a asking) Do(r *http.Request) (*http.Response, error) {
	answer, err := a.client.Do(r)
	if err != nil {
		return nil, &unanswered{err}
	}
	return answer, nil
}

// errAbsent: the registry says that it isn't there.
var errAbsent = errors.New("it isn't there")

// told sorts an error of asking: it returns a *Failure, an *unreadable, or errAbsent. What a registry that works might have been
// given by whoever may push is unreadable.
func (r *Registry) told(ctx context.Context, err error) error {
	host := r.settings.Host
	if failed, ok := errors.AsType[*Failure](err); ok {
		return failed
	}
	answer, hasStatus := errors.AsType[*errcode.ErrorResponse](err)
	_, silent := errors.AsType[*unanswered](err)
	_, byURL := errors.AsType[*url.Error](err)
	_, broken := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, outbound.ErrTooLarge):
		return &unreadable{fmt.Sprintf("it is larger than %d bytes", maxDocument)}
	case ctx.Err() != nil, errors.Is(err, outbound.ErrSilent):
		return &Failure{Timeout, host + " doesn't answer in time"}
	case errors.Is(err, errdef.ErrNotFound), !silent && hasStatus && answer.StatusCode == http.StatusNotFound:
		return errAbsent
	case hasStatus:
		return &Failure{Status, host + " " + statusWords(answer.StatusCode)}
	case byURL, broken:
		return &Failure{Connection, host + " doesn't answer: " + outbound.Reason(err)}
	case silent:
		return &Failure{Answer, host + " gives no token that can be used"}
	}
	return &unreadable{"it can't be read, or isn't what its digest and size say"}
}

func statusWords(code int) string {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("doesn't let images be read (%d): credentials_file must have a name and password that may", code)
	case http.StatusTooManyRequests:
		return "is asked too often (429)"
	}
	return fmt.Sprintf("answers %d", code)
}
