package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

const (
	// warnAt is the part of a limit, in percent, at which those who asked for it are warned: Harbor's.
	warnAt = 85
	// tellEvery is how often it is told that a project's limit refused something: clients try again and again.
	tellEvery = time.Minute
	// maxTold bounds the projects of which it is remembered.
	maxTold = 10_000
)

// passes reports whether bytes bring a project from below the part of its limit at which to warn to it or above.
func (v room) passes(bytes int64) bool {
	if v.limit <= 0 {
		return false
	}
	bar := v.limit/100*warnAt + v.limit%100*warnAt/100
	return v.used < bar && v.used+bytes >= bar
}

const projectName = `SELECT name FROM project WHERE id = $1`

// warn writes that little of a project's limit is left. Whoever adds the bytes that pass the bar writes it, so it is told once.
func (s *Service) warn(ctx context.Context, tx db.Tx, projectID, used, limit int64) error {
	name, err := db.Get(ctx, tx, db.ScanString, projectName, projectID)
	if err != nil {
		return fmt.Errorf("warn of the quota of project %d: %w", projectID, err)
	}
	e, err := event.Event{Kind: event.WarnQuota, At: s.clock(), ProjectID: projectID, Project: name, Resource: name, Success: true}.With(event.QuotaDetail{
		Limit: limit, Used: used, Reason: fmt.Sprintf("quota usage reach %d%%: %s of %s of storage resource are used", warnAt, binarySize(used), binarySize(limit)),
	})
	if err != nil {
		return err
	}
	tx.AfterCommit(s.wake)
	return event.Append(ctx, tx, e)
}

// told is when it was last told that a project's limit refused something.
type told struct {
	mu sync.Mutex
	at map[int64]time.Time
}

// first reports whether it is time to tell of a project, and notes that it is told.
func (t *told) first(projectID int64, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.at[projectID]; ok && now.Sub(last) < tellEvery {
		return false
	}
	if t.at == nil || len(t.at) >= maxTold {
		t.at = map[int64]time.Time{}
	}
	t.at[projectID] = now
	return true
}

// refused tells those who asked for it when err is that a project's limit forbids something, and returns err. The transaction
// that found it out was rolled back; so this is another one.
func (s *Service) refused(ctx context.Context, by string, ref Ref, err error) error {
	quota, ok := errors.AsType[*QuotaError](err)
	if !ok || !s.quotaTold.first(ref.ProjectID, s.clock()) {
		return err
	}
	e, failure := event.Event{
		Kind: event.ExceedQuota, At: s.clock(), By: by, ProjectID: ref.ProjectID, Project: ref.Project, Repository: ref.FullName(), Resource: ref.FullName(),
	}.With(event.QuotaDetail{Limit: quota.Limit, Used: quota.Used, Reason: quota.Error()})
	if failure == nil {
		failure = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			tx.AfterCommit(s.wake)
			return event.Append(ctx, tx, e)
		})
	}
	if failure != nil {
		s.log.WarnContext(ctx, "it is not told that a quota is exceeded", "project", ref.Project, "error", failure)
	}
	return err
}
