package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/secret"
)

// preheating is the part that hands images to networks of peers.
func (a *App) preheating(d domain, wake func()) *preheat.Service {
	return preheat.New(preheat.Deps{
		DB: a.db, Jobs: a.jobs, Registry: d.registry, Judge: &preheatJudge{d, a.log}, Box: d.box, HTTP: preheat.NewHTTP().Watch(a.calls), Address: a.scannerAddress(), Wake: wake, Clock: time.Now,
	})
}

// preheatJudge knows images of the other parts.
type preheatJudge struct {
	domain
	log *slog.Logger
}

// unscanned is Harbor's number for what isn't known.
const unscanned = 99

// Facts implements preheat.Judge.
func (j *preheatJudge) Facts(ctx context.Context, ref registry.Ref, d oci.Digest) (f preheat.Facts, err error) {
	m, err := j.registry.ManifestInfo(ctx, ref, oci.DigestReference(d))
	if err != nil {
		return f, err
	}
	if f.Labels, err = j.labels.NamesOf(ctx, m.ID); err != nil {
		return f, err
	}
	if f.Severity, err = j.severity(ctx, ref.ProjectID, m); err != nil {
		return f, err
	}
	signed, err := j.trust.Standing(ctx, ref, m)
	if err != nil {
		return f, err
	}
	if f.Signed = signed.Trusted; !signed.Policy {
		f.Signed = signed.Cosign || signed.Notation
	}
	v, err := j.gate.Judge(ctx, ref, m)
	if err != nil {
		return f, err
	}
	if !v.Allowed() {
		f.Refused = (&gate.Refusal{Verdict: v}).Error()
	}
	return f, nil
}

// severity is Harbor's number of the worst finding in an image, or in those of an index.
func (j *preheatJudge) severity(ctx context.Context, projectID int64, m registry.Manifest) (worst int, err error) {
	all := []scan.Standing{{}}
	if oci.IsIndexType(m.MediaType) {
		all, err = j.scans.ChildStandings(ctx, projectID, m.ID)
	} else {
		all[0], err = j.scans.Standing(ctx, projectID, m.Digest)
	}
	if err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return unscanned, nil
	}
	for _, s := range all {
		if s.ReportID == 0 || !s.Complete {
			return unscanned, nil
		}
		if severity, found := s.Highest(); found {
			worst = max(worst, int(severity))
		}
	}
	return worst, nil
}

// Pass implements preheat.Judge.
func (j *preheatJudge) Pass(ctx context.Context, ref registry.Ref, instance string, span time.Duration) (secret.Text, func(), error) {
	p, err := j.projects.Get(ctx, ref.ProjectID)
	if err != nil {
		return "", nil, err
	}
	pass, err := j.identity.GiveScanPass(ctx, "preheat:"+instance, identity.TokenAccess{Name: ref.FullName(), ProjectID: p.ID, ProjectEpoch: p.Epoch}, span)
	if err != nil {
		return "", nil, err
	}
	return pass.Bearer, func() {
		if err := j.identity.EndScanPass(context.WithoutCancel(ctx), pass.ID); err != nil {
			j.log.WarnContext(ctx, "the pass of an instance ends only when its time is over", "instance", instance, "error", err)
		}
	}, nil
}
