package havenapi

import (
	"context"

	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
)

// GetProjectGate answers GET /projects/{project_name}/gate.
func (s *Server) GetProjectGate(ctx context.Context, r gen.GetProjectGateRequestObject) (gen.GetProjectGateResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	policy, err := s.Gate.Policy(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetProjectGate200JSONResponse(outcomesJSON(policy.Outcomes)), nil
}

// UpdateProjectGate answers PUT /projects/{project_name}/gate.
func (s *Server) UpdateProjectGate(ctx context.Context, r gen.UpdateProjectGateRequestObject) (gen.UpdateProjectGateResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	o := gate.Outcomes{
		NeverScanned: gate.Outcome(r.Body.NeverScanned), Pending: gate.Outcome(r.Body.Pending),
		Failed: gate.Outcome(r.Body.Failed), NotEvaluated: gate.Outcome(r.Body.NotEvaluated),
	}
	return gen.UpdateProjectGate200Response{}, s.Gate.SetOutcomes(ctx, rest.CallFrom(ctx).Principal, p.ID, p.Name, o)
}

// JudgeArtifact answers GET …/artifacts/{reference}/gate.
func (s *Server) JudgeArtifact(ctx context.Context, r gen.JudgeArtifactRequestObject) (gen.JudgeArtifactResponseObject, error) {
	ref, m, err := s.manifest(ctx, r.ProjectName, r.RepositoryName, r.Reference)
	if err != nil {
		return nil, err
	}
	v, err := s.Gate.Judge(ctx, ref, m)
	if err != nil {
		return nil, err
	}
	return gen.JudgeArtifact200JSONResponse(verdictJSON(v)), nil
}

func outcomesJSON(o gate.Outcomes) gen.GateOutcomes {
	return gen.GateOutcomes{
		NeverScanned: gen.GateOutcome(o.NeverScanned), Pending: gen.GateOutcome(o.Pending),
		Failed: gen.GateOutcome(o.Failed), NotEvaluated: gen.GateOutcome(o.NotEvaluated),
	}
}

func verdictJSON(v gate.Verdict) gen.GateVerdict {
	out := gen.GateVerdict{Allowed: v.Allowed(), Digest: string(v.Digest), Images: []gen.GateImage{}}
	if !out.Allowed {
		out.Message = (&gate.Refusal{Verdict: v}).Error()
	}
	if st := v.Signed; st != nil {
		out.Signatures = &gen.GateSignatures{Policy: st.Policy, Trusted: st.Trusted, Missing: st.Missing, Cosign: st.Cosign, Notation: st.Notation}
	}
	for _, i := range v.Images {
		image := gen.GateImage{
			Digest: string(i.Digest), State: gen.GateImageState(i.State), Outcome: gen.GateOutcome(i.Outcome), ScanStatus: i.Status, Reason: i.Reason,
			Total: i.Total, Excused: i.Excused, Fixable: i.Fixable, Refused: i.AtOrAbove, Findings: []gen.GateFinding{},
		}
		for _, f := range i.Blocking {
			image.Findings = append(image.Findings, gen.GateFinding{
				CveID: f.ID, Package: f.Package, Version: f.Version, FixedVersion: f.Fixed, Severity: f.Severity.String(),
			})
		}
		out.Images = append(out.Images, image)
	}
	return out
}
