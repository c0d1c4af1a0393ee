package scan

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// Image is a manifest in a repository that is to be scanned: no index, no attestation, nobody's accessory.
type Image struct {
	ManifestID int64      `json:"manifest_id"`
	ProjectID  int64      `json:"project_id"`
	Project    string     `json:"project"`
	Repository string     `json:"repository"` // without the project
	Digest     oci.Digest `json:"digest"`
	MediaType  string     `json:"media_type"`
}

func (i Image) ref() registry.Ref {
	return registry.Ref{ProjectID: i.ProjectID, Project: i.Project, Name: i.Repository}
}

// request is what a scan's task carries.
type request struct {
	Image
	ReportID int64  `json:"report_id"`
	UUID     string `json:"uuid"`
	Scanner  string `json:"scanner"`
}

// node is a manifest on the way to the images below it.
type node struct {
	image Image
	kind  string // IMAGE, …
	of    oci.Digest
	text  []byte // of small manifests
}

// Larger manifests are not looked into for being an attestation: those are small.
const nodeFields = `SELECT m.id, p.id, p.name, r.name, m.digest, m.media_type, m.type, m.accessory_of,
		CASE WHEN m.content_size <= 65536 THEN c.content ELSE NULL END
	FROM manifest m JOIN repository r ON r.id = m.repository_id JOIN project p ON p.id = r.project_id JOIN manifest_content c ON c.digest = m.digest`

var (
	nodeByDigest = nodeFields + ` WHERE r.project_id = $1 AND r.name = $2 AND m.digest = $3`
	nodesAfter   = nodeFields + ` WHERE m.id > $1 AND NOT r.hidden ORDER BY m.id LIMIT $2`
	nodesBelow   = inQuery{nodeFields + ` WHERE m.id IN (SELECT mc.child_id FROM manifest_child mc WHERE mc.parent_id IN `, `) ORDER BY m.id`}
)

func scanNode(r db.Row) (n node, err error) {
	i := &n.image
	err = r.Scan(&i.ManifestID, &i.ProjectID, &i.Project, &i.Repository, &i.Digest, &i.MediaType, &n.kind, &n.of, &n.text)
	return n, err
}

// scannable reports whether the manifest is an image or an index of such, by itself.
func (n node) scannable() bool {
	if n.kind != registry.TypeImage || n.of != "" {
		return false
	}
	return n.index() || len(n.text) == 0 || !isAttestation(n.image.MediaType, n.text)
}

func (n node) index() bool { return oci.IsIndexType(n.image.MediaType) }

const (
	// maxDepth and maxImages bound an index of indexes.
	maxDepth  = 4
	maxImages = 4096
)

// imagesOf is the images that a manifest is or holds, each once.
func imagesOf(ctx context.Context, tx db.Tx, root node) ([]Image, error) {
	seen := map[int64]bool{root.image.ManifestID: true}
	var images []Image
	for level, depth := []node{root}, 0; len(level) > 0 && depth <= maxDepth; depth++ {
		var indexes []int64
		for _, n := range level {
			switch {
			case !n.scannable():
			case n.index():
				indexes = append(indexes, n.image.ManifestID)
			case len(images) < maxImages:
				images = append(images, n.image)
			}
		}
		below, err := collectIn(ctx, tx, scanNode, nodesBelow, nil, indexes)
		if err != nil {
			return nil, fmt.Errorf("read the children of %s: %w", root.image.Digest, err)
		}
		level = level[:0]
		for _, n := range below {
			if !seen[n.image.ManifestID] {
				seen[n.image.ManifestID] = true
				level = append(level, n)
			}
		}
	}
	return images, nil
}

func (s *Service) node(ctx context.Context, tx db.Tx, ref registry.Ref, d oci.Digest) (node, error) {
	n, err := db.Get(ctx, tx, scanNode, nodeByDigest, ref.ProjectID, ref.Name, d)
	if errors.Is(err, db.ErrNotFound) {
		return n, registry.ErrManifestUnknown
	}
	return n, err
}

// Kind is what somebody wants to know of an image.
type Kind string

// The kinds of scans, in Harbor's words.
const (
	Vulnerabilities Kind = "vulnerability"
	Materials       Kind = "sbom"
)

