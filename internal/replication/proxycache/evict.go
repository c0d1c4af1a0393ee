package proxycache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

const (
	// oldestCached are artifacts in the order of their last pulls, or of their coming where nobody pulled them. What belongs to an
	// index can't go before it.
	oldestCached = `SELECT r.name, m.digest, m.size FROM manifest m JOIN repository r ON r.id = m.repository_id
		WHERE m.project_id = $1 AND m.listed AND NOT EXISTS (SELECT 1 FROM manifest_child mc WHERE mc.child_id = m.id)
		ORDER BY CASE WHEN m.pulled_at > m.pushed_at THEN m.pulled_at ELSE m.pushed_at END, m.id LIMIT 50`
	// staleCached are those that nobody pulled since a time, nor an image of theirs.
	staleCached = `SELECT m.id, r.name, m.digest FROM manifest m JOIN repository r ON r.id = m.repository_id
		WHERE m.project_id = $1 AND m.listed AND m.pulled_at < $2 AND m.pushed_at < $2 AND m.id > $3
			AND NOT EXISTS (SELECT 1 FROM manifest_child mc JOIN manifest c ON c.id = mc.child_id WHERE mc.parent_id = m.id AND c.pulled_at >= $2)
		ORDER BY m.id LIMIT 100`
	staleWaiting = `DELETE FROM proxy_manifest WHERE id IN (SELECT id FROM proxy_manifest WHERE project_id = $1 AND pulled_at < $2 ORDER BY pulled_at, id LIMIT 500)`
	staleTags    = `DELETE FROM proxy_tag WHERE project_id = $1 AND checked_at < $2`
	allCaches    = `SELECT id, name FROM project WHERE registry_id > 0 AND deleted_at = 0 AND id > $1 ORDER BY id LIMIT 100`
)

// cached is an artifact that may go.
type cached struct {
	id         int64
	repository string
	digest     oci.Digest
	size       int64
}

// maxEvictions bounds what one blob has deleted.
const maxEvictions = 500

// makingRoom runs f, and where the project's limit refuses what f adds, again when what was pulled longest ago is gone.
func (s *Service) makingRoom(ctx context.Context, ref registry.Ref, size int64, f func() error) error {
	evicted := 0
	for {
		err := f()
		quota, ok := errors.AsType[*registry.QuotaError](err)
		if !ok || size > quota.Limit || evicted >= maxEvictions {
			return err
		}
		n, evictErr := s.evict(ctx, ref, max(quota.Used+quota.Adding-quota.Limit, 1))
		if evictErr != nil || n == 0 {
			return errors.Join(err, evictErr)
		}
		evicted += n
	}
}

// evict deletes what was pulled longest ago, until so many bytes are about free, and returns how many artifacts went.
func (s *Service) evict(ctx context.Context, ref registry.Ref, bytes int64) (n int, err error) {
	oldest, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (c cached, err error) {
		err = r.Scan(&c.repository, &c.digest, &c.size)
		return c, err
	}, oldestCached, ref.ProjectID)
	if err != nil {
		return 0, fmt.Errorf("look for what may make room: %w", err)
	}
	for _, c := range oldest {
		gone, err := s.remove(ctx, registry.Ref{ProjectID: ref.ProjectID, Project: ref.Project, Name: c.repository}, c.digest)
		if err != nil {
			return n, err
		}
		if !gone {
			continue
		}
		n++
		s.log.InfoContext(ctx, "a cached image makes room for another", "repository", ref.Project+"/"+c.repository, "digest", c.digest)
		if bytes -= c.size; bytes <= 0 {
			break
		}
	}
	return n, nil
}

// remove deletes an artifact. It is false where something keeps it, or it is gone already.
func (s *Service) remove(ctx context.Context, ref registry.Ref, d oci.Digest) (bool, error) {
	err := s.registry.DiscardManifest(ctx, ourselves, ref, d)
	switch {
	case errors.Is(err, registry.ErrReferenced), errors.Is(err, registry.ErrManifestUnknown), errors.Is(err, registry.ErrRepositoryUnknown),
		errors.Is(err, fault.Invalid): // the last: too many hang together
		return false, nil
	}
	return err == nil, err
}

// schedule has what nobody pulls any more deleted each night.
func (s *Service) schedule() {
	if s.Jobs == nil {
		return
	}
	s.Jobs.OnCleanup(s.expireAll)
}

