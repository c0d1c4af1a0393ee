package havenapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/trust"
	"github.com/havenregistry/haven/internal/trust/kubernetes"
)

// GetSystemSignaturePolicy answers GET /signature-policy.
func (s *Server) GetSystemSignaturePolicy(ctx context.Context, _ gen.GetSystemSignaturePolicyRequestObject) (gen.GetSystemSignaturePolicyResponseObject, error) {
	d, err := s.Trust.InForce(ctx, 0)
	if err != nil {
		return nil, err
	}
	return gen.GetSystemSignaturePolicy200JSONResponse(signaturePolicyJSON(d, false)), nil
}

// UpdateSystemSignaturePolicy answers PUT /signature-policy.
func (s *Server) UpdateSystemSignaturePolicy(ctx context.Context, r gen.UpdateSystemSignaturePolicyRequestObject) (gen.UpdateSystemSignaturePolicyResponseObject, error) {
	return gen.UpdateSystemSignaturePolicy200Response{}, s.Trust.Set(ctx, rest.CallFrom(ctx).Principal, trust.Owner{}, *r.Body)
}

// DeleteSystemSignaturePolicy answers DELETE /signature-policy.
func (s *Server) DeleteSystemSignaturePolicy(ctx context.Context, _ gen.DeleteSystemSignaturePolicyRequestObject) (gen.DeleteSystemSignaturePolicyResponseObject, error) {
	return gen.DeleteSystemSignaturePolicy200Response{}, s.Trust.Drop(ctx, rest.CallFrom(ctx).Principal, trust.Owner{})
}