// Scan has an artifact scanned: an image, or every image of an index. What can't be scanned is fault.Invalid; where
// every image is being scanned already, fault.Conflict.
func (s *Service) Scan(ctx context.Context, by authz.Principal, ref registry.Ref, d oci.Digest, kind Kind) error {
	scanner, err := s.scanners.InForce(ctx, ref.ProjectID)
	if err != nil {
		return err
	}
	if scanner.Disabled {
		return fmt.Errorf("scan %s@%s: %w", ref.FullName(), d, ErrDisabled)
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		images, err := s.imagesAt(ctx, tx, scanner, ref, d)
		if err != nil {
			return err
		}
		var begun int
		var busy Status
		for _, image := range images {
			status, err := s.begin(ctx, tx, scanner, image, kind, beginning{trigger: job.Manual, by: by.Name})
			if err != nil {
				return err
			}
			if status == "" {
				begun++
			} else {
				busy = status
			}
		}
		if begun == 0 {
			return fault.Conflictf("a previous scan process is %s", busy)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("scan %s@%s: %w", ref.FullName(), d, err)
	}
	return nil
}

// imagesAt is the images of an artifact that somebody names.
func (s *Service) imagesAt(ctx context.Context, tx db.Tx, scanner Scanner, ref registry.Ref, d oci.Digest) ([]Image, error) {
	root, err := s.node(ctx, tx, ref, d)
	if err != nil {
		return nil, err
	}
	images, err := imagesOf(ctx, tx, root)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, fault.Invalidf("the configured scanner %s does not support scanning artifact with mime type %s", scanner.Name, root.image.MediaType)
	}
	return images, nil
}

// beginning is how a scan begins.
type beginning struct {
	trigger   job.Trigger
	by        string
	execution int64 // 0: one of its own
	missing   bool  // only where there is no good report yet
}

// begin begins a scan, and returns the status of the one that is under way, "" when there is none.
func (s *Service) begin(ctx context.Context, tx db.Tx, scanner Scanner, image Image, kind Kind, b beginning) (Status, error) {
	if kind == Materials {
		return s.beginSBOM(ctx, tx, scanner, image, b)
	}
	return s.beginScan(ctx, tx, scanner, image, b)
}

const (
	reportState  = `SELECT id, status, complete FROM scan_report WHERE digest = $1 AND scanner = $2`
	insertReport = `INSERT INTO scan_report (uuid, digest, scanner, scanner_name, scanner_vendor, scanner_version, status, project_id, repository, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'Pending', $7, $8, $9, 0) ON CONFLICT (digest, scanner) DO NOTHING RETURNING id`
	renewReport = `UPDATE scan_report SET uuid = $2, scanner_name = $3, scanner_vendor = $4, scanner_version = $5, status = 'Pending', reason = '', complete = FALSE,
		project_id = $6, repository = $7, created_at = $8, started_at = 0, ended_at = 0, execution_id = 0, task_id = 0 WHERE id = $1`
	workReport = `UPDATE scan_report SET execution_id = $2, task_id = $3 WHERE id = $1`
)

type reportStateRow struct {
	id       int64
	status   Status
	complete bool
}

func scanReportState(r db.Row) (v reportStateRow, err error) {
	err = r.Scan(&v.id, &v.status, &v.complete)
	return v, err
}

func (s *Service) beginScan(ctx context.Context, tx db.Tx, scanner Scanner, image Image, b beginning) (Status, error) {
	now, id := db.Micros(s.clock()), uuid.NewString()
	old, err := db.Get(ctx, tx, scanReportState, reportState, image.Digest, scanner.ID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		// Of two who begin one at once on PostgreSQL the second conflicts and begins anew.
		old.id, err = db.Get(ctx, tx, db.ScanInt, insertReport, id, image.Digest, scanner.ID, scanner.Name, scanner.Vendor, scanner.Version, image.ProjectID, image.Repository, now)
	case err != nil:
	case !old.status.Final():
		return old.status, nil
	case b.missing && old.complete && old.status == Success:
		return old.status, nil // another edition re-evaluates it
	default:
		_, err = tx.Exec(ctx, renewReport, old.id, id, scanner.Name, scanner.Vendor, scanner.Version, image.ProjectID, image.Repository, now)
	}
	if err != nil {
		return "", fmt.Errorf("begin a report on %s: %w", image.Digest, err)
	}
	execution, task, err := s.queue(ctx, tx, job.ImageScan, laneOf(scanner), image, b, request{Image: image, ReportID: old.id, UUID: id, Scanner: scanner.ID})
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, workReport, old.id, execution, task)
	return "", err
}

