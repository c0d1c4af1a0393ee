package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// Evaluation is one time that all packages are judged: by an edition that came into force.
type Evaluation struct {
	ID         int64
	Edition    string // its digest
	EditionAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time // zero: not yet
	Judged     int64     // packages
	Changed    int64     // reports whose summary changed
	Found      int64     // findings of packages that came
	Gone       int64     // findings that went
}

const (
	evaluationFields = `id, edition, edition_at, started_at, finished_at, judged, changed, found, gone`
	lastEvaluation   = `SELECT ` + evaluationFields + ` FROM scan_evaluation ORDER BY id DESC LIMIT 1`
	evaluationByID   = `SELECT ` + evaluationFields + ` FROM scan_evaluation WHERE id = $1`
	insertEvaluation = `INSERT INTO scan_evaluation (edition, edition_at, started_at) VALUES ($1, $2, $3) RETURNING ` + evaluationFields
	countJudged      = `UPDATE scan_evaluation SET judged = judged + $2, found = found + $3, gone = gone + $4 WHERE id = $1`
	countChanged     = `UPDATE scan_evaluation SET changed = changed + $2 WHERE id = $1`
	finishEvaluation = `UPDATE scan_evaluation SET finished_at = $2 WHERE id = $1`
)

func scanEvaluation(r db.Row) (e Evaluation, err error) {
	err = r.Scan(&e.ID, &e.Edition, db.ScanTime(&e.EditionAt), db.ScanTime(&e.StartedAt), db.ScanTime(&e.FinishedAt), &e.Judged, &e.Changed, &e.Found, &e.Gone)
	return e, err
}

// LastEvaluation returns the evaluation by the edition in force; not ok before the first edition.
func (s *Service) LastEvaluation(ctx context.Context) (e Evaluation, ok bool, err error) {
	return findEvaluation(ctx, s.db.Auto())
}

func findEvaluation(ctx context.Context, tx db.Tx) (e Evaluation, ok bool, err error) {
	e, err = db.Get(ctx, tx, scanEvaluation, lastEvaluation)
	if errors.Is(err, db.ErrNotFound) {
		return e, false, nil
	}
	if err != nil {
		return e, false, fmt.Errorf("read the last evaluation: %w", err)
	}
	return e, true, nil
}

// enforce returns the evaluation by an edition, and begins it when another edition was in force before.
func (s *Service) enforce(ctx context.Context, tx db.Tx, edition vulndb.Edition) (Evaluation, error) {
	last, ok, err := findEvaluation(ctx, tx)
	if err != nil || ok && last.Edition == edition.Digest {
		return last, err
	}
	e, err := db.Get(ctx, tx, scanEvaluation, insertEvaluation, edition.Digest, db.Micros(edition.UpdatedAt), db.Micros(s.clock()))
	if err != nil {
		return e, fmt.Errorf("begin the evaluation by %s: %w", edition.Digest, err)
	}
	return e, s.beginEvaluation(ctx, tx, e)
}

const (
	judgePage  = 1000 // packages that are read at once
	judgeBatch = 250  // packages whose verdicts are written in one transaction
	sumBatch   = 100  // reports that are summed up in one transaction
	holderPage = 5000 // reports of a changed package that are read at once
)

const (
	nextScope  = `SELECT scope FROM scan_package WHERE scope > $1 ORDER BY scope LIMIT 1`
	duePage    = `SELECT id, subject FROM scan_package WHERE scope = $1 AND evaluation_id = $2 AND id > $3 ORDER BY id LIMIT $4`
	dueBefore  = `SELECT evaluation_id FROM scan_package WHERE scope = $1 AND evaluation_id >= $2 AND evaluation_id < $3 ORDER BY evaluation_id LIMIT 1`
	changedIn  = `SELECT DISTINCT package_id FROM scan_change WHERE evaluation_id = $1 AND package_id > $2 ORDER BY package_id LIMIT $3`
	holdersOf  = `SELECT report_id FROM scan_content WHERE package_id = $1 AND report_id > $2 ORDER BY report_id LIMIT $3`
	waitingFor = `SELECT id FROM scan_report WHERE waiting AND id > $1 ORDER BY id LIMIT $2`
)

