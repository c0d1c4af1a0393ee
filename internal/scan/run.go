package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

const (
	attempts = 3
	// scanTime bounds a scan. Each layer has a bound of its own, in the engine.
	scanTime = 40 * time.Minute
	maxLayer = 1000 // layers that are read of an image; runtimes take a few hundred
)

// works says how the tasks are done.
func (s *Service) works() map[job.Kind]job.Work {
	works := map[job.Kind]job.Work{
		job.ImageScan: {Do: s.doScan, Limit: s.parallel, Timeout: scanTime, Attempts: attempts, Keep: 1},
		job.SBOM:      {Do: s.doSBOM, Limit: s.parallel, Timeout: scanTime, Attempts: attempts, Keep: 1},
		job.ScanAll:   {Do: s.doScanAll, Limit: 1, Attempts: attempts, Keep: 50},
		// The pass of one evaluation; a cut-off one goes on where it was.
		job.Reevaluate:     {Do: s.doEvaluation, Alone: true, Attempts: 10, Keep: 10},
		readVEX:            {Do: s.doVEX, Limit: 1, Timeout: vexTime, Attempts: attempts, Keep: 1},
		job.ScanDataExport: {Do: s.doExport, Limit: 1, Timeout: time.Hour, Attempts: attempts},
	}
	for n := range int64(lanes) {
		works[lane(n)] = job.Work{Do: s.doScan, Limit: abreast, Timeout: scanTime, Attempts: attempts, Keep: 1}
	}
	return works
}

// run is one try at scanning an image.
type run struct {
	*Service
	*job.Run
	request
	scanner Scanner
	status  Status // that this try gave the report, "" for none
}

const beginReport = `UPDATE scan_report SET status = 'Running', started_at = CASE WHEN started_at = 0 THEN $3 ELSE started_at END
	WHERE id = $1 AND task_id = $2 AND status IN ('Pending', 'Scheduled', 'Running')`

func (s *Service) doScan(ctx context.Context, jr *job.Run) error {
	r := run{Service: s, Run: jr}
	if err := jr.Decode(&r.request); err != nil {
		return job.Permanent(err)
	}
	began := s.clock()
	wanted, err := r.try(ctx)
	if wanted {
		s.stats.tried(&r, r.ending(ctx, err), s.clock().Sub(began))
	}
	return err
}

func (r *run) try(ctx context.Context) (wanted bool, err error) {
	if r.scanner, err = r.scanners.ByID(ctx, r.Scanner); err != nil {
		return true, r.failed(ctx, fmt.Errorf("find the scanner: %w", err))
	}
	err = r.WriteRelaxed(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, beginReport, r.ReportID, r.Task().ID, db.Micros(r.clock()))
		wanted = n > 0
		return err
	})
	if err != nil {
		return wanted, err
	}
	if !wanted {
		r.Logf("the report is not wanted any more")
		return false, nil
	}
	r.Logf("scanning %s@%s with %s %s", r.ref().FullName(), r.Digest, r.scanner.Name, r.scanner.Version)
	if r.scanner.Own {
		err = r.scan(ctx)
	} else {
		err = r.askOther(ctx)
	}
	if err != nil {
		return true, r.failed(ctx, err)
	}
	return true, nil
}

const failReport = `UPDATE scan_report SET status = $3, reason = $4, ended_at = $5, complete = FALSE WHERE id = $1 AND task_id = $2`

// failed writes why there is no report, when no other try will follow. What was known before stays.
func (r *run) failed(ctx context.Context, failure error) error {
	final := r.Task().Failures+1 >= attempts || errors.Is(failure, errNothing)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, job.ErrStopped), errors.Is(cause, job.ErrLost), errors.Is(cause, job.ErrDraining), errors.Is(failure, job.ErrLost):
		return failure
	case !final:
		return failure
	}
	ctx = context.WithoutCancel(ctx)
	err := r.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, failReport, r.ReportID, r.Task().ID, Failed, reasonOf(failure), db.Micros(r.clock())); err != nil {
			return err
		}
		return r.ended(ctx, tx, Failed)
	})
	if err != nil {
		return errors.Join(failure, err)
	}
	r.status = Failed
	return job.Permanent(failure)
}

// errNothing: another try would fail in the same way.
var errNothing = errors.New("the image can't be scanned")

// Explained is an error whose reason people may be told: it names nothing of this machine.
type Explained interface {
	error
	Explain() string
}

// reasonOf is what people are told of a failure. The log of the task has the rest.
func reasonOf(failure error) string {
	var e Explained
	if errors.As(failure, &e) {
		return clean(e.Explain(), maxReason)
	}
	if errors.Is(failure, context.DeadlineExceeded) {
		return "the scan took longer than " + scanTime.String()
	}
	return "the scan failed; the log of the scan tells more"
}

type refusal struct{ reason string }

