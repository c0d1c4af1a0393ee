package harborapi

import (
	"context"
	"errors"
	"strconv"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/retention"
)

// GetRentenitionMetadata answers GET /retentions/metadatas. The operation's name is Harbor's.
func (s *Server) GetRentenitionMetadata(context.Context, gen.GetRentenitionMetadataRequestObject) (gen.GetRentenitionMetadataResponseObject, error) {
	template := func(name, text string, units ...string) gen.RetentionRuleMetadata {
		v := gen.RetentionRuleMetadata{RuleTemplate: name, DisplayText: text, Action: "retain", Params: []gen.RetentionRuleParamMetadata{}}
		for _, unit := range units {
			v.Params = append(v.Params, gen.RetentionRuleParamMetadata{Type: "int", Unit: unit, Required: true})
		}
		return v
	}
	return gen.GetRentenitionMetadata200JSONResponse{
		Templates: []gen.RetentionRuleMetadata{
			template(retention.LatestPushed, "the most recently pushed # artifacts", "COUNT"),
			template(retention.LatestPulled, "the most recently pulled # artifacts", "COUNT"),
			template(retention.SincePush, "pushed within the last # days", "DAYS"),
			template(retention.SincePull, "pulled within the last # days", "DAYS"),
			template(retention.Always, "always"),
		},
		ScopeSelectors: []gen.RetentionSelectorMetadata{{DisplayText: "Repositories", Kind: "doublestar", Decorations: []string{"repoMatches", "repoExcludes"}}},
		TagSelectors:   []gen.RetentionSelectorMetadata{{DisplayText: "Tags", Kind: "doublestar", Decorations: []string{"matches", "excludes"}}},
	}, nil
}

// CreateRetention answers POST /retentions.
func (s *Server) CreateRetention(ctx context.Context, r gen.CreateRetentionRequestObject) (gen.CreateRetentionResponseObject, error) {
	if !callFrom(ctx).Principal.Authenticated() {
		return nil, authz.ErrUnauthenticated
	}
	p, err := retentionFrom(*r.Body)
	if err != nil {
		return nil, err
	}
	_, err = s.projectByID(ctx, p.ProjectID)
	if errors.Is(err, fault.NotFound) {
		return nil, badRequest("invalid Project id %d", p.ProjectID)
	}
	if err != nil {
		return nil, err
	}
	id, err := s.Retention.Create(ctx, callFrom(ctx).Principal, p)
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateRetention201Response{}, nil
}

// retention loads a policy and asks the operation's permission in its project. To who may not see it, it isn't there.
func (s *Server) retention(ctx context.Context, id int64) (retention.Policy, project.Project, error) {
	if !callFrom(ctx).Principal.Authenticated() {
		return retention.Policy{}, project.Project{}, authz.ErrUnauthenticated
	}
	p, err := s.Retention.Get(ctx, id)
	if err != nil {
		return p, project.Project{}, err
	}
	in, err := s.projectByID(ctx, p.ProjectID)
	return p, in, err
}

// retentionOrBad is retention where Harbor answers 400 for what isn't there.
func (s *Server) retentionOrBad(ctx context.Context, id int64) error {
	_, _, err := s.retention(ctx, id)
	if errors.Is(err, fault.NotFound) {
		return badRequest("no such Retention policy with id %d", id)
	}
	return err
}

