package scan

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

const reportFields = `r.id, r.uuid, r.digest, r.scanner, r.scanner_name, r.scanner_vendor, r.scanner_version, r.status, r.reason, r.evaluated, r.os_family, r.os_name,
	r.critical, r.high, r.medium, r.low, r.negligible, r.unknown, r.fixable, r.found, r.gone, r.execution_id, r.task_id,
	r.created_at, r.started_at, r.ended_at, r.updated_at, r.evaluation_id`

func reportInto(v *Report) []any {
	c := &v.Counts
	return []any{&v.ID, &v.UUID, &v.Digest, &v.Scanner.ID, &v.Scanner.Name, &v.Scanner.Vendor, &v.Scanner.Version, &v.Status, &v.Reason, &v.Evaluated, &v.OS.Family, &v.OS.Name,
		&c.Critical, &c.High, &c.Medium, &c.Low, &c.Negligible, &c.Unknown, &c.Fixable, &v.Found, &v.Gone, &v.Execution, &v.Task,
		db.ScanTime(&v.CreatedAt), db.ScanTime(&v.StartedAt), db.ScanTime(&v.EndedAt), db.ScanTime(&v.UpdatedAt), &v.EvaluationID}
}

func scanReport(r db.Row) (v Report, err error) {
	err = r.Scan(reportInto(&v)...)
	return v, err
}

var (
	reportsOf = inQuery{`SELECT ` + reportFields + ` FROM scan_report r WHERE r.scanner = $1 AND r.digest IN `, ""}
	// What is no image needs no report; an attestation's manifest is small.
	childrenOf = inQuery{`SELECT mc.parent_id, m.digest, m.media_type, m.type, m.accessory_of, CASE WHEN m.content_size <= 65536 THEN c.content ELSE NULL END
		FROM manifest_child mc JOIN manifest m ON m.id = mc.child_id JOIN manifest_content c ON c.digest = m.digest
		WHERE mc.parent_id IN `, ` ORDER BY mc.parent_id, mc.position`}
	billsOf = inQuery{`SELECT ` + billFields + ` FROM scan_sbom WHERE manifest_id IN `, ""}
)

type childRow struct {
	parentID int64
	node
}

func scanChild(r db.Row) (v childRow, err error) {
	err = r.Scan(&v.parentID, &v.image.Digest, &v.image.MediaType, &v.kind, &v.of, &v.text)
	return v, err
}

// Overview is what is known of an artifact: of an image by its report, of an index by those of its images.
type Overview struct {
	Reports []Report // one of an image; of an index one for each image, in its order

	index bool
}

// Status is the whole's: what isn't over comes first, then what went wrong. Where Harbor calls an index a success when
// any of its images is one, every one has to be (S12).
func (o Overview) Status() Status {
	for _, s := range []Status{Running, Pending, Scheduled, Stopped, Failed} {
		if slices.ContainsFunc(o.Reports, func(r Report) bool { return r.Status == s }) {
			return s
		}
	}
	return Success
}

// Reason says what is wrong, of the images that something is wrong with.
func (o Overview) Reason() string {
	var all []string
	for _, r := range o.Reports {
		switch {
		case r.Reason == "":
		case o.index:
			all = append(all, string(r.Digest)+": "+r.Reason)
		default:
			all = append(all, r.Reason)
		}
	}
	return clean(strings.Join(all, "; "), maxReason)
}

// Evaluated is of the image that was evaluated least; where that differs, partly.
func (o Overview) Evaluated() Evaluated {
	if len(o.Reports) == 0 {
		return NotEvaluated
	}
	least, most := Wholly, NotEvaluated
	for _, r := range o.Reports {
		least, most = min(least, r.Evaluated), max(most, r.Evaluated)
	}
	if least != most {
		return Partly
	}
	return least
}

// Counts is the sum over the images.
func (o Overview) Counts() (c Counts) {
	for _, r := range o.Reports {
		c = c.Plus(r.Counts)
	}
	return c
}

// Percent is how many of the images have a report, of 100.
func (o Overview) Percent() int {
	done := 0
	for _, r := range o.Reports {
		if r.Status == Success {
			done++
		}
	}
	return 100 * done / max(len(o.Reports), 1)
}

// Span is when the first scan began and the last one ended; the end is zero while one isn't over.
func (o Overview) Span() (start, end time.Time) {
	for i, r := range o.Reports {
		if !r.StartedAt.IsZero() && (start.IsZero() || r.StartedAt.Before(start)) {
			start = r.StartedAt
		}
		if i == 0 || !end.IsZero() && r.EndedAt.After(end) || r.EndedAt.IsZero() {
			end = r.EndedAt
		}
		if r.EndedAt.IsZero() {
			return start, time.Time{}
		}
	}
	return start, end
}

// UUID is what clients ask for the log by: of several images it is theirs in one text.
func (o Overview) UUID() string {
	if len(o.Reports) == 1 {
		return o.Reports[0].UUID
	}
	ids := make([]string, len(o.Reports))
	for i, r := range o.Reports {
		ids[i] = r.UUID
	}
	return base64.StdEncoding.EncodeToString([]byte(strings.Join(ids, "|")))
}

