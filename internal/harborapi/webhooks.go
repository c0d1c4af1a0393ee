package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/webhook"
)

// GetSupportedEventTypes answers GET /projects/{project_name_or_id}/webhook/events.
func (s *Server) GetSupportedEventTypes(ctx context.Context, r gen.GetSupportedEventTypesRequestObject) (gen.GetSupportedEventTypesResponseObject, error) {
	if _, err := s.project(ctx, r.ProjectNameOrID); err != nil {
		return nil, err
	}
	return gen.GetSupportedEventTypes200JSONResponse{
		EventType:  texts(webhook.EventTypes()),
		NotifyType: texts(webhook.Types()),
		PayloadFormats: []gen.WebhookPayloadFormat{
			{NotifyType: string(webhook.HTTP), Formats: texts(webhook.Formats())},
		},
	}, nil
}

func texts[T ~string](all []T) []string { return each(all, func(v T) string { return string(v) }) }

// LastTrigger answers GET /projects/{project_name_or_id}/webhook/lasttrigger.
func (s *Server) LastTrigger(ctx context.Context, r gen.LastTriggerRequestObject) (gen.LastTriggerResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	rows, err := s.Webhooks.Triggers(ctx, p.ID)
	return gen.LastTrigger200JSONResponse(each(rows, func(t webhook.Trigger) gen.WebhookLastTrigger {
		return gen.WebhookLastTrigger{
			PolicyName: t.Policy.Name, EventType: string(t.EventType), Enabled: t.Policy.Enabled, CreationTime: wire.Time(t.Policy.CreatedAt), LastTriggerTime: wire.Time(t.At),
		}
	})), err
}