// GetRetention answers GET /retentions/{id}.
func (s *Server) GetRetention(ctx context.Context, r gen.GetRetentionRequestObject) (gen.GetRetentionResponseObject, error) {
	p, _, err := s.retention(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	out := gen.RetentionPolicy{
		ID: p.ID, Algorithm: p.Algorithm, Scope: &gen.RetentionPolicyScope{Level: "project", Ref: p.ProjectID}, Rules: each(p.Rules, retentionRuleJSON),
		Trigger: &gen.RetentionRuleTrigger{Kind: p.TriggerKind, Settings: map[string]any{"cron": p.Cron}},
	}
	if p.Cron != "" {
		next, err := s.Retention.Next(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		out.Trigger.Settings["next_scheduled_time"] = wire.Time(next)
	}
	return gen.GetRetention200JSONResponse(out), nil
}

// UpdateRetention answers PUT /retentions/{id}.
func (s *Server) UpdateRetention(ctx context.Context, r gen.UpdateRetentionRequestObject) (gen.UpdateRetentionResponseObject, error) {
	if _, _, err := s.retention(ctx, r.ID); err != nil {
		return nil, err
	}
	p, err := retentionFrom(*r.Body)
	if err != nil {
		return nil, err
	}
	p.ID = r.ID
	return gen.UpdateRetention200Response{}, s.Retention.Update(ctx, callFrom(ctx).Principal, p)
}

// DeleteRetention answers DELETE /retentions/{id}.
func (s *Server) DeleteRetention(ctx context.Context, r gen.DeleteRetentionRequestObject) (gen.DeleteRetentionResponseObject, error) {
	if err := s.retentionOrBad(ctx, r.ID); err != nil {
		return nil, err
	}
	return gen.DeleteRetention200Response{}, s.Retention.Delete(ctx, callFrom(ctx).Principal, r.ID)
}

// TriggerRetentionExecution answers POST /retentions/{id}/executions.
func (s *Server) TriggerRetentionExecution(ctx context.Context, r gen.TriggerRetentionExecutionRequestObject) (gen.TriggerRetentionExecutionResponseObject, error) {
	if err := s.retentionOrBad(ctx, r.ID); err != nil {
		return nil, err
	}
	id, err := s.Retention.Start(ctx, callFrom(ctx).Principal, r.ID, r.Body.DryRun)
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.TriggerRetentionExecution201Response{}, nil
}

// ListRetentionExecutions answers GET /retentions/{id}/executions.
func (s *Server) ListRetentionExecutions(ctx context.Context, r gen.ListRetentionExecutionsRequestObject) (gen.ListRetentionExecutionsResponseObject, error) {
	if err := s.retentionOrBad(ctx, r.ID); err != nil {
		return nil, err
	}
	list, err := listing(ctx, retention.HasExecutionKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Retention.Executions(ctx, r.ID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListRetentionExecutions200JSONResponse{Body: each(rows, retentionExecutionJSON)}, nil
}

// OperateRetentionExecution answers PATCH /retentions/{id}/executions/{eid}.
func (s *Server) OperateRetentionExecution(ctx context.Context, r gen.OperateRetentionExecutionRequestObject) (gen.OperateRetentionExecutionResponseObject, error) {
	if err := s.retentionOrBad(ctx, r.ID); err != nil {
		return nil, err
	}
	if r.Body.Action != "stop" {
		return nil, badRequest("action should be 'stop'")
	}
	err := s.Retention.Stop(ctx, callFrom(ctx).Principal, r.ID, r.Eid)
	return gen.OperateRetentionExecution200Response{}, noExecution(err, r.Eid)
}

// noExecution answers 400 for an execution that isn't there, as Harbor does.
func noExecution(err error, id int64) error {
	if errors.Is(err, fault.NotFound) {
		return badRequest("no such Retention execution with id %d", id)
	}
	return err
}

// ListRetentionTasks answers GET /retentions/{id}/executions/{eid}/tasks.
func (s *Server) ListRetentionTasks(ctx context.Context, r gen.ListRetentionTasksRequestObject) (gen.ListRetentionTasksResponseObject, error) {
	if err := s.retentionOrBad(ctx, r.ID); err != nil {
		return nil, err
	}
	list, err := listing(ctx, retention.HasTaskKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Retention.Tasks(ctx, r.ID, r.Eid, list)
	if err != nil {
		return nil, noExecution(err, r.Eid)
	}
	paged(ctx, list, total)
	return gen.ListRetentionTasks200JSONResponse{Body: each(rows, retentionTaskJSON)}, nil
}

// GetRetentionTaskLog answers GET /retentions/{id}/executions/{eid}/tasks/{tid}.
func (s *Server) GetRetentionTaskLog(ctx context.Context, r gen.GetRetentionTaskLogRequestObject) (gen.GetRetentionTaskLogResponseObject, error) {
	if err := s.retentionOrBad(ctx, r.ID); err != nil {
		return nil, err
	}
	text, err := s.Retention.TaskLog(ctx, r.ID, r.Eid, r.Tid)
	return gen.GetRetentionTaskLog200TextResponse(text), err
}

// retentionFrom is a policy as a client sent it.
func retentionFrom(sent gen.RetentionPolicy) (retention.Policy, error) {
	p := retention.Policy{Algorithm: sent.Algorithm}
	if sent.Scope == nil || sent.Scope.Level != "project" || sent.Scope.Ref <= 0 {
		return p, badRequest("scope should be a project: level is project, and ref its number")
	}
	p.ProjectID = sent.Scope.Ref
	if t := sent.Trigger; t != nil {
		p.TriggerKind = t.Kind
		switch cron := t.Settings["cron"].(type) {
		case nil:
		case string:
			p.Cron = cron
		default:
			return p, badRequest("trigger.settings.cron is a text")
		}
	}
	p.Rules = []retention.Rule{}
	for _, r := range sent.Rules {
		rule := retention.Rule{Priority: r.Priority, Disabled: r.Disabled, Action: r.Action, Template: r.Template, Params: r.Params,
			Tags: each(r.TagSelectors, retentionSelectorFrom), Scope: map[string][]retention.Selector{}}
		for key, all := range r.ScopeSelectors {
			rule.Scope[key] = each(all, retentionSelectorFrom)
		}
		p.Rules = append(p.Rules, rule)
	}
	return p, nil
}

func retentionSelectorFrom(s gen.RetentionSelector) retention.Selector {
	return retention.Selector{Kind: s.Kind, Decoration: s.Decoration, Pattern: s.Pattern, Extras: s.Extras}
}

func retentionRuleJSON(r retention.Rule) gen.RetentionRule {
	out := gen.RetentionRule{ID: r.ID, Priority: r.Priority, Disabled: r.Disabled, Action: r.Action, Template: r.Template, Params: r.Params,
		TagSelectors: each(r.Tags, retentionSelectorJSON), ScopeSelectors: map[string][]gen.RetentionSelector{}}
	for key, all := range r.Scope {
		out.ScopeSelectors[key] = each(all, retentionSelectorJSON)
	}
	return out
}

func retentionSelectorJSON(s retention.Selector) gen.RetentionSelector {
	return gen.RetentionSelector{Kind: s.Kind, Decoration: s.Decoration, Pattern: s.Pattern, Extras: s.Extras}
}

func retentionExecutionJSON(e retention.Execution) gen.RetentionExecution {
	return gen.RetentionExecution{ID: e.ID, PolicyID: e.Policy, Status: string(e.Status), Trigger: string(e.Trigger), DryRun: e.DryRun,
		StartTime: wire.Time(e.StartedAt), EndTime: wire.Time(e.EndedAt)}
}

// statusCode is Harbor's number of a state.
func statusCode(s job.Status) int {
	switch s {
	case job.Scheduled:
		return 1
	case job.Running:
		return 2
	case job.Stopped, job.Error, job.Success:
		return 3
	}
	return 0
}

func retentionTaskJSON(t retention.Task) gen.RetentionExecutionTask {
	return gen.RetentionExecutionTask{ID: t.ID, ExecutionID: t.Execution, Repository: t.Repository, JobID: strconv.FormatInt(t.ID, 10),
		Status: string(t.Status), StatusCode: statusCode(t.Status), Total: t.Total, Retained: t.Retained, StartTime: wire.Time(t.StartedAt), EndTime: wire.Time(t.EndedAt)}
}