// queue makes a task that waits in a queue, in an execution of its own or a given one.
func (s *Service) queue(ctx context.Context, tx db.Tx, kind, queue job.Kind, image Image, b beginning, payload any) (execution, task int64, err error) {
	t := job.NewTask{Kind: queue, Payload: payload, Group: image.ProjectID, Extra: map[string]string{"artifact": image.ref().FullName() + "@" + string(image.Digest)}}
	var ids []int64
	if b.execution != 0 {
		execution = b.execution
		ids, err = s.jobs.Add(ctx, tx, execution, t)
	} else {
		// What somebody waits for goes before what the clock began.
		t.Priority = 1
		execution, ids, err = s.jobs.Begin(ctx, tx, job.NewExecution{Kind: kind, VendorID: image.ManifestID, Trigger: b.trigger, By: b.by, Extra: t.Extra}, t)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("queue a scan of %s: %w", image.Digest, err)
	}
	return execution, ids[0], nil
}

// Stop ends the scans of an artifact that are under way. An artifact that was never scanned is fault.Invalid.
func (s *Service) Stop(ctx context.Context, ref registry.Ref, d oci.Digest, kind Kind) error {
	scanner, err := s.scanners.InForce(ctx, ref.ProjectID)
	if err != nil {
		return err
	}
	tasks, err := s.tasksAt(ctx, scanner, ref, d, kind)
	if err != nil {
		return fmt.Errorf("stop the scan of %s@%s: %w", ref.FullName(), d, err)
	}
	for _, id := range tasks {
		if err := s.jobs.StopTask(ctx, id); err != nil && !errors.Is(err, fault.NotFound) {
			return fmt.Errorf("stop the scan of %s@%s: %w", ref.FullName(), d, err)
		}
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		for _, query := range stopByTask[kind] {
			if _, err := execIn(ctx, tx, query, []any{db.Micros(s.clock())}, tasks); err != nil {
				return err
			}
		}
		return nil
	})
}

var stopByTask = map[Kind][]inQuery{
	Vulnerabilities: {{`UPDATE scan_report SET status = 'Stopped', reason = 'the scan was stopped', ended_at = $1 WHERE status IN ('Pending', 'Scheduled', 'Running') AND task_id IN `, ""}},
	Materials:       {{`UPDATE scan_sbom SET status = 'Stopped', reason = 'it was stopped', ended_at = $1 WHERE status IN ('Pending', 'Scheduled', 'Running') AND task_id IN `, ""}},
}

var (
	tasksOfReports = inQuery{`SELECT task_id FROM scan_report WHERE scanner = $1 AND task_id <> 0 AND digest IN `, ""}
	tasksOfSBOMs   = inQuery{`SELECT task_id FROM scan_sbom WHERE task_id <> 0 AND manifest_id IN `, ""}
)

// tasksAt is the last tasks on the images of an artifact.
func (s *Service) tasksAt(ctx context.Context, scanner Scanner, ref registry.Ref, d oci.Digest, kind Kind) (tasks []int64, err error) {
	images, err := s.imagesAt(ctx, s.db.Auto(), scanner, ref, d)
	if err != nil {
		return nil, err
	}
	if kind == Materials {
		ids := make([]int64, len(images))
		for i, image := range images {
			ids[i] = image.ManifestID
		}
		tasks, err = collectIn(ctx, s.db.Auto(), db.ScanInt, tasksOfSBOMs, nil, ids)
	} else {
		digests := make([]oci.Digest, len(images))
		for i, image := range images {
			digests[i] = image.Digest
		}
		tasks, err = collectIn(ctx, s.db.Auto(), db.ScanInt, tasksOfReports, []any{scanner.ID}, digests)
	}
	if err == nil && len(tasks) == 0 {
		err = fault.Invalidf("no scan job for artifact %s@%s", ref.FullName(), d)
	}
	return tasks, err
}
