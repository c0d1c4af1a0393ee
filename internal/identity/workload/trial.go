package workload

import (
	"context"
	"errors"
	"strings"

	"github.com/havenregistry/haven/internal/db"
)

// Trial is what a policy says to claims.
type Trial struct {
	Policy string // full name
	Fits   bool
	Reason string // why not, for who wrote the policy; "" when it fits
}

// Try tells which policies of a project, or of the system (0), would let a token with these claims in, and
// why the others wouldn't. Signatures are not part of the question.
func (s *Service) Try(ctx context.Context, projectID int64, claims map[string]any) ([]Trial, error) {
	found, err := db.Collect(ctx, s.db.Auto(), scanPolicy, ofPlace, projectID)
	if err != nil {
		return nil, err
	}
	trials := make([]Trial, len(found))
	for i, p := range found {
		trials[i] = Trial{Policy: p.FullName(), Fits: true}
		err := s.accepts(ctx, p, claims)
		if err == nil && !p.Enabled {
			err = errors.New("the policy is disabled")
		}
		if err != nil {
			trials[i].Fits, trials[i].Reason = false, plain(err)
		}
	}
	return trials, nil
}

// plain is the words of an error without those that sort it.
func plain(err error) string {
	text := err.Error()
	for _, kind := range []error{errToken, errNotFitting} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return text
}
