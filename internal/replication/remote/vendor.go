package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// vendor is a registry that is distribution, with an API of its vendor's beside it, if the endpoint has a key for that. Without,
// its names must be known.
type vendor struct {
	*client
	repositories func(ctx context.Context, prefix string, yield func(string) error) error
	prepare      func(ctx context.Context, namespace, name string, public bool) error
	deleteTag    func(ctx context.Context, namespace, name, tag string) error
}

// Repositories implements Registry.
func (v *vendor) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	if v.repositories == nil {
		return fmt.Errorf("%w: list repositories without an access key of the vendor's API: name them exactly", ErrUnsupported)
	}
	return v.repositories(ctx, prefix, func(name string) error {
		if !v.wanted(name, prefix) {
			return nil
		}
		return yield(name)
	})
}

// Prepare implements Registry.
func (v *vendor) Prepare(ctx context.Context, repository string, public bool) error {
	of, name, ok := strings.Cut(repository, "/")
	if !ok {
		return fmt.Errorf("%w: a name has a namespace and a repository here, and %s hasn't", ErrUnsupported, repository)
	}
	if v.prepare == nil {
		return nil
	}
	return v.prepare(ctx, of, name, public)
}

// DeleteTag implements Registry.
func (v *vendor) DeleteTag(ctx context.Context, repository, tag string) error {
	of, name, ok := strings.Cut(repository, "/")
	if v.deleteTag == nil || !ok {
		return v.client.DeleteTag(ctx, repository, tag)
	}
	return v.deleteTag(ctx, of, name, tag)
}

// within says whether a host is one of a vendor's domains, or below one. The identity of the workload is the operator's, and not of
// whoever may enter addresses: it is shown to the vendor alone (S5).
func within(host string, domains ...string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}

// keysOf are an endpoint's access key and secret.
func keysOf(e Endpoint) keys {
	return keys{id: e.Credential.AccessKey, secret: e.Credential.Secret}
}

// passwords makes the logins that a vendor's API gives for a while.
func passwords(d Deps, ask func(ctx context.Context) (user, password string, ends time.Time, err error)) logins {
	return newFleeting(d.Clock, func(ctx context.Context) (login, time.Time, error) {
		user, password, ends, err := ask(ctx)
		if err == nil && (user == "" || password == "") {
			err = fmt.Errorf("%w: the API gives no password", ErrNoRegistry)
		}
		return login{user: user, password: secret.Text(password)}, ends, err
	}).get
}

// thereAlready lets by the refusal to make what is there already, which has one of the codes, and that to make anything at all: pushing
// tells whether it is there.
func thereAlready(err error, codes ...string) error {
	answer, ok := errors.AsType[*AnswerError](err)
	if ok && slices.ContainsFunc(codes, func(code string) bool { return strings.HasPrefix(answer.Code, code) }) {
		return nil
	}
	if errors.Is(err, ErrDenied) && !errors.Is(err, ErrCredential) {
		return nil
	}
	return err
}

// vendorRefusal is a failure that an API tells with a code of its own, whatever its status.
func vendorRefusal(code, words string) error {
	e := &AnswerError{Status: http.StatusOK, Code: tidy(code, 128), Words: tidy(words, maxWords)}
	switch {
	case strings.HasPrefix(code, "AuthFailure"):
		e.means = ErrCredential
	case strings.HasPrefix(code, "UnauthorizedOperation"):
		e.means = ErrDenied
	case strings.HasPrefix(code, "ResourceNotFound"):
		e.means = ErrNotFound
	case strings.HasPrefix(code, "RequestLimitExceeded"):
		return &LimitError{}
	case strings.HasPrefix(code, "InternalError"):
		return &UnreachableError{Words: "the vendor's API answers " + e.Code, Err: e}
	}
	return e
}