type duePackage struct {
	id      int64
	subject inventory.Subject
}

func scanDue(r db.Row) (p duePackage, err error) {
	var subject string
	if err := r.Scan(&p.id, &subject); err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(subject), &p.subject)
}

// errOvertaken: another edition came into force meanwhile.
var errOvertaken = errors.New("another edition came into force")

// pass judges every package that an evaluation hasn't judged, and sums up what reports hold that changed. It may be
// cut off anywhere and be done again: packages say by what they were judged, and changes stand in rows.
type pass struct {
	*Service
	Evaluation
	edition vulndb.Edition
	note    func(string, ...any)
	// write is one transaction, which fails when somebody else does this pass now.
	write func(context.Context, func(db.Tx) error) error

	mu     sync.Mutex
	queue  []int64 // packages that were handed out and wait for their verdicts
	batch  []judged
	failed error // of reading packages
	judged int64
}

// evaluate does a pass.
func (p *pass) evaluate(ctx context.Context) error {
	if err := p.judgeAll(ctx); err != nil {
		return err
	}
	p.note("%d packages judged by edition %s", p.judged, p.Edition)
	affected, err := p.affected(ctx)
	if err != nil {
		return err
	}
	p.note("%d reports hold what changed", affected.n)
	changed, err := p.summariseAll(ctx, affected)
	if err != nil {
		return err
	}
	p.note("the summary of %d reports changed", changed)
	return nil
}

// judgeAll judges the due packages, scope by scope.
func (p *pass) judgeAll(ctx context.Context) error {
	err := p.engine.JudgeEach(ctx, p.edition, p.due(ctx), func(_ inventory.Subject, v inventory.Verdict) error {
		full, err := p.take(v)
		if err != nil || !full {
			return err
		}
		return p.flush(ctx)
	})
	if err := errors.Join(p.failed, err); err != nil {
		return fmt.Errorf("judge packages: %w", err)
	}
	return p.flush(ctx)
}

// take puts a verdict beside the package that has waited longest for one.
func (p *pass) take(v inventory.Verdict) (full bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return false, errors.New("a verdict came that nobody asked for")
	}
	p.batch = append(p.batch, judged{p.queue[0], v})
	p.queue = p.queue[1:]
	return len(p.batch) >= judgeBatch, nil
}

func (p *pass) flush(ctx context.Context) error {
	p.mu.Lock()
	batch := p.batch
	p.batch = nil
	p.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	p.judged += int64(len(batch))
	err := p.write(ctx, func(tx db.Tx) error {
		last, _, err := findEvaluation(ctx, tx)
		if err != nil {
			return err
		}
		if last.ID != p.ID {
			return errOvertaken
		}
		v := verdicts{evaluationID: p.ID, now: db.Micros(p.clock())}
		if err := v.write(ctx, tx, batch); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, countJudged, p.ID, len(batch), v.diff.found, v.diff.gone)
		return err
	})
	if err == nil {
		p.stats.Judged.Add(int64(len(batch)))
	}
	return err
}

// due is every package that this evaluation hasn't judged, those of one scope in a row. What others judge meanwhile
// comes too, and is left as it is then.
func (p *pass) due(ctx context.Context) iter.Seq[inventory.Subject] {
	return func(yield func(inventory.Subject) bool) {
		p.failed = p.eachScope(ctx, p.db.Auto(), func(scope string) (bool, error) {
			return p.dueIn(ctx, scope, yield)
		})
	}
}

// foreignScope is what scopes of other scanners' packages begin with.
const foreignScope = "report "

func (p *pass) eachScope(ctx context.Context, tx db.Tx, f func(scope string) (bool, error)) error {
	for scope := ""; ; {
		next, err := db.Get(ctx, tx, db.ScanString, nextScope, scope)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if scope = next; len(scope) >= len(foreignScope) && scope[:len(foreignScope)] == foreignScope {
			scope = foreignScope[:len(foreignScope)-1] + "!" // behind all of them
			continue
		}
		if more, err := f(scope); err != nil || !more {
			return err
		}
	}
}

