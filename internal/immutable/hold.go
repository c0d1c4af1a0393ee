package immutable

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// HoldError refuses a change of a rule whose hold hasn't ended.
type HoldError struct {
	Until time.Time
	What  string
}

// Error says until when.
func (e *HoldError) Error() string {
	return "a legal hold until " + e.Until.UTC().Format(time.RFC3339) + ": " + e.What
}

// releaseWithin is how long the word of the first administrator counts.
const releaseWithin = 7 * 24 * time.Hour

// Release is a system administrator's word that a hold should end before its time. The second one's, of another
// account and within a week, ends it; the rule then is what else it forbids. It reports whether the hold has ended.
func (s *Service) Release(ctx context.Context, by authz.Principal, project string, projectID, id int64, reason string) (ended bool, err error) {
	switch {
	case by.Kind != authz.User || !by.Admin:
		return false, fault.Forbiddenf("a hold is ended by system administrators in person")
	case reason == "" || len(reason) > maxReason:
		return false, fault.Invalidf("say why, in 1 to %d bytes", maxReason)
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		r, err := load(ctx, tx, projectID, id)
		if err != nil {
			return err
		}
		now := s.clock()
		if !r.Holds(now) {
			return fault.Invalidf("rule %d holds nothing", id)
		}
		first := r.Release.At.IsZero() || now.Sub(r.Release.At) > releaseWithin
		switch {
		case !first && r.Release.account == by.ID:
			return fault.Conflictf("another system administrator has to agree, until %s", r.Release.At.Add(releaseWithin).UTC().Format(time.RFC3339))
		case first:
			ended = false
			_, err = tx.Exec(ctx, askRelease, id, by.Name, by.ID, reason, db.Micros(now))
		default:
			ended = true
			_, err = tx.Exec(ctx, endHold, id, db.Micros(now))
		}
		if err != nil {
			return err
		}
		if err := changed(ctx, tx, projectID); err != nil {
			return err
		}
		what := "ask for the end of the hold of rule %d: %s; %s"
		if ended {
			what = "end the hold of rule %d: %s; %s"
		}
		return event.Append(ctx, tx, event.Event{Kind: event.ReleaseHold, At: now, By: by.Name, Success: true, ProjectID: projectID, Project: project,
			Resource: project, Description: fmt.Sprintf(what, id, r.describe(), reason)})
	})
	if err != nil {
		return false, fmt.Errorf("release the hold of immutable rule %d: %w", id, err)
	}
	return ended, nil
}