// GetSignaturePolicy answers GET /projects/{project_name}/signature-policy.
func (s *Server) GetSignaturePolicy(ctx context.Context, r gen.GetSignaturePolicyRequestObject) (gen.GetSignaturePolicyResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	d, err := s.Trust.InForce(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	demanded, err := s.Gate.Policy(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetSignaturePolicy200JSONResponse(signaturePolicyJSON(d, d.Text != nil && demanded.Signed())), nil
}

// UpdateSignaturePolicy answers PUT /projects/{project_name}/signature-policy.
func (s *Server) UpdateSignaturePolicy(ctx context.Context, r gen.UpdateSignaturePolicyRequestObject) (gen.UpdateSignaturePolicyResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.UpdateSignaturePolicy200Response{}, s.Trust.Set(ctx, rest.CallFrom(ctx).Principal, trust.Owner{ID: p.ID, Name: p.Name}, *r.Body)
}

// DeleteSignaturePolicy answers DELETE /projects/{project_name}/signature-policy.
func (s *Server) DeleteSignaturePolicy(ctx context.Context, r gen.DeleteSignaturePolicyRequestObject) (gen.DeleteSignaturePolicyResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.DeleteSignaturePolicy200Response{}, s.Trust.Drop(ctx, rest.CallFrom(ctx).Principal, trust.Owner{ID: p.ID, Name: p.Name})
}

func signaturePolicyJSON(d trust.Document, enforced bool) gen.SignaturePolicy {
	out := gen.SignaturePolicy{Scope: gen.None, Enforced: enforced, Document: d.Text}
	if d.Text == nil {
		return out
	}
	out.Scope = gen.System
	if d.Own {
		out.Scope = gen.Project
	}
	at := wire.Time(d.SetAt)
	out.SetBy, out.SetAt = d.SetBy, &at
	return out
}

// ExportSignaturePolicy answers GET /projects/{project_name}/signature-policy/kubernetes.
func (s *Server) ExportSignaturePolicy(ctx context.Context, r gen.ExportSignaturePolicyRequestObject) (gen.ExportSignaturePolicyResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	effective, err := s.Trust.Effective(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	text, err := kubernetes.Write(string(r.Params.Kind), "haven-"+p.Name, []string{rest.CallFrom(ctx).Host + "/" + p.Name + "/*"}, effective)
	if err != nil {
		return nil, err
	}
	return document{text, "application/yaml"}, nil
}

// VisitExportSignaturePolicyResponse implements gen.ExportSignaturePolicyResponseObject.
func (d document) VisitExportSignaturePolicyResponse(w http.ResponseWriter) error { return d.write(w) }

// ListSignatures answers GET …/artifacts/{reference}/signatures.
func (s *Server) ListSignatures(ctx context.Context, r gen.ListSignaturesRequestObject) (gen.ListSignaturesResponseObject, error) {
	ref, m, err := s.manifest(ctx, r.ProjectName, r.RepositoryName, r.Reference)
	if err != nil {
		return nil, err
	}
	st, err := s.Trust.Standing(ctx, ref, m)
	if err != nil {
		return nil, err
	}
	checks, more, err := s.Trust.Signatures(ctx, ref, m)
	if err != nil {
		return nil, err
	}
	statement, err := s.Gate.Statement(ctx, ref, m)
	if err != nil {
		return nil, err
	}
	out := gen.ListSignatures200JSONResponse{
		Digest: string(m.Digest), Statement: statement, Policy: st.Policy, Trusted: st.Trusted, Missing: st.Missing, Cosign: st.Cosign, Notation: st.Notation, More: more,
		Signatures: []gen.Signature{},
	}
	for _, c := range checks {
		out.Signatures = append(out.Signatures, signaturesJSON(c)...)
	}
	return out, nil
}

// manifest is artifact with the bytes.
func (s *Server) manifest(ctx context.Context, projectName, segment, reference string) (registry.Ref, registry.Manifest, error) {
	ref, a, err := s.artifact(ctx, projectName, segment, reference)
	if err != nil {
		return ref, registry.Manifest{}, err
	}
	m, err := s.Registry.Manifest(ctx, ref, oci.DigestReference(a.Digest))
	return ref, m, err
}

func signaturesJSON(c trust.Check) (all []gen.Signature) {
	if c.CheckedAt.IsZero() {
		return []gen.Signature{{Digest: string(c.Digest), State: gen.Waiting, Signers: []string{}}}
	}
	for _, p := range c.Pieces {
		one := gen.Signature{
			Digest: string(c.Digest), Format: gen.SignatureFormat(p.Format), State: gen.SignatureState(p.State), Signers: append([]string{}, p.Signers...),
			By: p.By, Reason: p.Reason, PredicateType: p.PredicateType,
		}
		if !p.At.IsZero() {
			at := wire.Time(p.At)
			one.SignedAt = &at
		}
		all = append(all, one)
	}
	return all
}

// EvaluateImages answers POST /evaluate.
func (s *Server) EvaluateImages(ctx context.Context, r gen.EvaluateImagesRequestObject) (gen.EvaluateImagesResponseObject, error) {
	out := gen.EvaluateImages200JSONResponse{Verdicts: []gen.ImageVerdict{}}
	for _, image := range r.Body.Images {
		v, err := s.evaluate(ctx, image)
		if err != nil {
			return nil, err
		}
		out.Verdicts = append(out.Verdicts, v)
	}
	return out, nil
}

// evaluate judges one image as a pull by the caller would be. What the caller may not pull isn't there.
func (s *Server) evaluate(ctx context.Context, image string) (gen.ImageVerdict, error) {
	out := gen.ImageVerdict{Image: image, Reasons: []string{}}
	unknown := func(format string, args ...any) (gen.ImageVerdict, error) {
		out.Message, out.Reasons = fmt.Sprintf(format, args...), []string{"unknown"}
		return out, nil
	}
	project, name, reference, err := splitImage(image)
	if err != nil {
		return unknown("%s", err)
	}
	p, err := s.Projects.ByName(ctx, project)
	if err == nil {
		err = s.Authorizer.Project(ctx, rest.CallFrom(ctx).Principal, p.Object(), authz.Permission{Resource: authz.Repository, Action: authz.Pull})
	}
	if errors.Is(err, authz.ErrForbidden) || errors.Is(err, authz.ErrUnauthenticated) || errors.Is(err, fault.NotFound) {
		return unknown("%s is not found, or not to be pulled by who asks", image)
	}
	if err != nil {
		return out, err
	}
	ref := registry.Ref{ProjectID: p.ID, Project: p.Name, Name: name}
	m, err := s.Registry.Manifest(ctx, ref, reference)
	if errors.Is(err, registry.ErrManifestUnknown) {
		return unknown("%s is not found, or not to be pulled by who asks", image)
	}
	if err != nil {
		return out, err
	}
	out.Digest = string(m.Digest)
	v := gate.Verdict{}
	if m.Gated {
		if v, err = s.Gate.Judge(ctx, ref, m); err != nil {
			return out, err
		}
	}
	if out.Allowed = v.Allowed(); !out.Allowed {
		out.Message = (&gate.Refusal{Verdict: v}).Error()
	}
	if v.Unsigned() != "" {
		out.Reasons = append(out.Reasons, string(gate.Unsigned))
	}
	if worst := v.Worst(); worst != nil {
		out.Reasons = append(out.Reasons, string(worst.State))
	}
	return out, nil
}

// splitImage reads project/repository:tag@digest. A digest says more than a tag.
func splitImage(image string) (project, repository string, reference oci.Reference, err error) {
	rest, digest, hasDigest := strings.Cut(image, "@")
	tag := "latest"
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, '/') {
		rest, tag = rest[:colon], rest[colon+1:]
	}
	project, repository, ok := strings.Cut(rest, "/")
	if !ok || project == "" || repository == "" {
		return "", "", reference, fault.Invalidf("%q is no image: expected project/repository with a tag or a digest", image)
	}
	if hasDigest {
		tag = digest
	}
	if reference, err = oci.ParseReference(tag); err != nil {
		return "", "", reference, fault.Invalidf("%q is no image: %q is neither a tag nor a digest", image, tag)
	}
	return project, repository, reference, nil
}
