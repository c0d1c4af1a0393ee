package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/httpauth"
)

// Class says when and by what an operation is decided.
type Class int

// The classes of operations. An operation without one is refused.
const (
	undeclared Class = iota
	Open             // everybody; what the answer holds depends on the caller
	SignedIn         // whoever is known
	InSystem         // a permission of the system, decided before the handler runs
	InProject        // a permission in the project of the path, decided by Project when it is loaded
	OfObject         // decided by the handler when it has loaded the object: a user, a robot, a label
)

// Access is what an operation demands of its caller.
type Access struct {
	Class      Class
	Permission authz.Permission
}

// Declared reports whether a says enough to decide by.
func (a Access) Declared() bool {
	switch a.Class {
	case Open, SignedIn:
		return true
	case InSystem, InProject, OfObject:
		return a.Permission.Resource != "" && a.Permission.Action != ""
	}
	return false
}

var errUndecided = errors.New("an operation answered without asking for its permission")

// Handler is the generated packages' type of a handler.
type Handler interface {
	~func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error)
}

// Guard is the middleware around each generated handler. It makes the call, decides what can be decided
// before an object is loaded, and refuses the answer of a handler that decided nothing.
func Guard[H Handler](f *Frame, next H, operation string) H {
	demanded := f.Accesses[operation]
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		c := &Call{
			Operation: operation, Access: demanded, Principal: authz.PrincipalFrom(ctx), URL: *r.URL,
			Host: r.Host, Scheme: cmp.Or(f.ExternalScheme(r.Host), httpauth.Scheme(r)), Request: r, Response: w.Header(),
		}
		if err := f.admit(c); err != nil {
			return nil, err
		}
		answer, err := next(withCall(ctx, c), w, r, request)
		if err == nil && !c.Decided {
			return nil, fmt.Errorf("%s: %w", operation, errUndecided)
		}
		return answer, err
	}
}

func (f *Frame) admit(c *Call) error {
	switch c.Access.Class {
	case Open:
		c.Decided = true
	case SignedIn:
		c.Decided = true
		if !c.Principal.Authenticated() || c.Principal.Kind == authz.Bearer {
			return authz.ErrUnauthenticated
		}
	case InSystem:
		return f.System(c, c.Access.Permission)
	case InProject, OfObject:
	default:
		return fmt.Errorf("%s: %w", c.Operation, errUndecided)
	}
	return nil
}

// System asks for a permission of the system. Harbor answers with the caller's name here.
func (f *Frame) System(c *Call, perm authz.Permission) error {
	c.Decided = true
	err := f.Authorizer.System(c.Principal, perm)
	if errors.Is(err, authz.ErrForbidden) {
		return Saying(err, "%s", c.Principal.Name)
	}
	return err
}

// Project asks for a permission in a project that was loaded, or not found. Only an administrator, who may
// see everything, learns that a project isn't there; to others it is like one that they may not use (S19).
func (f *Frame) Project(ctx context.Context, object authz.ProjectObject, loading error, perm authz.Permission) error {
	c := CallFrom(ctx)
	c.Decided = true
	switch {
	case loading == nil:
		return f.Authorizer.Project(ctx, c.Principal, object, perm)
	case !errors.Is(loading, fault.NotFound) || c.Principal.MayEverywhere(perm):
		return loading
	case c.Principal.Authenticated():
		return authz.ErrForbidden
	default:
		return authz.ErrUnauthenticated
	}
}
