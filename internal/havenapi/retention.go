package havenapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/retention"
)

// PreviewRetention answers POST …/repositories/{repository_name}/retention/preview.
func (s *Server) PreviewRetention(ctx context.Context, r gen.PreviewRetentionRequestObject) (gen.PreviewRetentionResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	if _, err := s.Registry.GetRepository(ctx, ref); err != nil {
		return nil, noRepository(err, ref)
	}
	rules := retentionRules(r.Body.Rules)
	if r.Body.Rules == nil {
		standing, err := s.Retention.Standing(ctx, ref.ProjectID)
		if err != nil {
			return nil, err
		}
		rules = standing.Rules
	}
	v, err := s.Retention.Preview(ctx, ref, rules)
	if err != nil {
		return nil, err
	}
	out := gen.RetentionPreview{Covered: v.Covered, Total: v.Total, Retained: v.Retained, Artifacts: []gen.RetentionFate{}}
	for _, a := range v.Artifacts {
		tags := a.Tags
		if tags == nil {
			tags = []string{}
		}
		out.Artifacts = append(out.Artifacts, gen.RetentionFate{
			Digest: a.Digest, Type: a.Type, Tags: tags, PushTime: wire.Time(a.PushedAt), LastUse: wire.TimeIfAny(a.UsedAt), Stays: a.Stays, Rule: a.Rule, Why: a.Why,
		})
	}
	return gen.PreviewRetention200JSONResponse(out), nil
}

// GetDefaultRetention answers GET /retention/default.
func (s *Server) GetDefaultRetention(ctx context.Context, _ gen.GetDefaultRetentionRequestObject) (gen.GetDefaultRetentionResponseObject, error) {
	d, err := s.Retention.Default(ctx)
	if err != nil {
		return nil, err
	}
	return gen.GetDefaultRetention200JSONResponse{Cron: d.Cron, Rules: retentionRulesJSON(d.Rules), UpdateTime: wire.TimeIfAny(d.UpdatedAt)}, nil
}

// UpdateDefaultRetention answers PUT /retention/default.
func (s *Server) UpdateDefaultRetention(ctx context.Context, r gen.UpdateDefaultRetentionRequestObject) (gen.UpdateDefaultRetentionResponseObject, error) {
	err := s.Retention.SetDefault(ctx, rest.CallFrom(ctx).Principal, retention.Default{Cron: r.Body.Cron, Rules: retentionRules(r.Body.Rules)})
	return gen.UpdateDefaultRetention200Response{}, err
}

// DeleteDefaultRetention answers DELETE /retention/default.
func (s *Server) DeleteDefaultRetention(ctx context.Context, _ gen.DeleteDefaultRetentionRequestObject) (gen.DeleteDefaultRetentionResponseObject, error) {
	return gen.DeleteDefaultRetention200Response{}, s.Retention.DropDefault(ctx, rest.CallFrom(ctx).Principal)
}

// GetProjectRetention answers GET /projects/{project_name}/retention.
func (s *Server) GetProjectRetention(ctx context.Context, r gen.GetProjectRetentionRequestObject) (gen.GetProjectRetentionResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	v, err := s.Retention.Standing(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetProjectRetention200JSONResponse{Default: gen.DefaultRetentionMode(v.Mode), PolicyID: v.Policy, Rules: retentionRulesJSON(v.Rules)}, nil
}

// UpdateProjectRetention answers PUT /projects/{project_name}/retention.
func (s *Server) UpdateProjectRetention(ctx context.Context, r gen.UpdateProjectRetentionRequestObject) (gen.UpdateProjectRetentionResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.UpdateProjectRetention200Response{}, s.Retention.SetMode(ctx, rest.CallFrom(ctx).Principal, p.ID, p.Name, retention.Mode(r.Body.Default))
}

func retentionRulesJSON(rules []retention.Rule) []gen.RetentionRule {
	selectors := func(all []retention.Selector) (out []gen.RetentionSelector) {
		for _, s := range all {
			out = append(out, gen.RetentionSelector{Kind: s.Kind, Decoration: s.Decoration, Pattern: s.Pattern, Extras: s.Extras})
		}
		return out
	}
	out := []gen.RetentionRule{}
	for _, r := range rules {
		shown := gen.RetentionRule{ID: r.ID, Priority: r.Priority, Disabled: r.Disabled, Action: r.Action, Template: r.Template, Params: r.Params, TagSelectors: selectors(r.Tags), ScopeSelectors: map[string][]gen.RetentionSelector{}}
		for key, all := range r.Scope {
			shown.ScopeSelectors[key] = selectors(all)
		}
		out = append(out, shown)
	}
	return out
}

func retentionRules(sent []gen.RetentionRule) (rules []retention.Rule) {
	selectors := func(sent []gen.RetentionSelector) (all []retention.Selector) {
		for _, s := range sent {
			all = append(all, retention.Selector{Kind: s.Kind, Decoration: s.Decoration, Pattern: s.Pattern, Extras: s.Extras})
		}
		return all
	}
	for _, r := range sent {
		rule := retention.Rule{Priority: r.Priority, Disabled: r.Disabled, Action: r.Action, Template: r.Template, Params: r.Params, Tags: selectors(r.TagSelectors), Scope: map[string][]retention.Selector{}}
		for key, all := range r.ScopeSelectors {
			rule.Scope[key] = selectors(all)
		}
		rules = append(rules, rule)
	}
	return rules
}