// ReportIDs reads what UUID returned.
func ReportIDs(text string) []string {
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && strings.Contains(string(decoded), "|") {
		return strings.Split(string(decoded), "|")
	}
	return []string{text}
}

// Overviews returns what the scanner in force for a project says of artifacts of it, by artifact id: two statements at
// most, whatever their number. What has no report is left out, and so is an index of which an image has none.
func (s *Service) Overviews(ctx context.Context, projectID int64, artifacts []registry.Artifact) (map[int64]Overview, error) {
	scanner, err := s.scanners.InForce(ctx, projectID)
	if err != nil {
		return nil, err
	}
	all := map[int64]Overview{}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		digests, err := imageDigests(ctx, tx, artifacts)
		if err != nil {
			return err
		}
		var wanted []oci.Digest
		for _, of := range digests {
			wanted = append(wanted, of...)
		}
		reports, err := reportsByDigest(ctx, tx, scanner.ID, wanted)
		if err != nil {
			return err
		}
		for _, a := range artifacts {
			o := Overview{index: oci.IsIndexType(a.MediaType)}
			for _, d := range digests[a.ID] {
				if r, ok := reports[d]; ok {
					o.Reports = append(o.Reports, r)
				}
			}
			if n := len(o.Reports); n > 0 && n == len(digests[a.ID]) {
				all[a.ID] = o
			}
		}
		return s.nameEditions(ctx, tx, all)
	})
	if err != nil {
		return nil, fmt.Errorf("read the reports of artifacts: %w", err)
	}
	return all, nil
}

// imageDigests is the images that artifacts are or hold, by artifact id.
func imageDigests(ctx context.Context, tx db.Tx, artifacts []registry.Artifact) (map[int64][]oci.Digest, error) {
	all := map[int64][]oci.Digest{}
	var indexes []int64
	for _, a := range artifacts {
		switch {
		case a.Type != registry.TypeImage || a.SubjectDigest != "":
		case oci.IsIndexType(a.MediaType):
			indexes = append(indexes, a.ID)
		default:
			all[a.ID] = []oci.Digest{a.Digest}
		}
	}
	children, err := collectIn(ctx, tx, scanChild, childrenOf, nil, indexes)
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		if c.scannable() && !c.index() && !slices.Contains(all[c.parentID], c.image.Digest) {
			all[c.parentID] = append(all[c.parentID], c.image.Digest)
		}
	}
	return all, nil
}

func reportsByDigest(ctx context.Context, tx db.Tx, scanner string, digests []oci.Digest) (map[oci.Digest]Report, error) {
	rows, err := collectIn(ctx, tx, scanReport, reportsOf, []any{scanner}, digests)
	if err != nil {
		return nil, err
	}
	all := make(map[oci.Digest]Report, len(rows))
	for _, r := range rows {
		all[r.Digest] = r
	}
	return all, nil
}

var (
	editionsOf = inQuery{`SELECT ` + evaluationFields + ` FROM scan_evaluation WHERE id IN `, ""}
	// A finished evaluation holds for every report, also for those in which it changed nothing.
	lastFinished = `SELECT ` + evaluationFields + ` FROM scan_evaluation WHERE finished_at > 0 ORDER BY id DESC LIMIT 1`
)

// nameEditions adds to reports which edition of the database they are of, by one statement.
func (s *Service) nameEditions(ctx context.Context, tx db.Tx, overviews map[int64]Overview) error {
	var ids []int64
	for _, o := range overviews {
		for _, r := range o.Reports {
			if r.EvaluationID > 0 && !slices.Contains(ids, r.EvaluationID) {
				ids = append(ids, r.EvaluationID)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := collectIn(ctx, tx, scanEvaluation, editionsOf, nil, ids)
	if err != nil {
		return err
	}
	finished, err := db.Collect(ctx, tx, scanEvaluation, lastFinished)
	if err != nil {
		return err
	}
	byID := map[int64]Evaluation{}
	for _, e := range rows {
		byID[e.ID] = e
	}
	for _, o := range overviews {
		for i := range o.Reports {
			r := &o.Reports[i]
			if r.EvaluationID == 0 {
				continue
			}
			e := byID[r.EvaluationID]
			if len(finished) > 0 && finished[0].ID > e.ID {
				e = finished[0]
			}
			r.Edition, r.EditionAt = e.Edition, e.EditionAt
		}
	}
	return nil
}

// Bills returns how far the bills of materials of artifacts are, by artifact id, by one statement.
func (s *Service) Bills(ctx context.Context, artifactIDs []int64) (map[int64]Bill, error) {
	rows, err := collectIn(ctx, s.db.Auto(), scanBill, billsOf, nil, artifactIDs)
	if err != nil {
		return nil, fmt.Errorf("read the bills of materials of artifacts: %w", err)
	}
	all := make(map[int64]Bill, len(rows))
	for _, b := range rows {
		all[b.ManifestID] = b
	}
	return all, nil
}
