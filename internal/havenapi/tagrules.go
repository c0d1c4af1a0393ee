package havenapi

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/rest"
)

// ListTagRules answers GET /projects/{project_name}/tagrules.
func (s *Server) ListTagRules(ctx context.Context, r gen.ListTagRulesRequestObject) (gen.ListTagRulesResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	rows, err := rest.List(ctx, immutable.HasKey, func(list db.List) ([]immutable.Rule, int64, error) {
		return s.Immutable.List(ctx, p.ID, false, list)
	}, tagRuleJSON)
	return gen.ListTagRules200JSONResponse{Body: rows}, err
}

// CreateTagRule answers POST /projects/{project_name}/tagrules.
func (s *Server) CreateTagRule(ctx context.Context, r gen.CreateTagRuleRequestObject) (gen.CreateTagRuleResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	id, err := s.Immutable.Create(ctx, rest.CallFrom(ctx).Principal, p.Name, tagRuleFrom(p.ID, 0, *r.Body))
	if err != nil {
		return nil, err
	}
	rest.Created(ctx, id)
	return gen.CreateTagRule201Response{}, nil
}

// GetTagRule answers GET /projects/{project_name}/tagrules/{rule_id}.
func (s *Server) GetTagRule(ctx context.Context, r gen.GetTagRuleRequestObject) (gen.GetTagRuleResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	rule, err := s.Immutable.Get(ctx, p.ID, r.RuleID)
	if err != nil {
		return nil, err
	}
	return gen.GetTagRule200JSONResponse(tagRuleJSON(rule)), nil
}

// UpdateTagRule answers PUT /projects/{project_name}/tagrules/{rule_id}.
func (s *Server) UpdateTagRule(ctx context.Context, r gen.UpdateTagRuleRequestObject) (gen.UpdateTagRuleResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.UpdateTagRule200Response{}, s.Immutable.Update(ctx, rest.CallFrom(ctx).Principal, p.Name, tagRuleFrom(p.ID, r.RuleID, *r.Body))
}

// DeleteTagRule answers DELETE /projects/{project_name}/tagrules/{rule_id}.
func (s *Server) DeleteTagRule(ctx context.Context, r gen.DeleteTagRuleRequestObject) (gen.DeleteTagRuleResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.DeleteTagRule200Response{}, s.Immutable.Delete(ctx, rest.CallFrom(ctx).Principal, p.Name, p.ID, r.RuleID, false)
}

// ReleaseHold answers POST /projects/{project_name}/tagrules/{rule_id}/release. The role lets administrators in; that they
// are two, in person, is the rule's.
func (s *Server) ReleaseHold(ctx context.Context, r gen.ReleaseHoldRequestObject) (gen.ReleaseHoldResponseObject, error) {
	p, err := s.Projects.ByName(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	ended, err := s.Immutable.Release(ctx, rest.CallFrom(ctx).Principal, p.Name, p.ID, r.RuleID, r.Body.Reason)
	return gen.ReleaseHold200JSONResponse{Released: ended}, err
}

// tagRuleFrom is a rule as a client sent it.
func tagRuleFrom(projectID, id int64, sent gen.TagRule) immutable.Rule {
	r := immutable.Rule{
		ID: id, ProjectID: projectID, Disabled: sent.Disabled, Action: "immutable", Template: "immutable_template",
		Tags:   []immutable.Selector{selectorOf(sent.Tags, sent.ExceptTags, immutable.Matches, immutable.Excludes)},
		Scope:  map[string][]immutable.Selector{immutable.ByRepository: {selectorOf(sent.Repositories, sent.ExceptRepositories, immutable.RepoMatches, immutable.RepoExcludes)}},
		NoMove: sent.NoMove, NoDelete: sent.NoDelete, Reason: sent.Reason,
	}
	if sent.HoldUntil != nil {
		r.HoldUntil = time.Time(*sent.HoldUntil)
	}
	return r
}

func selectorOf(pattern string, except bool, matches, excludes string) immutable.Selector {
	v := immutable.Selector{Kind: immutable.Doublestar, Decoration: matches, Pattern: pattern}
	if except {
		v.Decoration = excludes
	}
	return v
}

func tagRuleJSON(r immutable.Rule) gen.TagRule {
	out := gen.TagRule{
		ID: r.ID, Disabled: r.Disabled, NoMove: r.NoMove, NoDelete: r.NoDelete, Reason: r.Reason, CreatedBy: r.CreatedBy,
		HoldUntil: wire.TimeIfAny(r.HoldUntil), CreationTime: wire.TimeIfAny(r.CreatedAt), UpdateTime: wire.TimeIfAny(r.UpdatedAt),
	}
	if len(r.Tags) > 0 {
		out.Tags, out.ExceptTags = r.Tags[0].Pattern, r.Tags[0].Decoration == immutable.Excludes
	}
	if scope := r.Scope[immutable.ByRepository]; len(scope) > 0 {
		out.Repositories, out.ExceptRepositories = scope[0].Pattern, scope[0].Decoration == immutable.RepoExcludes
	}
	if !r.Release.At.IsZero() {
		out.Release = &gen.HoldRelease{AskedBy: r.Release.By, Reason: r.Release.Reason, Time: wire.Time(r.Release.At)}
	}
	return out
}