func (e *refusal) Error() string   { return e.reason }
func (e *refusal) Explain() string { return e.reason }
func (e *refusal) Unwrap() error   { return errNothing }

// ended tells others how a scan ended.
func (r *run) ended(ctx context.Context, tx db.Tx, status Status) error {
	return r.announce(ctx, tx, r.ref(), r.Digest, Vulnerabilities, status)
}

// announce writes that a scan of an image ended.
func (s *Service) announce(ctx context.Context, tx db.Tx, ref registry.Ref, d oci.Digest, kind Kind, status Status) error {
	detail := event.ScanDetail{Type: "vulnerability", Stopped: status == Stopped}
	if kind == Materials {
		detail.Type = "sbom"
	}
	e, err := event.Event{
		Kind: event.ScanArtifact, At: s.clock(), ProjectID: ref.ProjectID, Project: ref.Project, Repository: ref.FullName(), Digest: string(d),
		Resource: ref.FullName() + "@" + string(d), Success: status == Success,
	}.With(detail)
	if err != nil {
		return err
	}
	return event.Append(ctx, tx, e)
}

// scan reads the image with our own engine.
func (r *run) scan(ctx context.Context) error {
	found, err := r.inventory(ctx, r.Image, r.Logf)
	if err != nil {
		return err
	}
	r.Logf("%d packages of %s %s", len(found.Packages), or(found.OS.Family, "no known distribution"), found.OS.Name)
	for _, reason := range found.Unread {
		r.Logf("not looked into: %s", clean(reason, maxField))
	}
	if err := r.keep(ctx, found); err != nil {
		return err
	}
	for {
		evaluation, err := r.judge(ctx)
		if err != nil {
			return err
		}
		err = r.Finish(ctx, func(tx db.Tx) error { return r.conclude(ctx, tx, found, evaluation) })
		if !errors.Is(err, errOvertaken) {
			return err
		}
		r.Logf("another edition of the vulnerability database came into force meanwhile")
	}
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// inventory reads what an image consists of, from its layers.
func (s *Service) inventory(ctx context.Context, of Image, note func(string, ...any)) (found inventory.Inventory, err error) {
	m, err := s.registry.Manifest(ctx, of.ref(), oci.DigestReference(of.Digest))
	if errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) {
		return found, &refusal{"the image was deleted"}
	}
	if err != nil {
		return found, err
	}
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	if err != nil {
		return found, &refusal{"the manifest can't be read: " + err.Error()}
	}
	if n := len(parsed.Layers); n > maxLayer {
		return found, &refusal{fmt.Sprintf("the image has %d layers, at most %d are read", n, maxLayer)}
	}
	layers := make([]inventory.Layer, 0, len(parsed.Layers))
	for _, d := range parsed.Layers {
		l, err := s.layer(ctx, of.ref(), d, note)
		if err != nil {
			return found, err
		}
		layers = append(layers, l)
	}
	return s.merge(layers), nil
}

const (
	// A report that was deleted meanwhile holds nothing any more.
	holdReport   = `UPDATE scan_report SET os_family = $2, os_name = $3, unread = $4 WHERE id = $1`
	putInventory = `INSERT INTO scan_inventory (report_id, revision, content) VALUES ($1, $2, $3)
		ON CONFLICT (report_id) DO UPDATE SET revision = excluded.revision, content = excluded.content`
)

// keep writes what the image consists of. The packages that are new are due from then on.
func (r *run) keep(ctx context.Context, found inventory.Inventory) error {
	content, err := r.packer.pack(found)
	if err != nil {
		return fmt.Errorf("inventory of %s: %w", r.Digest, err)
	}
	packages := distinct(found.Packages)
	return r.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, holdReport, r.ReportID, clean(found.OS.Family, maxName), clean(found.OS.Name, maxName), shortcomings(found))
		if err != nil {
			return err
		}
		if n == 0 {
			return &refusal{"the image was deleted"}
		}
		if _, err := tx.Exec(ctx, putInventory, r.ReportID, inventory.Revision, content); err != nil {
			return err
		}
		ids, err := putPackages(ctx, tx, packages, 0)
		if err != nil {
			return err
		}
		return putContent(ctx, tx, r.ReportID, ids)
	})
}

const dueOfReport = `SELECT p.id, p.subject FROM scan_content c JOIN scan_package p ON p.id = c.package_id
	WHERE c.report_id = $1 AND p.evaluation_id < $2 ORDER BY p.scope, p.id`

