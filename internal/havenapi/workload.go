package havenapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/workload"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/secret"
)

// defaultLife is the life of what a token is exchanged for, in minutes, where nothing is said.
const defaultLife = 15

// ListTrustPolicies answers GET /workload/policies.
func (s *Server) ListTrustPolicies(ctx context.Context, r gen.ListTrustPoliciesRequestObject) (gen.ListTrustPoliciesResponseObject, error) {
	projectID, err := s.homeOfPolicies(ctx, r.Params.Project)
	if err != nil {
		return nil, err
	}
	out, err := rest.List(ctx, workload.HasKey, func(list db.List) ([]workload.Policy, int64, error) {
		return s.Workloads.List(ctx, projectID, list)
	}, policyJSON)
	return gen.ListTrustPolicies200JSONResponse{Body: out}, err
}

// CreateTrustPolicy answers POST /workload/policies.
func (s *Server) CreateTrustPolicy(ctx context.Context, r gen.CreateTrustPolicyRequestObject) (gen.CreateTrustPolicyResponseObject, error) {
	projectID, err := s.homeOfPolicies(ctx, r.Body.Project)
	if err != nil {
		return nil, err
	}
	id, err := s.Workloads.Create(ctx, rest.CallFrom(ctx).Principal, projectID, draft(r.Body))
	if err != nil {
		return nil, err
	}
	rest.Created(ctx, id)
	return gen.CreateTrustPolicy201Response{}, nil
}

// GetTrustPolicy answers GET /workload/policies/{policy_id}.
func (s *Server) GetTrustPolicy(ctx context.Context, r gen.GetTrustPolicyRequestObject) (gen.GetTrustPolicyResponseObject, error) {
	p, err := s.policy(ctx, r.PolicyID)
	return gen.GetTrustPolicy200JSONResponse(policyJSON(p)), err
}

// UpdateTrustPolicy answers PUT /workload/policies/{policy_id}.
func (s *Server) UpdateTrustPolicy(ctx context.Context, r gen.UpdateTrustPolicyRequestObject) (gen.UpdateTrustPolicyResponseObject, error) {
	p, err := s.policy(ctx, r.PolicyID)
	if err != nil {
		return nil, err
	}
	if r.Body.Project != p.ProjectName {
		return nil, rest.BadRequest("the project of a policy can't be changed")
	}
	err = s.Workloads.Update(ctx, rest.CallFrom(ctx).Principal, p.ID, draft(r.Body))
	return gen.UpdateTrustPolicy200Response{}, err
}

// DeleteTrustPolicy answers DELETE /workload/policies/{policy_id}.
func (s *Server) DeleteTrustPolicy(ctx context.Context, r gen.DeleteTrustPolicyRequestObject) (gen.DeleteTrustPolicyResponseObject, error) {
	p, err := s.policy(ctx, r.PolicyID)
	if err == nil {
		err = s.Workloads.Delete(ctx, rest.CallFrom(ctx).Principal, p.ID)
	}
	return gen.DeleteTrustPolicy200Response{}, err
}

// TryTrustPolicies answers POST /workload/test.
func (s *Server) TryTrustPolicies(ctx context.Context, r gen.TryTrustPoliciesRequestObject) (gen.TryTrustPoliciesResponseObject, error) {
	projectID, err := s.homeOfPolicies(ctx, r.Body.Project)
	if err != nil {
		return nil, err
	}
	claims, err := claimsOf(r.Body.Claims)
	if err != nil {
		return nil, err
	}
	trials, err := s.Workloads.Try(ctx, projectID, claims)
	if err != nil {
		return nil, err
	}
	out := make(gen.TryTrustPolicies200JSONResponse, len(trials))
	for i, t := range trials {
		out[i] = gen.TrustVerdict{Policy: t.Policy, Fits: t.Fits, Reason: t.Reason}
	}
	return out, nil
}

// claimsOf gives claims the types that those of a token have.
func claimsOf(sent map[string]any) (map[string]any, error) {
	text, err := json.Marshal(sent)
	if err != nil {
		return nil, fmt.Errorf("encode claims: %w", err)
	}
	return workload.Claims(text)
}

