package trust

import (
	"context"
	"time"
)

// beforeTagAge is how long an answer of BeforeTag holds where other processes change policies too.
const beforeTagAge = time.Second

// BeforeTag reports whether a project gives tags only to what fulfils its trust policy. It is asked at each push with a tag; the
// answer may be a second old.
func (s *Service) BeforeTag(ctx context.Context, projectID int64) (bool, error) {
	if demanded, ok := s.beforeTag.GetIfPresent(projectID); ok {
		return demanded, nil
	}
	r, policed, err := s.rules(ctx, projectID)
	if err != nil {
		return false, err
	}
	demanded := policed && r.policy.SignedBeforeTag
	if _, exact := s.policies.Version(); !exact {
		s.beforeTag.Set(projectID, demanded)
	}
	return demanded, nil
}
