package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/trust"
)

// Scans says what is known of images, by the scanner that a project uses. Package scan implements it.
type Scans interface {
	Standing(ctx context.Context, projectID int64, d oci.Digest) (scan.Standing, error)
	// ChildStandings is Standing of all images that an index leads to.
	ChildStandings(ctx context.Context, projectID, indexID int64) ([]scan.Standing, error)
	FoundAtLeast(ctx context.Context, reportID int64, severity inventory.Severity) ([]scan.Found, error)
	StatementsFor(ctx context.Context, projectID int64, repository string, d oci.Digest) (scan.Statements, error)
}

// Contents reads what a repository holds. Package registry implements it.
type Contents interface {
	Manifest(ctx context.Context, ref registry.Ref, r oci.Reference) (registry.Manifest, error)
	ReadBlob(ctx context.Context, ref registry.Ref, d oci.Digest, most int64) ([]byte, error)
}

// Trust says who signed what a repository holds. Package trust implements it.
type Trust interface {
	Standing(ctx context.Context, in registry.Ref, m registry.Manifest) (trust.Standing, error)
	// StandingBy is Standing by another project's policy.
	StandingBy(ctx context.Context, projectID int64, in registry.Ref, m registry.Manifest) (trust.Standing, error)
	// BeforeTag reports whether a project gives tags only to what fulfils its policy.
	BeforeTag(ctx context.Context, projectID int64) (bool, error)
}

// Deps is what a Gate stands on.
type Deps struct {
	DB       *db.DB
	Scans    Scans
	Trust    Trust
	Contents Contents
	Clock    func() time.Time
}

// Gate decides. It is safe for concurrent use.
type Gate struct {
	Deps
	policies policies
	kinds    *otter.Cache[oci.Digest, kind] // follows from the bytes: never stale
	refusals telemetry.Tally[State]
}

// maxKinds bounds what is remembered of manifests, about 100 bytes each.
const maxKinds = 20_000

// New returns a Gate. It does no I/O.
func New(d Deps) *Gate {
	return &Gate{Deps: d, policies: newPolicies(d.DB), kinds: otter.Must(&otter.Options[oci.Digest, kind]{MaximumSize: maxKinds})}
}

// Admit is nil where p may pull the manifest, which is in the repository; else the error is a *Refusal. Scanners
// read what others may not: how else would it be judged? And so does who is about to sign it; that is asked where it matters.
func (g *Gate) Admit(ctx context.Context, p authz.Principal, in registry.Ref, m registry.Manifest, signs func(context.Context) (bool, error)) error {
	if !m.Gated {
		return nil
	}
	if _, scanner := p.Granted(in.FullName(), authz.ScannerPull); scanner {
		return nil
	}
	v, err := g.Judge(ctx, in, m)
	if err != nil {
		return err
	}
	if v.Unsigned() != "" {
		switch ok, err := signs(ctx); {
		case err != nil:
			return err
		case !ok:
			g.refusals.Add(Unsigned, 1)
			return &Refusal{v}
		}
		v.Signed = nil
	}
	if worst := v.Worst(); worst != nil {
		g.refusals.Add(worst.State, 1)
		return &Refusal{v}
	}
	return nil
}

// Refusals are the pulls that this process refused, by the state of the image that stood in the way most.
func (g *Gate) Refusals() map[State]int64 { return g.refusals.All() }

// Judge says how the manifest stands, and why.
func (g *Gate) Judge(ctx context.Context, in registry.Ref, m registry.Manifest) (Verdict, error) {
	v := Verdict{Digest: m.Digest}
	var err error
	if v.Policy, err = g.Policy(ctx, in.ProjectID); err != nil || !v.Policy.PreventVulnerable && !v.Policy.Signed() {
		return v, err
	}
	k, err := g.kind(ctx, in, m)
	if err != nil {
		return v, err
	}
	if v.Policy.Signed() && k != paper {
		st, err := g.Trust.Standing(ctx, in, m)
		if err != nil {
			return v, err
		}
		v.Signed = &st
	}
	if !v.Policy.PreventVulnerable {
		return v, nil
	}
	v.Images, err = g.images(ctx, in, m, k, v.Policy)
	return v, err
}