// ExchangeWorkloadToken answers POST /workload/token. Every refusal looks the same.
func (s *Server) ExchangeWorkloadToken(ctx context.Context, r gen.ExchangeWorkloadTokenRequestObject) (gen.ExchangeWorkloadTokenResponseObject, error) {
	c, err := s.Workloads.Exchange(ctx, r.Body.Policy, secret.Text(r.Body.Token))
	if err != nil {
		return nil, err
	}
	return gen.ExchangeWorkloadToken200JSONResponse{
		Username: c.Username, Password: c.Password.Reveal(), Policy: c.Policy, Subject: c.Subject,
		ExpiresAt: wire.Time(c.Until), ExpiresIn: int64(time.Until(c.Until).Seconds()),
	}, nil
}

// homeOfPolicies asks the operation's permission in the named project, or with "" in the system.
func (s *Server) homeOfPolicies(ctx context.Context, project string) (projectID int64, err error) {
	c := rest.CallFrom(ctx)
	if project == "" {
		return 0, s.frame.System(c, c.Access.Permission)
	}
	p, missing := s.Projects.ByName(ctx, project)
	return p.ID, s.frame.Project(ctx, p.Object(), missing, c.Access.Permission)
}

// policy loads a policy and asks the operation's permission where it belongs. To who may not, it isn't
// there (S19).
func (s *Server) policy(ctx context.Context, id int64) (workload.Policy, error) {
	c := rest.CallFrom(ctx)
	if !c.Principal.Authenticated() {
		return workload.Policy{}, authz.ErrUnauthenticated
	}
	p, err := s.Workloads.Get(ctx, id)
	switch {
	case err != nil:
	case p.ProjectID == 0:
		err = s.frame.System(c, c.Access.Permission)
	default:
		home, missing := s.Projects.Get(ctx, p.ProjectID)
		err = s.frame.Project(ctx, home.Object(), missing, c.Access.Permission)
	}
	if errors.Is(err, fault.NotFound) || errors.Is(err, authz.ErrForbidden) {
		return workload.Policy{}, fault.NotFoundf("policy %d not found", id)
	}
	return p, err
}

func draft(b *gen.TrustPolicyDraft) workload.Draft {
	d := workload.Draft{
		Name: b.Name, Description: b.Description, Issuer: b.Issuer, Audience: b.Audience, Condition: b.Condition, KeySet: b.KeySet,
		LifeMinutes: b.LifeMinutes, Enabled: b.Enabled == nil || *b.Enabled,
	}
	if d.LifeMinutes == 0 {
		d.LifeMinutes = defaultLife
	}
	for _, sent := range b.Permissions {
		p := identity.RobotPermission{Kind: sent.Kind, Namespace: sent.Namespace}
		for _, a := range sent.Access {
			p.Access = append(p.Access, identity.Access{Resource: a.Resource, Action: a.Action, Effect: a.Effect})
		}
		d.Permissions = append(d.Permissions, p)
	}
	return d
}

func policyJSON(p workload.Policy) gen.TrustPolicy {
	out := gen.TrustPolicy{
		ID: p.ID, Name: p.Name, FullName: p.FullName(), Project: p.ProjectName, Description: p.Description, Issuer: p.Issuer,
		Audience: p.Audience, Condition: p.Condition, KeySet: p.KeySet, LifeMinutes: p.LifeMinutes, Enabled: p.Enabled,
		Permissions: []gen.RobotPermission{}, CreationTime: wire.Time(p.CreatedAt), UpdateTime: wire.Time(p.UpdatedAt),
	}
	for _, held := range p.Permissions {
		shown := gen.RobotPermission{Kind: held.Kind, Namespace: held.Namespace}
		for _, a := range held.Access {
			shown.Access = append(shown.Access, gen.Access{Resource: a.Resource, Action: a.Action, Effect: a.Effect})
		}
		out.Permissions = append(out.Permissions, shown)
	}
	return out
}
