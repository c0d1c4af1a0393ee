package havenapi

import (
	"context"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/retention"
)

// PreviewRetention answers POST …/repositories/{repository_name}/retention/preview.
func (s *Server) PreviewRetention(ctx context.Context, r gen.PreviewRetentionRequestObject) (gen.PreviewRetentionResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	ref := registry.Ref{ProjectID: p.ID, Project: p.Name, Name: rest.RepositoryName(r.RepositoryName)}
	if _, err := s.Registry.GetRepository(ctx, ref); err != nil {
		return nil, fault.NotFoundf("repository %s not found", ref.FullName())
	}
	rules := retentionRules(r.Body.Rules)
	if r.Body.Rules == nil {
		policy, found, err := s.Retention.Of(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fault.NotFoundf("the project has no retention policy, and the request no rules")
		}
		rules = policy.Rules
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
