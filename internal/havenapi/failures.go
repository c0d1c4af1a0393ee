package havenapi

import (
	"errors"
	"net/http"

	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/rest"
)

// held matches a refusal to change a rule that holds.
func held(err error) (string, bool) {
	e, ok := errors.AsType[*immutable.HoldError](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// failures is the table from errors of the domain to answers, after the rows that package rest has for all.
func failures() []rest.Failure {
	return []rest.Failure{{Match: held, Status: http.StatusPreconditionFailed, Code: "PRECONDITION"}}
}
