package scan

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

type evaluationTask struct {
	EvaluationID int64 `json:"evaluation_id"`
}

// beginEvaluation queues the pass over all packages.
func (s *Service) beginEvaluation(ctx context.Context, tx db.Tx, e Evaluation) error {
	_, _, err := s.jobs.Begin(ctx, tx, job.NewExecution{
		Kind: job.Reevaluate, VendorID: job.System, Trigger: job.ByEvent,
		Extra: map[string]any{"evaluation_id": e.ID, "edition": e.Edition, "edition_at": e.EditionAt},
	}, job.NewTask{Payload: evaluationTask{e.ID}})
	return err
}

// EditionChanged has everything judged again, if the edition isn't what everything is judged by already. It is called
// in the transaction in which another edition comes into force.
func (s *Service) EditionChanged(ctx context.Context, tx db.Tx, edition vulndb.Edition) error {
	_, err := s.enforce(ctx, tx, edition)
	return err
}

// Run looks at the start which edition is in force; switches are told later. It returns nil when that is done.
func (s *Service) Run(ctx context.Context) error {
	if err := s.Notice(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "it isn't known whether everything was judged by the vulnerability database in force; the next scan will tell", "error", err)
	}
	return nil
}

// Notice looks which edition is in force, and begins to judge by it if nobody did: at the start of a process.
func (s *Service) Notice(ctx context.Context) error {
	edition, err := s.editions.Current(ctx)
	if errors.Is(err, vulndb.ErrNone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the vulnerability database: %w", err)
	}
	last, ok, err := findEvaluation(ctx, s.db.Auto())
	if err != nil || ok && last.Edition == edition.Digest {
		return err
	}
	return s.db.Write(ctx, func(tx db.Tx) error { return s.EditionChanged(ctx, tx, edition) })
}

// doEvaluation is the work of one pass.
func (s *Service) doEvaluation(ctx context.Context, r *job.Run) error {
	var t evaluationTask
	if err := r.Decode(&t); err != nil {
		return job.Permanent(err)
	}
	for {
		e, err := db.Get(ctx, s.db.Auto(), scanEvaluation, evaluationByID, t.EvaluationID)
		if err != nil {
			return fmt.Errorf("read evaluation %d: %w", t.EvaluationID, err)
		}
		err = s.evaluate(ctx, r, e)
		if errors.Is(err, errOvertaken) {
			r.Logf("another edition came into force: its evaluation takes over")
			return nil
		}
		if !errors.Is(err, errLeft) {
			return err
		}
		r.Logf("some packages were judged by an older edition meanwhile: once more")
	}
}

var errLeft = errors.New("packages are left to be judged")

// evaluate does a pass and writes that it is done.
func (s *Service) evaluate(ctx context.Context, r *job.Run, e Evaluation) error {
	last, _, err := findEvaluation(ctx, s.db.Auto())
	if err != nil {
		return err
	}
	if last.ID != e.ID {
		return errOvertaken
	}
	edition, err := s.editions.Current(ctx)
	if err != nil {
		return fmt.Errorf("open the vulnerability database: %w", err)
	}
	if edition.Digest != e.Edition {
		return fmt.Errorf("this process has edition %s of the vulnerability database, not %s yet", edition.Digest, e.Edition)
	}
	r.Logf("judging all packages by the edition of %s", edition.UpdatedAt.UTC().Format("2006-01-02 15:04"))
	p := pass{Service: s, Evaluation: e, edition: edition, note: r.Logf, write: r.WriteRelaxed}
	if err := p.evaluate(ctx); err != nil {
		return err
	}
	return r.Finish(ctx, func(tx db.Tx) error { return p.finish(ctx, tx) })
}

// finish writes that all is judged and summed up, unless something is left.
func (p *pass) finish(ctx context.Context, tx db.Tx) error {
	last, _, err := findEvaluation(ctx, tx)
	if err != nil {
		return err
	}
	if last.ID != p.ID {
		return errOvertaken
	}
	left, err := p.left(ctx, tx)
	if err != nil {
		return err
	}
	if left {
		return errLeft
	}
	now := p.clock()
	if _, err := tx.Exec(ctx, finishEvaluation, p.ID, db.Micros(now)); err != nil {
		return fmt.Errorf("finish evaluation %d: %w", p.ID, err)
	}
	return event.Append(ctx, tx, event.Event{
		Kind: event.EvaluateArtifacts, At: now, Resource: "vulnerability database " + p.Edition, Success: true,
	})
}
