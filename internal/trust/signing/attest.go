package signing

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// predicateVulnerabilities is Cosign's type of the result of a scan.
const predicateVulnerabilities = "https://cosign.sigstore.dev/attestation/vuln/v1"

// Bounds of an attestation: policies look at counts first.
const (
	maxAttested = 2000 // findings, of all images together
	maxImages   = 200  // of an index
)

// The names are those of Cosign's specification; result is ours.
type scanPredicate struct {
	Invocation struct {
		Parameters []string `json:"parameters"`
		URI        string   `json:"uri"`
		EventID    string   `json:"event_id"`
		BuilderID  string   `json:"builder.id"`
	} `json:"invocation"`
	Scanner  scannerSaid `json:"scanner"`
	Metadata struct {
		StartedAt  time.Time `json:"scanStartedOn"`
		FinishedAt time.Time `json:"scanFinishedOn"`
	} `json:"metadata"`
}

type scannerSaid struct {
	URI     string `json:"uri"`
	Version string `json:"version"`
	DB      struct {
		URI     string `json:"uri"`
		Version string `json:"version"` // digest of the edition
		Updated string `json:"lastUpdate,omitempty"`
	} `json:"db"`
	Result scanResult `json:"result"`
}

type scanResult struct {
	Status    scan.Status  `json:"status"`
	Evaluated string       `json:"evaluated"` // wholly, partly, not
	Severity  string       `json:"severity"`  // the highest, "None" without a finding
	Summary   countsSaid   `json:"summary"`
	Images    []imageSaid  `json:"images"`
	Left      leftOutCount `json:"left_out"`
}

type leftOutCount struct {
	Images   int   `json:"images"`
	Findings int64 `json:"findings"`
}

type countsSaid struct {
	Total      int64 `json:"total"`
	Critical   int64 `json:"critical"`
	High       int64 `json:"high"`
	Medium     int64 `json:"medium"`
	Low        int64 `json:"low"`
	Negligible int64 `json:"negligible"`
	Unknown    int64 `json:"unknown"`
	Fixable    int64 `json:"fixable"`
}

type imageSaid struct {
	Digest    oci.Digest    `json:"digest"`
	Status    scan.Status   `json:"status"`
	Evaluated string        `json:"evaluated"`
	Summary   countsSaid    `json:"summary"`
	Findings  []findingSaid `json:"findings"` // the worst first
}

type findingSaid struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Package  string `json:"package"`
	Version  string `json:"version"`
	Fixed    string `json:"fixed,omitempty"`
}

func countsOf(c scan.Counts) countsSaid {
	return countsSaid{c.Total(), c.Critical, c.High, c.Medium, c.Low, c.Negligible, c.Unknown, c.Fixable}
}

// attest says what the last scan found, in the place of what was said before. A scan that couldn't look into all, or be judged, isn't
// attested: whoever asks for no critical findings would take it for clean.
func (r *run) attest(ctx context.Context, w work) error {
	artifact, err := r.registry.GetArtifact(ctx, w.ref, oci.DigestReference(w.digest), registry.With{})
	if err != nil {
		return err
	}
	overviews, err := r.scans.Overviews(ctx, w.ref.ProjectID, []registry.Artifact{artifact})
	if err != nil {
		return err
	}
	o, known := overviews[artifact.ID]
	switch {
	case !known || len(o.Reports) == 0:
		r.Logf("%s: no scan is attested, there is no report", w.name())
		return nil
	case o.Status() != scan.Success:
		r.Logf("%s: no scan is attested, the last one is %q %s", w.name(), o.Status(), o.Reason())
		return nil
	}
	predicate, at, err := r.predicateOf(ctx, o)
	if err != nil {
		return err
	}
	a, err := stated(w, predicateVulnerabilities, predicate, at)
	if err != nil {
		return err
	}
	d, err := r.push(ctx, w, a)
	if err != nil || d == w.row.digest {
		return err
	}
	if err := r.withdraw(ctx, w); err != nil {
		return err
	}
	r.Logf("%s: the scan of %s is attested by key %d: %s", w.name(), at.UTC().Format(time.RFC3339), w.key.id, d)
	return r.made(ctx, w, d)
}

// withdraw deletes what this key attested before.
func (r *run) withdraw(ctx context.Context, w work) error {
	if w.row.digest == "" {
		return nil
	}
	err := r.registry.DiscardManifest(ctx, ourselves, w.ref, w.row.digest)
	if errors.Is(err, registry.ErrReferenced) {
		r.Logf("%s: what was attested before stays, others refer to it", w.name())
		return nil
	}
	if isGone(err) {
		return nil
	}
	return err
}

// predicateOf is what reports say, and when the last of them was made.
func (r *run) predicateOf(ctx context.Context, o scan.Overview) (p scanPredicate, at time.Time, err error) {
	first := o.Reports[0]
	p.Invocation.Parameters, p.Invocation.EventID, p.Invocation.BuilderID = []string{}, first.UUID, "Haven"
	p.Scanner.URI, p.Scanner.Version = "urn:scanner:"+url.PathEscape(strings.ToLower(first.Scanner.Name)), first.Scanner.Version
	p.Scanner.DB.Version = first.Edition
	if !first.EditionAt.IsZero() {
		p.Scanner.DB.Updated = first.EditionAt.UTC().Format(time.RFC3339)
	}
	start, end := o.Span()
	if end.IsZero() {
		end = first.UpdatedAt
	}
	if start.IsZero() {
		start = end
	}
	p.Metadata.StartedAt, p.Metadata.FinishedAt = start.UTC(), end.UTC()
	result := scanResult{Status: o.Status(), Evaluated: o.Evaluated().String(), Severity: "None", Summary: countsOf(o.Counts())}
	if worst, any := o.Counts().Highest(); any {
		result.Severity = worst.String()
	}
	kept := o.Reports[:min(len(o.Reports), maxImages)]
	result.Left.Images = len(o.Reports) - len(kept)
	room := maxAttested
	for _, report := range kept {
		image := imageSaid{Digest: report.Digest, Status: report.Status, Evaluated: report.Evaluated.String(), Summary: countsOf(report.Counts), Findings: []findingSaid{}}
		found, err := r.scans.FoundAtLeast(ctx, report.ID, inventory.Unknown)
		if err != nil {
			return p, at, fmt.Errorf("read what was found: %w", err)
		}
		for _, f := range found[:min(len(found), room)] {
			image.Findings = append(image.Findings, findingSaid{f.Vulnerability, f.Severity.String(), f.Package, f.Version, f.Fixed})
		}
		room -= len(image.Findings)
		result.Left.Findings += max(report.Counts.Total()-int64(len(image.Findings)), 0)
		result.Images = append(result.Images, image)
	}
	p.Scanner.Result = result
	return p, p.Metadata.FinishedAt, nil
}