// expireAll is Expire for all projects. One where that fails holds up no other.
func (s *Service) expireAll(ctx context.Context, r *job.Run) error {
	type cache struct {
		id   int64
		name string
	}
	var errs []error
	for last := int64(0); ; {
		page, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (c cache, err error) {
			err = r.Scan(&c.id, &c.name)
			return c, err
		}, allCaches, last)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("list caches: %w", err))...)
		}
		if len(page) == 0 {
			return errors.Join(errs...)
		}
		for _, c := range page {
			last = c.id
			n, err := s.Expire(ctx, c.id, c.name)
			if err != nil {
				errs = append(errs, fmt.Errorf("expire what is cached in %s: %w", c.name, err))
			}
			if n > 0 {
				r.Logf("%s: %d artifacts that nobody pulled any more are gone", c.name, n)
			}
		}
	}
}

// Expire deletes what nobody pulled for as long as the project keeps it, and returns how many artifacts went.
func (s *Service) Expire(ctx context.Context, projectID int64, project string) (n int, err error) {
	own, err := s.GetOwn(ctx, projectID)
	if err != nil || own.KeepDays == 0 {
		return 0, err
	}
	before := db.Micros(s.clock().Add(-time.Duration(own.KeepDays) * 24 * time.Hour))
	for last := int64(0); ; {
		page, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (c cached, err error) {
			err = r.Scan(&c.id, &c.repository, &c.digest)
			return c, err
		}, staleCached, projectID, before, last)
		if err != nil {
			return n, err
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			last = c.id
			gone, err := s.remove(ctx, registry.Ref{ProjectID: projectID, Project: project, Name: c.repository}, c.digest)
			if err != nil {
				return n, err
			}
			if gone {
				n++
			}
		}
	}
	return n, s.forgetStale(ctx, projectID, before)
}

func (s *Service) forgetStale(ctx context.Context, projectID, before int64) error {
	for gone := int64(1); gone > 0; {
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			gone, err = tx.Exec(ctx, staleWaiting, projectID, before)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, staleTags, projectID, before)
		return err
	})
}

const (
	// settledBehind are those that became ordinary ones, by a process that died then.
	settledBehind = `DELETE FROM proxy_manifest WHERE id IN (SELECT w.id FROM proxy_manifest w JOIN repository r ON r.project_id = w.project_id AND r.name = w.repository
		JOIN manifest m ON m.repository_id = r.id AND m.digest = w.digest LIMIT 1000)`
	// neverThere are tags that upstream never had, when that isn't believed any more: clients may ask for any number.
	neverThere = `DELETE FROM proxy_tag WHERE digest = '' AND was = '' AND checked_at < $1`
	unsettled  = waitingFields + `WHERE NOT EXISTS (SELECT 1 FROM proxy_missing x WHERE x.manifest_id = m.id) ORDER BY m.id LIMIT 100`
)

// tidy makes up for what processes that died left.
func (s *Service) tidy(ctx context.Context) error {
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, staleFetches, db.Micros(time.Now().Add(-time.Hour))); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, neverThere, db.Micros(s.clock().Add(-notFoundFor))); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, settledBehind)
		return err
	})
	if err != nil {
		return err
	}
	left, err := db.Collect(ctx, s.db.Auto(), scanWaiting, unsettled)
	for _, w := range left {
		s.settle(ctx, w)
	}
	return err
}

// Figures are what a cache holds besides its artifacts.
type Figures struct {
	Waiting int64 // manifests that wait for what they name
	Bytes   int64 // of what they wait for
}

const cacheFigures = `SELECT (SELECT COUNT(*) FROM proxy_manifest WHERE project_id = $1),
	CAST(COALESCE((SELECT SUM(x.size) FROM proxy_missing x JOIN proxy_manifest m ON m.id = x.manifest_id WHERE m.project_id = $1), 0) AS BIGINT)`

// Figures returns them.
func (s *Service) Figures(ctx context.Context, projectID int64) (Figures, error) {
	f, err := db.Get(ctx, s.db.Auto(), func(r db.Row) (f Figures, err error) {
		err = r.Scan(&f.Waiting, &f.Bytes)
		return f, err
	}, cacheFigures, projectID)
	if err != nil {
		return f, fmt.Errorf("count what the cache %d waits for: %w", projectID, err)
	}
	return f, nil
}

// Forget drops a manifest that waits, by its tag or digest, and what is known of the tag. It reports whether there was something.
func (s *Service) Forget(ctx context.Context, ref registry.Ref, r oci.Reference) (found bool, err error) {
	statements := []string{dropManifest, dropTagsOf}
	key := string(r.Digest())
	if !r.IsDigest() {
		statements, key = []string{dropTag}, r.Tag()
	}
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		found = false
		for _, statement := range statements {
			n, err := tx.Exec(ctx, statement, ref.ProjectID, ref.Name, key)
			if err != nil {
				return err
			}
			found = found || n > 0
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("forget %s %s: %w", ref.FullName(), r, err)
	}
	return found, nil
}