// judge has the packages of the image judged that are due, by the edition in force. Without one it is the evaluation 0.
func (r *run) judge(ctx context.Context) (evaluationID int64, err error) {
	edition, err := r.editions.Current(ctx)
	if errors.Is(err, vulndb.ErrNone) {
		r.Logf("%s", noDatabase)
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open the vulnerability database: %w", err)
	}
	var e Evaluation
	err = r.Write(ctx, func(tx db.Tx) (err error) {
		e, err = r.enforce(ctx, tx, edition)
		return err
	})
	if err != nil {
		return 0, err
	}
	due, err := db.Collect(ctx, r.db.Auto(), scanDue, dueOfReport, r.ReportID, e.ID)
	if err != nil {
		return 0, fmt.Errorf("read the packages to be judged: %w", err)
	}
	subjects := make([]inventory.Subject, len(due))
	for i := range due {
		subjects[i] = due[i].subject
	}
	batch := make([]judged, 0, len(due))
	err = r.engine.JudgeEach(ctx, edition, slices.Values(subjects), func(_ inventory.Subject, v inventory.Verdict) error {
		if len(batch) == len(due) {
			return errors.New("a verdict came that nobody asked for")
		}
		batch = append(batch, judged{due[len(batch)].id, v})
		return nil
	})
	if err == nil && len(batch) < len(due) {
		err = fmt.Errorf("%d of %d verdicts came", len(batch), len(due))
	}
	if err != nil {
		return 0, fmt.Errorf("judge packages: %w", err)
	}
	r.Logf("%d packages judged by the edition of %s, the others had been", len(due), edition.UpdatedAt.UTC().Format(time.RFC3339))
	for some := range slices.Chunk(batch, judgeBatch) {
		err := r.Write(ctx, func(tx db.Tx) error {
			v := verdicts{evaluationID: e.ID, now: db.Micros(r.clock())}
			return v.write(ctx, tx, some)
		})
		if err != nil {
			return 0, err
		}
	}
	return e.ID, nil
}

const completeReport = `UPDATE scan_report SET complete = TRUE, ended_at = $3, scanner_version = $4, waiting = $5, evaluation_id = $6 WHERE id = $1 AND task_id = $2`

// conclude writes the report's summary, unless another edition came into force.
func (r *run) conclude(ctx context.Context, tx db.Tx, found inventory.Inventory, evaluationID int64) error {
	last, _, err := findEvaluation(ctx, tx)
	if err != nil {
		return err
	}
	if last.ID != evaluationID {
		return errOvertaken
	}
	if n, err := tx.Exec(ctx, completeReport, r.ReportID, r.Task().ID, db.Micros(r.clock()), r.scanner.Version, evaluationID == 0, evaluationID); err != nil || n == 0 {
		return err
	}
	if _, err := summarise(ctx, tx, newSayings(evaluationID), db.Micros(r.clock()), []int64{r.ReportID}); err != nil {
		return err
	}
	v, err := db.Get(ctx, tx, scanReportState, reportState, r.Digest, r.Scanner)
	if err != nil {
		return err
	}
	r.status = v.status
	return r.ended(ctx, tx, v.status)
}

// settle is called when an execution ends, whatever happened to its tasks: no report waits for a scan that isn't.
func (s *Service) settle(ctx context.Context, tx db.Tx, e job.Execution) error {
	status, reason := Failed, "the scan failed; the log of the scan tells more"
	if e.Status == job.Stopped {
		status, reason = Stopped, "the scan was stopped"
	}
	for _, query := range []string{
		`UPDATE scan_report SET status = $2, reason = $3, ended_at = $4 WHERE execution_id = $1 AND status IN ('Pending', 'Scheduled', 'Running')`,
		`UPDATE scan_sbom SET status = $2, reason = $3, ended_at = $4 WHERE execution_id = $1 AND status IN ('Pending', 'Scheduled', 'Running')`,
	} {
		if _, err := tx.Exec(ctx, query, e.ID, status, reason, db.Micros(s.clock())); err != nil {
			return fmt.Errorf("end the scans of execution %d: %w", e.ID, err)
		}
	}
	return s.announceStopped(ctx, tx, e)
}

// maxStopped bounds the scans of an execution that are announced as stopped.
const maxStopped = 1000

const stoppedTasks = `SELECT payload FROM job_task WHERE execution_id = $1 AND status = 'Stopped' ORDER BY id LIMIT $2`

// announceStopped writes which scans of an execution somebody stopped, by whatever way.
func (s *Service) announceStopped(ctx context.Context, tx db.Tx, e job.Execution) error {
	if e.Counts.Stopped == 0 {
		return nil
	}
	payloads, err := db.Collect(ctx, tx, db.ScanString, stoppedTasks, e.ID, maxStopped)
	if err != nil {
		return fmt.Errorf("read the scans that were stopped: %w", err)
	}
	kind := Vulnerabilities
	if e.Kind == job.SBOM {
		kind = Materials
	}
	for _, text := range payloads {
		var of struct{ Image }
		if err := json.Unmarshal([]byte(text), &of); err != nil || of.Digest == "" {
			continue // the task that plans a scan of all
		}
		if err := s.announce(ctx, tx, of.ref(), of.Digest, kind, Stopped); err != nil {
			return err
		}
	}
	return nil
}
