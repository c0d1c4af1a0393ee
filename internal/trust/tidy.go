package trust

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/pause"
)

// tidyPage is how many findings one statement looks at; those among them that go do so in one transaction.
const tidyPage = 500

const (
	checksAfter = `SELECT c.id, EXISTS (SELECT 1 FROM manifest m WHERE m.digest = c.digest) FROM trust_check c WHERE c.id > $1 ORDER BY c.id LIMIT $2`
	// By now the signature may have been pushed again.
	dropOrphan = `DELETE FROM trust_check WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = trust_check.digest)`
)

// found is a finding about a signature, which is in some repository yet or in none.
type found struct {
	id    int64
	there bool
}

func scanFound(r db.Row) (f found, err error) {
	err = r.Scan(&f.id, &f.there)
	return f, err
}

// tidy forgets, each night, what signatures were worth that are gone: those of a repository or project that was deleted go
// without an event of their own.
func (s *Service) tidy(ctx context.Context, run *job.Run) error {
	var after, dropped int64
	for {
		page, err := db.Collect(ctx, s.db.Auto(), scanFound, checksAfter, after, tidyPage)
		if err != nil {
			return fmt.Errorf("read what signatures are worth: %w", err)
		}
		n, err := s.dropOrphans(ctx, page)
		if err != nil {
			return fmt.Errorf("forget what deleted signatures were worth: %w", err)
		}
		dropped += n
		if len(page) < tidyPage {
			run.Logf("%d findings about deleted signatures forgotten", dropped)
			return nil
		}
		after = page[len(page)-1].id
		if !pause.For(ctx, recheckRest) {
			return context.Cause(ctx)
		}
	}
}

func (s *Service) dropOrphans(ctx context.Context, page []found) (dropped int64, err error) {
	var gone []int64
	for _, f := range page {
		if !f.there {
			gone = append(gone, f.id)
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		dropped = 0
		for _, id := range gone {
			n, err := tx.Exec(ctx, dropOrphan, id)
			if err != nil {
				return err
			}
			dropped += n
		}
		return nil
	})
	return dropped, err
}
