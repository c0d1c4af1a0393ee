package harborapi

import (
	"context"
	"strings"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/project"
)

// ListPolicies answers GET /projects/{project_name}/preheat/policies.
func (s *Server) ListPolicies(ctx context.Context, r gen.ListPoliciesRequestObject) (gen.ListPoliciesResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, preheat.HasPolicyKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Preheat.Policies(ctx, p.ID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListPolicies200JSONResponse{Body: each(rows, preheatPolicyJSON)}, nil
}

// CreatePolicy answers POST /projects/{project_name}/preheat/policies. Its id in paths is the name.
func (s *Server) CreatePolicy(ctx context.Context, r gen.CreatePolicyRequestObject) (gen.CreatePolicyResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	policy, err := preheatPolicyFrom(p, *r.Body)
	if err != nil {
		return nil, err
	}
	if err := s.Preheat.CreatePolicy(ctx, callFrom(ctx).Principal, p.Name, policy); err != nil {
		return nil, err
	}
	createdAt(ctx, policy.Name)
	return gen.CreatePolicy201Response{}, nil
}

// GetPolicy answers GET …/preheat/policies/{preheat_policy_name}.
func (s *Server) GetPolicy(ctx context.Context, r gen.GetPolicyRequestObject) (gen.GetPolicyResponseObject, error) {
	_, policy, err := s.preheatPolicy(ctx, r.ProjectName, r.PreheatPolicyName)
	return gen.GetPolicy200JSONResponse(preheatPolicyJSON(policy)), err
}

// UpdatePolicy answers PUT …/preheat/policies/{preheat_policy_name}.
func (s *Server) UpdatePolicy(ctx context.Context, r gen.UpdatePolicyRequestObject) (gen.UpdatePolicyResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	policy, err := preheatPolicyFrom(p, *r.Body)
	if err != nil {
		return nil, err
	}
	return gen.UpdatePolicy200Response{}, s.Preheat.UpdatePolicy(ctx, callFrom(ctx).Principal, p.Name, r.PreheatPolicyName, policy)
}

// DeletePolicy answers DELETE …/preheat/policies/{preheat_policy_name}.
func (s *Server) DeletePolicy(ctx context.Context, r gen.DeletePolicyRequestObject) (gen.DeletePolicyResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.DeletePolicy200Response{}, s.Preheat.DeletePolicy(ctx, callFrom(ctx).Principal, p.Name, p.ID, r.PreheatPolicyName)
}

// ManualPreheat answers POST …/preheat/policies/{preheat_policy_name}. What is sent is what was read, and counts for nothing.
func (s *Server) ManualPreheat(ctx context.Context, r gen.ManualPreheatRequestObject) (gen.ManualPreheatResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	id, err := s.Preheat.Start(ctx, callFrom(ctx).Principal, p.Name, p.ID, r.PreheatPolicyName)
	if err != nil {
		return nil, err
	}
	createdAt(ctx, "executions/"+name64(id))
	return gen.ManualPreheat201Response{}, nil
}

// ListExecutions answers GET …/preheat/policies/{preheat_policy_name}/executions.
func (s *Server) ListExecutions(ctx context.Context, r gen.ListExecutionsRequestObject) (gen.ListExecutionsResponseObject, error) {
	_, policy, err := s.preheatPolicy(ctx, r.ProjectName, r.PreheatPolicyName)
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, job.HasExecutionKey)
	if err != nil {
		return nil, err
	}
	for i, f := range list.Filters {
		if f.Key == "trigger" {
			list.Filters[i].Values = each(f.Values, jobTrigger)
		}
	}
	rows, total, err := s.Preheat.Executions(ctx, policy.ID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListExecutions200JSONResponse{Body: each(rows, func(e job.Execution) gen.PreheatExecution { return preheatExecutionJSON(policy, e) })}, nil
}

// GetExecution answers GET …/executions/{execution_id}.
func (s *Server) GetExecution(ctx context.Context, r gen.GetExecutionRequestObject) (gen.GetExecutionResponseObject, error) {
	_, policy, err := s.preheatPolicy(ctx, r.ProjectName, r.PreheatPolicyName)
	if err != nil {
		return nil, err
	}
	e, err := s.Preheat.Execution(ctx, policy.ID, r.ExecutionID)
	return gen.GetExecution200JSONResponse(preheatExecutionJSON(policy, e)), err
}

// StopExecution answers PATCH …/executions/{execution_id}.
func (s *Server) StopExecution(ctx context.Context, r gen.StopExecutionRequestObject) (gen.StopExecutionResponseObject, error) {
	p, policy, err := s.preheatPolicy(ctx, r.ProjectName, r.PreheatPolicyName)
	if err != nil {
		return nil, err
	}
	if r.Body.Status != string(job.Stopped) {
		return nil, badRequest("the status of an execution can only be set to %s", job.Stopped)
	}
	return gen.StopExecution200Response{}, s.Preheat.Stop(ctx, callFrom(ctx).Principal, p.Name, policy, r.ExecutionID)
}

// ListTasks answers GET …/executions/{execution_id}/tasks.
func (s *Server) ListTasks(ctx context.Context, r gen.ListTasksRequestObject) (gen.ListTasksResponseObject, error) {
	_, policy, err := s.preheatPolicy(ctx, r.ProjectName, r.PreheatPolicyName)
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, job.HasTaskKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Preheat.Tasks(ctx, policy.ID, r.ExecutionID, list)
	if err != nil {
		return nil, err
	}
	out := make([]gen.PreheatTask, len(rows))
	for i, t := range rows {
		if out[i], err = preheatTaskJSON(t); err != nil {
			return nil, err
		}
	}
	paged(ctx, list, total)
	return gen.ListTasks200JSONResponse{Body: out}, nil
}

// GetPreheatLog answers GET …/executions/{execution_id}/tasks/{task_id}/logs.
func (s *Server) GetPreheatLog(ctx context.Context, r gen.GetPreheatLogRequestObject) (gen.GetPreheatLogResponseObject, error) {
	_, policy, err := s.preheatPolicy(ctx, r.ProjectName, r.PreheatPolicyName)
	if err != nil {
		return nil, err
	}
	text, err := s.Preheat.TaskLog(ctx, policy.ID, r.ExecutionID, r.TaskID)
	return gen.GetPreheatLog200TextResponse(text), err
}

// preheatPolicy loads a policy of a project, and asks the operation's right there.
func (s *Server) preheatPolicy(ctx context.Context, projectName, name string) (project.Ref, preheat.Policy, error) {
	p, err := s.projectNamed(ctx, projectName)
	if err != nil {
		return p, preheat.Policy{}, err
	}
	policy, err := s.Preheat.Policy(ctx, p.ID, name)
	return p, policy, err
}

func preheatPolicyFrom(in project.Ref, sent gen.PreheatPolicy) (p preheat.Policy, err error) {
	p = preheat.Policy{
		ProjectID: in.ID, Name: sent.Name, Description: sent.Description, Instance: sent.ProviderID, Filters: sent.Filters, Extra: sent.ExtraAttrs, Enabled: sent.Enabled,
	}
	p.Trigger, p.Cron, err = preheat.ParseTrigger(sent.Trigger)
	return p, err
}

func preheatPolicyJSON(p preheat.Policy) gen.PreheatPolicy {
	return gen.PreheatPolicy{
		ID: p.ID, Name: p.Name, Description: p.Description, ProjectID: p.ProjectID, ProviderID: p.Instance, ProviderName: p.InstanceName, Filters: p.Filters,
		Trigger: p.TriggerText(), Enabled: p.Enabled, ExtraAttrs: p.Extra, CreationTime: wire.Time(p.CreatedAt), UpdateTime: wire.Time(p.UpdatedAt),
	}
}

// policyTriggers are the words of policies for what began an execution. Harbor has them here alone.
func policyTriggers() map[job.Trigger]string {
	return map[job.Trigger]string{job.Manual: preheat.Manual, job.BySchedule: preheat.Scheduled, job.ByEvent: preheat.EventBased}
}

// jobTrigger is the reverse; another word stays as it is.
func jobTrigger(word string) string {
	for trigger, of := range policyTriggers() {
		if of == word {
			return string(trigger)
		}
	}
	return word
}

func preheatExecutionJSON(p preheat.Policy, e job.Execution) gen.PreheatExecution {
	c, trigger, setting := e.Counts, policyTriggers()[e.Trigger], "-"
	if e.Trigger == job.BySchedule {
		setting = p.Cron
	}
	return gen.PreheatExecution{
		ID: e.ID, VendorType: string(e.Kind), VendorID: e.VendorID, Status: string(e.Status), StatusMessage: e.Message, Trigger: trigger,
		Metrics: gen.PreheatMetrics{
			TaskCount: c.Total(), SuccessTaskCount: c.Succeeded, ErrorTaskCount: c.Failed, PendingTaskCount: c.Waiting, RunningTaskCount: c.Running, StoppedTaskCount: c.Stopped,
		},
		ExtraAttrs: map[string]any{"totalCount": c.Total(), "trigger": trigger, "triggerSetting": setting}, StartTime: moment(e.CreatedAt), EndTime: moment(e.EndedAt),
	}
}

func preheatTaskJSON(t job.Task) (gen.PreheatTask, error) {
	attributes, err := preheat.TaskAttributes(t)
	return gen.PreheatTask{
		ID: t.ID, ExecutionID: t.ExecutionID, Status: string(t.Status), StatusMessage: strings.TrimSpace(t.Message), RunCount: int32(min(t.Runs, 1<<31-1)), ExtraAttrs: attributes,
		CreationTime: moment(t.CreatedAt), UpdateTime: moment(t.UpdatedAt), StartTime: moment(t.StartedAt), EndTime: moment(t.EndedAt),
	}, err
}
