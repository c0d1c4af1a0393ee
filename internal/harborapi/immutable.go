package harborapi

import (
	"context"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
)

// ListImmuRules answers GET …/immutabletagrules.
func (s *Server) ListImmuRules(ctx context.Context, r gen.ListImmuRulesRequestObject) (gen.ListImmuRulesResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	rows, err := rest.List(ctx, immutable.HasKey, func(list db.List) ([]immutable.Rule, int64, error) {
		return s.Immutable.List(ctx, p.ID, true, list)
	}, immutableRuleJSON)
	return gen.ListImmuRules200JSONResponse{Body: rows}, err
}

// CreateImmuRule answers POST …/immutabletagrules.
func (s *Server) CreateImmuRule(ctx context.Context, r gen.CreateImmuRuleRequestObject) (gen.CreateImmuRuleResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	rule := immutableRuleFrom(p.ID, *r.Body)
	rule.NoMove, rule.NoDelete = true, true
	id, err := s.Immutable.Create(ctx, callFrom(ctx).Principal, p.Name, rule)
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateImmuRule201Response{}, nil
}

// UpdateImmuRule answers PUT …/immutabletagrules/{immutable_rule_id}. The body names the same rule as the path.
func (s *Server) UpdateImmuRule(ctx context.Context, r gen.UpdateImmuRuleRequestObject) (gen.UpdateImmuRuleResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	if r.Body.ID != r.ImmutableRuleID {
		return nil, badRequest("mismatch of immutable rule id %d and body id %d", r.ImmutableRuleID, r.Body.ID)
	}
	return gen.UpdateImmuRule200Response{}, s.Immutable.UpdateHarbors(ctx, callFrom(ctx).Principal, p.Name, immutableRuleFrom(p.ID, *r.Body))
}

// DeleteImmuRule answers DELETE …/immutabletagrules/{immutable_rule_id}.
func (s *Server) DeleteImmuRule(ctx context.Context, r gen.DeleteImmuRuleRequestObject) (gen.DeleteImmuRuleResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	return gen.DeleteImmuRule200Response{}, s.Immutable.Delete(ctx, callFrom(ctx).Principal, p.Name, p.ID, r.ImmutableRuleID, true)
}

func immutableRuleFrom(projectID int64, sent gen.ImmutableRule) immutable.Rule {
	r := immutable.Rule{
		ID: sent.ID, ProjectID: projectID, Priority: sent.Priority, Disabled: sent.Disabled, Action: sent.Action, Template: sent.Template, Params: sent.Params,
		Tags: each(sent.TagSelectors, immutableSelectorFrom), Scope: map[string][]immutable.Selector{},
	}
	for key, all := range sent.ScopeSelectors {
		r.Scope[key] = each(all, immutableSelectorFrom)
	}
	return r
}

func immutableSelectorFrom(s gen.ImmutableSelector) immutable.Selector {
	return immutable.Selector{Kind: s.Kind, Decoration: s.Decoration, Pattern: s.Pattern, Extras: s.Extras}
}

func immutableRuleJSON(r immutable.Rule) gen.ImmutableRule {
	out := gen.ImmutableRule{
		ID: r.ID, Priority: r.Priority, Disabled: r.Disabled, Action: r.Action, Template: r.Template, Params: r.Params,
		TagSelectors: each(r.Tags, immutableSelectorJSON), ScopeSelectors: map[string][]gen.ImmutableSelector{},
	}
	for key, all := range r.Scope {
		out.ScopeSelectors[key] = each(all, immutableSelectorJSON)
	}
	return out
}

func immutableSelectorJSON(s immutable.Selector) gen.ImmutableSelector {
	return gen.ImmutableSelector{Kind: s.Kind, Decoration: s.Decoration, Pattern: s.Pattern, Extras: s.Extras}
}

// addFixed says of the tags of artifacts of one project which of them stay as they are.
func (s *Server) addFixed(ctx context.Context, rows []registry.Artifact, out []gen.Artifact) error {
	known := map[string]*immutable.Protected{}
	for i, a := range rows {
		p, ok := known[a.Repository]
		if !ok {
			_, name, _ := strings.Cut(a.Repository, "/")
			var err error
			if p, err = s.Immutable.Immutable(ctx, a.ProjectID, name); err != nil {
				return err
			}
			known[a.Repository] = p
		}
		for j := range out[i].Tags {
			out[i].Tags[j].Immutable = p.Any(out[i].Tags[j].Name)
		}
	}
	return nil
}