// images judges those that the manifest is or leads to.
func (g *Gate) images(ctx context.Context, in registry.Ref, m registry.Manifest, k kind, p Policy) (all []Image, err error) {
	standings, err := g.standings(ctx, in, m, k)
	if err != nil {
		return nil, err
	}
	now := g.Clock()
	for _, s := range standings {
		image, err := g.image(ctx, in, p, s, now)
		if err != nil {
			return nil, fmt.Errorf("judge %s: %w", s.Digest, err)
		}
		all = append(all, image)
	}
	return all, nil
}

// standings are those of the images that the manifest is or leads to.
func (g *Gate) standings(ctx context.Context, in registry.Ref, m registry.Manifest, k kind) ([]scan.Standing, error) {
	switch k {
	case index:
		return g.children(ctx, in, m)
	case image:
		s, err := g.Scans.Standing(ctx, in.ProjectID, m.Digest)
		return []scan.Standing{s}, err
	}
	return nil, nil
}

// children are the standings of the images that an index leads to, without what came along and can't be run.
func (g *Gate) children(ctx context.Context, in registry.Ref, m registry.Manifest) ([]scan.Standing, error) {
	all, err := g.Scans.ChildStandings(ctx, in.ProjectID, m.ID)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, s := range all {
		if s.ReportID == 0 {
			switch k, err := g.kind(ctx, in, registry.Manifest{Digest: s.Digest}); {
			case err != nil:
				return nil, err
			case k == harmless, k == paper:
				continue
			}
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// image judges one image by how it stands.
func (g *Gate) image(ctx context.Context, in registry.Ref, p Policy, s scan.Standing, now time.Time) (Image, error) {
	i := Image{Digest: s.Digest, Status: string(s.Status), Reason: s.Reason, Fixable: s.Counts.Fixable}
	for severity := range i.Severities {
		i.Severities[severity] = s.Counts.Of(inventory.Severity(severity))
		i.Total += i.Severities[severity]
	}
	i.AtOrAbove = i.Severities.atLeast(p.Threshold)
	if i.AtOrAbove > 0 {
		if err := g.excuse(ctx, in, p, s, now, &i); err != nil {
			return i, err
		}
	}
	i.State = stateOf(s, i.AtOrAbove)
	i.Outcome = p.Outcomes.of(i.State)
	return i, nil
}

// stateOf goes by what is known of the image's contents, however the scan after that ended: a report that is made
// anew takes no image out of service, and what was found stays found.
func stateOf(s scan.Standing, atOrAbove int64) State {
	switch {
	case atOrAbove > 0:
		return Vulnerable
	case s.Evaluated == scan.Wholly:
		return Clean
	case s.Status == "":
		return NeverScanned
	case s.Complete:
		return NotEvaluated
	case s.Status.Final():
		return Failed
	}
	return Pending
}

// maxBlocking bounds the findings that a verdict names.
const maxBlocking = 10

// excuse takes out what the allowlist and VEX statements put up with, and names what is left. Where nothing
// excuses anything, the counts of the report are right as they are.
func (g *Gate) excuse(ctx context.Context, in registry.Ref, p Policy, s scan.Standing, now time.Time, i *Image) error {
	statements, err := g.Scans.StatementsFor(ctx, in.ProjectID, in.Name, s.Digest)
	if err != nil {
		return err
	}
	// Who may push may attach a document: only what somebody entered who may excuses.
	statements = slices.DeleteFunc(statements, func(v scan.Statement) bool { return v.Document != "" })
	lenient := scan.NewLeniency(p.Allowlist.At(now), statements, in.Name)
	severity := p.Threshold
	if !lenient.None() {
		severity = inventory.Unknown // the message counts what is left of all
	}
	found, err := g.Scans.FoundAtLeast(ctx, s.ReportID, severity)
	if err != nil {
		return err
	}
	for _, f := range found {
		if _, excused := lenient.Of(f, s.Digest); excused {
			i.Severities[f.Severity]--
			i.Total--
			i.Excused++
			if f.Fixed != "" {
				i.Fixable--
			}
			continue
		}
		if f.Severity >= p.Threshold && len(i.Blocking) < maxBlocking {
			i.Blocking = append(i.Blocking, Finding{ID: f.Vulnerability, Package: f.Package, Version: f.Version, Fixed: f.Fixed, Severity: f.Severity})
		}
	}
	i.AtOrAbove = i.Severities.atLeast(p.Threshold)
	return nil
}
