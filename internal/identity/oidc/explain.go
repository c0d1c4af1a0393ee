package oidc

import (
	"encoding/json"
	"errors"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
)

// explain says to an administrator at which step a provider's description could not be had. What else the other
// side answers isn't shown.
func explain(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Message
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, form := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case errors.Is(err, errStatus), errors.Is(err, errUnauthorized), errors.Is(err, errMetadata):
		return err.Error()
	case syntax, form:
		return "what lies at /.well-known/openid-configuration is not a provider's description"
	}
	return outbound.Reason(err)
}
