package vulndb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// Ending is how an import or a refresh ended.
type Ending string

// The endings.
const (
	EndedNew    Ending = "new"  // another edition is in force
	EndedSame   Ending = "same" // the one in force is the newest
	EndedFailed Ending = "failed"
)

// Endings are all of them.
func Endings() []Ending { return []Ending{EndedNew, EndedSame, EndedFailed} }

// Ended is how many imports and refreshes of this process ended how.
func (s *Service) Ended() map[Ending]int64 { return s.endings.All() }

// note is what the audit log has of an import or refresh before it ends.
type note struct{ what, by, source string }

// noteTime bounds the writing of a note about what ended otherwise.
const noteTime = 10 * time.Second

// ended counts how an import or refresh ended, and notes it; what brought an edition into force was noted then. It returns
// the error.
func (s *Service) ended(ctx context.Context, n note, e Edition, changed bool, failure error) error {
	switch {
	case changed:
		s.endings.Add(EndedNew, 1)
		return failure
	case failure != nil:
		s.endings.Add(EndedFailed, 1)
	default:
		s.endings.Add(EndedSame, 1)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	err := s.db.Write(ctx, func(tx db.Tx) error {
		if failure == nil {
			return s.tell(ctx, tx, n, e, "in force already", true)
		}
		reason := "the log tells why"
		if errors.Is(failure, fault.Invalid) || errors.Is(failure, fault.Conflict) {
			reason = failure.Error()
		}
		return s.tell(ctx, tx, n, e, reason, false)
	})
	if err != nil {
		s.log.WarnContext(ctx, "the audit log doesn't have how an import of the vulnerability database ended", "error", err)
	}
	return failure
}

// maxReason bounds why something failed, in bytes.
const maxReason = 500

// tell notes how it went.
func (s *Service) tell(ctx context.Context, tx db.Tx, n note, e Edition, how string, well bool) error {
	if s.happened == nil {
		return nil
	}
	resource := "vulnerability database"
	description := fmt.Sprintf("%s of the vulnerability database from %s failed: %s", n.what, n.source, strings.ToValidUTF8(how[:min(len(how), maxReason)], ""))
	if well {
		resource = "vulnerability database of " + e.UpdatedAt.UTC().Format(time.RFC3339)
		description = fmt.Sprintf("%s of the vulnerability database from %s: the edition of %s (%s) is %s", n.what, n.source, e.UpdatedAt.UTC().Format(time.RFC3339), e.Digest, how)
	}
	return s.happened(ctx, tx, event.Event{Kind: event.UpdateVulnDB, At: s.clock(), By: n.by, Resource: resource, Description: description, Success: well})
}