// dueIn yields the due packages of a scope, those of each earlier evaluation by their ids.
func (p *pass) dueIn(ctx context.Context, scope string, yield func(inventory.Subject) bool) (more bool, err error) {
	for evaluation := int64(0); ; evaluation++ {
		evaluation, err = db.Get(ctx, p.db.Auto(), db.ScanInt, dueBefore, scope, evaluation, p.ID)
		if errors.Is(err, db.ErrNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		for after := int64(0); ; {
			page, err := db.Collect(ctx, p.db.Auto(), scanDue, duePage, scope, evaluation, after, judgePage)
			if err != nil {
				return false, err
			}
			for _, d := range page {
				p.mu.Lock()
				p.queue = append(p.queue, d.id)
				p.mu.Unlock()
				if !yield(d.subject) {
					return false, nil
				}
				after = d.id
			}
			if len(page) < judgePage {
				break
			}
		}
	}
}

// affected is the reports that hold a package whose findings changed, or that wait for a first edition.
func (p *pass) affected(ctx context.Context) (bitmap, error) {
	var reports bitmap
	err := eachPage(func(after int64) ([]int64, error) {
		return db.Collect(ctx, p.db.Auto(), db.ScanInt, changedIn, p.ID, after, holderPage)
	}, func(packageID int64) error {
		return eachPage(func(after int64) ([]int64, error) {
			return db.Collect(ctx, p.db.Auto(), db.ScanInt, holdersOf, packageID, after, holderPage)
		}, func(reportID int64) error {
			reports.set(reportID)
			return nil
		})
	})
	if err != nil {
		return reports, fmt.Errorf("find the reports that hold what changed: %w", err)
	}
	err = eachPage(func(after int64) ([]int64, error) {
		return db.Collect(ctx, p.db.Auto(), db.ScanInt, waitingFor, after, holderPage)
	}, func(reportID int64) error {
		reports.set(reportID)
		return nil
	})
	if err != nil {
		return reports, fmt.Errorf("find the reports that wait for an edition: %w", err)
	}
	return reports, nil
}

// eachPage calls f for each id, in pages of holderPage.
func eachPage(page func(after int64) ([]int64, error), f func(int64) error) error {
	for after := int64(0); ; {
		ids, err := page(after)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := f(id); err != nil {
				return err
			}
			after = id
		}
		if len(ids) < holderPage {
			return nil
		}
	}
}

func (p *pass) summariseAll(ctx context.Context, reports bitmap) (changed int64, err error) {
	var ids []int64
	by := newSayings(p.ID)
	flush := func() error {
		var some []int64
		err := p.write(ctx, func(tx db.Tx) (err error) {
			if some, err = summarise(ctx, tx, by, db.Micros(p.clock()), ids); err != nil || len(some) == 0 {
				return err
			}
			_, err = tx.Exec(ctx, countChanged, p.ID, len(some))
			return err
		})
		changed += int64(len(some))
		p.stats.Changed.Add(int64(len(some)))
		ids = ids[:0]
		return err
	}
	for id := range reports.all() {
		if ids = append(ids, id); len(ids) == sumBatch {
			if err := flush(); err != nil {
				return changed, err
			}
		}
	}
	return changed, flush()
}

// left reports whether a package is due that the pass didn't see, because somebody judged it by an edition
// that went out of force meanwhile.
func (p *pass) left(ctx context.Context, tx db.Tx) (left bool, err error) {
	err = p.eachScope(ctx, tx, func(scope string) (bool, error) {
		_, err := db.Get(ctx, tx, db.ScanInt, dueBefore, scope, 0, p.ID)
		if errors.Is(err, db.ErrNotFound) {
			return true, nil
		}
		left = err == nil
		return !left, err
	})
	return left, err
}