// ListWebhookPoliciesOfProject answers GET /projects/{project_name_or_id}/webhook/policies.
func (s *Server) ListWebhookPoliciesOfProject(ctx context.Context, r gen.ListWebhookPoliciesOfProjectRequestObject) (gen.ListWebhookPoliciesOfProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, webhook.HasPolicyKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Webhooks.List(ctx, p.ID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	clear := s.maySeeHeaders(ctx, p)
	return gen.ListWebhookPoliciesOfProject200JSONResponse{Body: each(rows, func(v webhook.Policy) gen.WebhookPolicy { return webhookJSON(v, clear) })}, nil
}

// CreateWebhookPolicyOfProject answers POST /projects/{project_name_or_id}/webhook/policies.
func (s *Server) CreateWebhookPolicyOfProject(ctx context.Context, r gen.CreateWebhookPolicyOfProjectRequestObject) (gen.CreateWebhookPolicyOfProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	id, err := s.Webhooks.Create(ctx, callFrom(ctx).Principal, webhook.Project{ID: p.ID, Name: p.Name}, webhookFrom(*r.Body))
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateWebhookPolicyOfProject201Response{}, nil
}

// GetWebhookPolicyOfProject answers GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}.
func (s *Server) GetWebhookPolicyOfProject(ctx context.Context, r gen.GetWebhookPolicyOfProjectRequestObject) (gen.GetWebhookPolicyOfProjectResponseObject, error) {
	p, v, err := s.webhook(ctx, r.ProjectNameOrID, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	return gen.GetWebhookPolicyOfProject200JSONResponse(webhookJSON(v, s.maySeeHeaders(ctx, p))), nil
}

// UpdateWebhookPolicyOfProject answers PUT /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}.
func (s *Server) UpdateWebhookPolicyOfProject(ctx context.Context, r gen.UpdateWebhookPolicyOfProjectRequestObject) (gen.UpdateWebhookPolicyOfProjectResponseObject, error) {
	p, _, err := s.webhook(ctx, r.ProjectNameOrID, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	err = s.Webhooks.Update(ctx, callFrom(ctx).Principal, webhook.Project{ID: p.ID, Name: p.Name}, r.WebhookPolicyID, webhookFrom(*r.Body))
	return gen.UpdateWebhookPolicyOfProject200Response{}, err
}

// DeleteWebhookPolicyOfProject answers DELETE /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}.
func (s *Server) DeleteWebhookPolicyOfProject(ctx context.Context, r gen.DeleteWebhookPolicyOfProjectRequestObject) (gen.DeleteWebhookPolicyOfProjectResponseObject, error) {
	p, _, err := s.webhook(ctx, r.ProjectNameOrID, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	err = s.Webhooks.Delete(ctx, callFrom(ctx).Principal, webhook.Project{ID: p.ID, Name: p.Name}, r.WebhookPolicyID)
	return gen.DeleteWebhookPolicyOfProject200Response{}, err
}

// webhook loads a policy of a project, and asks the operation's permission there.
func (s *Server) webhook(ctx context.Context, nameOrID string, id int64) (p project.Project, v webhook.Policy, err error) {
	if p, err = s.project(ctx, nameOrID); err == nil {
		v, err = s.Webhooks.Get(ctx, p.ID, id)
	}
	return p, v, err
}

// maySeeHeaders reports whether the caller sees what policies send as Authorization. Terraform compares it with what it sent, so
// who may change a policy sees it, as in Harbor; who may only read it doesn't.
func (s *Server) maySeeHeaders(ctx context.Context, p project.Project) bool {
	return s.Authorizer.Project(ctx, callFrom(ctx).Principal, p.Object(), authz.Permission{Resource: authz.NotificationPolicy, Action: authz.Update}) == nil
}

func webhookFrom(sent gen.WebhookPolicy) webhook.Draft {
	d := webhook.Draft{Name: sent.Name, Description: sent.Description, Enabled: sent.Enabled, Creator: sent.Creator}
	for _, t := range sent.EventTypes {
		d.EventTypes = append(d.EventTypes, webhook.EventType(t))
	}
	for _, t := range sent.Targets {
		d.Targets = append(d.Targets, webhook.TargetDraft{
			Type: webhook.Type(t.Type), Address: t.Address, AuthHeader: secret.Text(t.AuthHeader), Signing: (*secret.Text)(t.SigningSecret), SkipVerify: t.SkipCertVerify,
			Format: webhook.Format(t.PayloadFormat),
		})
	}
	return d
}

func webhookJSON(p webhook.Policy, clear bool) gen.WebhookPolicy {
	made, changed := wire.Time(p.CreatedAt), wire.Time(p.UpdatedAt)
	v := gen.WebhookPolicy{
		ID: p.ID, Name: p.Name, Description: p.Description, ProjectID: p.ProjectID, Enabled: p.Enabled, Creator: p.Creator, EventTypes: texts(p.EventTypes),
		CreationTime: &made, UpdateTime: &changed,
	}
	for _, t := range p.Targets {
		shown := gen.WebhookTargetObject{
			Type: string(t.Type), Address: t.Address, SkipCertVerify: t.SkipVerify, PayloadFormat: string(t.Format), Failures: t.Failures, Complaint: t.Complaint, Lost: t.Lost,
		}
		if t.AuthHeader != "" {
			shown.AuthHeader = webhook.Hidden
		}
		if clear {
			shown.AuthHeader = t.AuthHeader.Reveal()
		}
		if t.Signed {
			shown.SigningSecret = new(webhook.Hidden)
		}
		v.Targets = append(v.Targets, shown)
	}
	return v
}

// ListExecutionsOfWebhookPolicy answers GET …/webhook/policies/{webhook_policy_id}/executions. A delivery is an execution with one
// task, which have its number.
func (s *Server) ListExecutionsOfWebhookPolicy(ctx context.Context, r gen.ListExecutionsOfWebhookPolicyRequestObject) (gen.ListExecutionsOfWebhookPolicyResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	rows, err := s.deliveries(ctx, p.ID, r.WebhookPolicyID)
	return gen.ListExecutionsOfWebhookPolicy200JSONResponse{Body: each(rows, webhookExecutionJSON)}, err
}

func (s *Server) deliveries(ctx context.Context, projectID, policyID int64, more ...db.Filter) ([]webhook.Delivery, error) {
	list, err := listing(ctx, webhook.HasDeliveryKey)
	if err != nil {
		return nil, err
	}
	list.Filters = append(list.Filters, more...)
	rows, total, err := s.Webhooks.Deliveries(ctx, projectID, policyID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return rows, nil
}

// ListTasksOfWebhookExecution answers GET …/executions/{execution_id}/tasks.
func (s *Server) ListTasksOfWebhookExecution(ctx context.Context, r gen.ListTasksOfWebhookExecutionRequestObject) (gen.ListTasksOfWebhookExecutionResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	d, err := s.Webhooks.Delivery(ctx, p.ID, r.WebhookPolicyID, r.ExecutionID)
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	rows := []gen.WebhookTask{webhookTaskJSON(d)}
	paged(ctx, list, 1)
	if list.Page > 1 && list.Size > 0 {
		rows = rows[:0]
	}
	return gen.ListTasksOfWebhookExecution200JSONResponse{Body: rows}, nil
}

// GetLogsOfWebhookTask answers GET …/tasks/{task_id}/log.
func (s *Server) GetLogsOfWebhookTask(ctx context.Context, r gen.GetLogsOfWebhookTaskRequestObject) (gen.GetLogsOfWebhookTaskResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	x, err := s.Webhooks.Exchange(ctx, p.ID, r.WebhookPolicyID, r.ExecutionID)
	if err == nil && r.TaskID != r.ExecutionID {
		err = fault.NotFoundf("task %d of webhook execution %d not found", r.TaskID, r.ExecutionID)
	}
	if err != nil {
		return nil, err
	}
	return gen.GetLogsOfWebhookTask200TextResponse(x.Log()), nil
}

// ListWebhookJobs answers GET …/webhook/jobs.
func (s *Server) ListWebhookJobs(ctx context.Context, r gen.ListWebhookJobsRequestObject) (gen.ListWebhookJobsResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	var some []db.Filter
	if len(r.Params.Status) > 0 {
		f := db.Filter{Key: "status", Op: db.AnyOf}
		for _, status := range r.Params.Status {
			if status == "Pending" || status == "Scheduled" {
				status = "Running"
			}
			f.Values = append(f.Values, status)
		}
		some = append(some, f)
	}
	rows, err := s.deliveries(ctx, p.ID, r.Params.PolicyID, some...)
	return gen.ListWebhookJobs200JSONResponse{Body: each(rows, func(d webhook.Delivery) gen.WebhookJob {
		return gen.WebhookJob{
			ID: d.ID, PolicyID: d.PolicyID, EventType: string(d.EventType), NotifyType: string(d.Type), Status: d.TaskStatus(), JobDetail: string(d.Data),
			CreationTime: wire.Time(d.QueuedAt), UpdateTime: wire.Time(d.ChangedAt()),
		}
	})}, err
}

func webhookExecutionJSON(d webhook.Delivery) gen.WebhookExecution {
	v := gen.WebhookExecution{
		ID: d.ID, VendorType: d.Type.Vendor(), VendorID: d.PolicyID, Status: d.TaskStatus(), StatusMessage: d.Complaint, Trigger: "EVENT", StartTime: wire.Time(d.QueuedAt),
		EndTime: wire.TimeIfAny(d.EndedAt), Metrics: gen.WebhookMetrics{TaskCount: 1},
		ExtraAttrs: map[string]any{"event_type": string(d.EventType), "operator": d.Operator, "payload": string(d.Data)},
	}
	switch d.Status {
	case webhook.Waiting:
		v.Status = "Running"
		if d.Attempts == 0 {
			v.Metrics.PendingTaskCount = 1
		} else {
			v.Metrics.ScheduledTaskCount = 1
		}
	case webhook.Delivered:
		v.Metrics.SuccessTaskCount = 1
	case webhook.GivenUp:
		v.Metrics.ErrorTaskCount = 1
	case webhook.CalledOff:
		v.Metrics.StoppedTaskCount = 1
	}
	return v
}

func webhookTaskJSON(d webhook.Delivery) gen.WebhookTask {
	start := d.TriedAt
	if start.IsZero() {
		start = d.QueuedAt
	}
	return gen.WebhookTask{
		ID: d.ID, ExecutionID: d.ID, Status: d.TaskStatus(), StatusMessage: d.Complaint, RunCount: int32(min(d.Attempts, 1<<31-1)), ExtraAttrs: map[string]any{},
		CreationTime: wire.Time(d.QueuedAt), UpdateTime: wire.Time(d.ChangedAt()), StartTime: wire.Time(start), EndTime: wire.TimeIfAny(d.EndedAt),
	}
}
