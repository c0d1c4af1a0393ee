package trust

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
)

// recheckKind is the kind of task that looks at all signatures by a policy that was changed.
const recheckKind job.Kind = "SIGNATURE_RECHECK"

type recheckTask struct {
	ProjectID int64 `json:"project_id"` // 0: all that have no policy of their own
}

// vendor is the vendor id of work for a policy's owner.
func vendor(projectID int64) int64 {
	if projectID == 0 {
		return job.System
	}
	return projectID
}

const (
	recheckPage = 100
	// recheckRest is between the pages, so that others come to their turn.
	recheckRest = 10 * time.Millisecond
	dropPage    = 1000
)

const (
	repositoriesOf = `SELECT r.id, r.project_id, p.name, r.name FROM repository r JOIN project p ON p.id = r.project_id
		WHERE r.project_id = $1 AND r.id > $2 AND NOT r.hidden ORDER BY r.id LIMIT $3`
	repositoriesOfOthers = `SELECT r.id, r.project_id, p.name, r.name FROM repository r JOIN project p ON p.id = r.project_id
		WHERE r.id > $1 AND NOT r.hidden AND NOT EXISTS (SELECT 1 FROM trust_policy t WHERE t.project_id = r.project_id) ORDER BY r.id LIMIT $2`
	subjectsIn = `SELECT DISTINCT m.accessory_of FROM manifest m
		WHERE m.repository_id = $1 AND m.accessory_of > $2 AND m.accessory_of <> '' ORDER BY m.accessory_of LIMIT $3`
	nextHash   = `SELECT policy FROM trust_check WHERE policy > $1 ORDER BY policy LIMIT 1`
	dropChecks = `DELETE FROM trust_check WHERE id IN (SELECT id FROM trust_check WHERE policy = $1 ORDER BY id LIMIT $2)`
	owners     = `SELECT project_id FROM trust_policy ORDER BY project_id`
)

// place is how far a recheck is.
type place struct {
	Repository int64      `json:"repository"` // the last one that is done
	Subject    oci.Digest `json:"subject"`    // the last one that is done of the next repository
}

type repositoryRow struct {
	id int64
	registry.Ref
}

func scanRepository(r db.Row) (v repositoryRow, err error) {
	err = r.Scan(&v.id, &v.ProjectID, &v.Project, &v.Name)
	return v, err
}

// doRecheck looks at the signatures of all repositories that the policy is for, and forgets what they were worth by policies
// that nobody has any more. It goes on where it was cut off.
func (s *Service) doRecheck(ctx context.Context, run *job.Run) error {
	var t recheckTask
	if err := run.Decode(&t); err != nil {
		return job.Permanent(err)
	}
	var at place
	if _, err := run.Resume(&at); err != nil {
		return err
	}
	looked := 0
	for {
		repositories, err := s.repositories(ctx, t.ProjectID, at.Repository)
		if err != nil {
			return fmt.Errorf("list repositories: %w", err)
		}
		if len(repositories) == 0 {
			break
		}
		for _, repository := range repositories {
			n, err := s.recheckRepository(ctx, run, repository, &at)
			if err != nil {
				return fmt.Errorf("look at the signatures in %s: %w", repository.FullName(), err)
			}
			looked += n
			at = place{Repository: repository.id}
		}
		if err := run.Checkpoint(ctx, at); err != nil {
			return err
		}
	}
	run.Logf("%d signatures looked at", looked)
	dropped, err := s.dropStale(ctx)
	if err != nil {
		return fmt.Errorf("forget what signatures were worth: %w", err)
	}
	run.Logf("%d findings by policies of before forgotten", dropped)
	return nil
}

func (s *Service) repositories(ctx context.Context, projectID, after int64) ([]repositoryRow, error) {
	if projectID == 0 {
		return db.Collect(ctx, s.db.Auto(), scanRepository, repositoriesOfOthers, after, recheckPage)
	}
	return db.Collect(ctx, s.db.Auto(), scanRepository, repositoriesOf, projectID, after, recheckPage)
}

func (s *Service) recheckRepository(ctx context.Context, run *job.Run, repository repositoryRow, at *place) (looked int, err error) {
	for {
		subjects, err := db.Collect(ctx, s.db.Auto(), db.ScanString, subjectsIn, repository.id, at.Subject, recheckPage)
		if err != nil {
			return looked, err
		}
		for _, subject := range subjects {
			n, err := s.lookAt(ctx, repository.Ref, oci.Digest(subject))
			if err != nil {
				return looked, err
			}
			looked += n
			at.Subject = oci.Digest(subject)
		}
		if len(subjects) < recheckPage {
			return looked, nil
		}
		if err := run.Checkpoint(ctx, *at); err != nil {
			return looked, err
		}
		if !pause.For(ctx, recheckRest) {
			return looked, context.Cause(ctx)
		}
	}
}

// dropStale removes what was found by policies that are in force nowhere any more.
func (s *Service) dropStale(ctx context.Context) (dropped int64, err error) {
	current, err := s.currentHashes(ctx)
	if err != nil {
		return 0, err
	}
	for hash := ""; ; {
		hash, err = db.Get(ctx, s.db.Auto(), db.ScanString, nextHash, hash)
		if errors.Is(err, db.ErrNotFound) {
			return dropped, nil
		}
		if err != nil {
			return dropped, err
		}
		if !current[hash] { // it may have come in force since
			if current, err = s.currentHashes(ctx); err != nil {
				return dropped, err
			}
		}
		for !current[hash] {
			var n int64
			err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
				n, err = tx.Exec(ctx, dropChecks, hash, dropPage)
				return err
			})
			if err != nil {
				return dropped, err
			}
			if dropped += n; n < dropPage {
				break
			}
		}
	}
}

// currentHashes are those of the policies that are in force somewhere, and of none.
func (s *Service) currentHashes(ctx context.Context) (map[string]bool, error) {
	projects, err := db.Collect(ctx, s.db.Auto(), db.ScanInt, owners)
	if err != nil {
		return nil, err
	}
	current := map[string]bool{s.nobody().hash: true}
	for _, id := range append(projects, 0) {
		r, _, err := s.rules(ctx, id)
		if err != nil {
			return nil, err
		}
		current[r.hash] = true
	}
	return current, nil
}
