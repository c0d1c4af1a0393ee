package trust

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/pause"
)

// tidyPage is how many findings one transaction looks at.
const tidyPage = 500

const (
	pageEnd     = `SELECT COALESCE(MAX(id), 0) FROM (SELECT id FROM trust_check WHERE id > $1 ORDER BY id LIMIT $2) page`
	dropOrphans = `DELETE FROM trust_check WHERE id > $1 AND id <= $2 AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = trust_check.digest)`
)

// tidy forgets, each night, what signatures were worth that are gone: those of a repository or project that was deleted go
// without an event of their own.
func (s *Service) tidy(ctx context.Context, run *job.Run) error {
	var after, dropped int64
	for {
		end, err := db.Get(ctx, s.db.Auto(), db.ScanInt, pageEnd, after, tidyPage)
		if err != nil {
			return fmt.Errorf("read what signatures are worth: %w", err)
		}
		if end == 0 {
			run.Logf("%d findings about deleted signatures forgotten", dropped)
			return nil
		}
		var n int64
		err = s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			n, err = tx.Exec(ctx, dropOrphans, after, end)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget what deleted signatures were worth: %w", err)
		}
		after, dropped = end, dropped+n
		if !pause.For(ctx, recheckRest) {
			return context.Cause(ctx)
		}
	}
}
