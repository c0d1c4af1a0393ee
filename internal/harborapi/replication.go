package harborapi

import (
	"context"
	"errors"
	"strconv"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
)

// ListReplicationPolicies answers GET /replication/policies.
func (s *Server) ListReplicationPolicies(ctx context.Context, r gen.ListReplicationPoliciesRequestObject) (gen.ListReplicationPoliciesResponseObject, error) {
	list, err := listing(ctx, replication.HasPolicyKey)
	if err != nil {
		return nil, err
	}
	list.Filters = append(list.Filters, containing("name", r.Params.Name)...)
	rows, total, err := s.Replication.List(ctx, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	shown, err := s.replicationPolicies(ctx, rows)
	return gen.ListReplicationPolicies200JSONResponse{Body: shown}, err
}

// CreateReplicationPolicy answers POST /replication/policies.
func (s *Server) CreateReplicationPolicy(ctx context.Context, r gen.CreateReplicationPolicyRequestObject) (gen.CreateReplicationPolicyResponseObject, error) {
	p, err := policyFrom(*r.Body)
	if err != nil {
		return nil, err
	}
	id, err := s.Replication.Create(ctx, callFrom(ctx).Principal, p)
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateReplicationPolicy201Response{}, s.warnOfPolling(ctx, id)
}

// GetReplicationPolicy answers GET /replication/policies/{id}.
func (s *Server) GetReplicationPolicy(ctx context.Context, r gen.GetReplicationPolicyRequestObject) (gen.GetReplicationPolicyResponseObject, error) {
	p, err := s.Replication.Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	shown, err := s.replicationPolicies(ctx, []replication.Policy{p})
	if err != nil {
		return nil, err
	}
	return gen.GetReplicationPolicy200JSONResponse(shown[0]), nil
}

// UpdateReplicationPolicy answers PUT /replication/policies/{id}.
func (s *Server) UpdateReplicationPolicy(ctx context.Context, r gen.UpdateReplicationPolicyRequestObject) (gen.UpdateReplicationPolicyResponseObject, error) {
	p, err := policyFrom(*r.Body)
	if err != nil {
		return nil, err
	}
	p.ID = r.ID
	if err := s.Replication.Update(ctx, callFrom(ctx).Principal, p); err != nil {
		return nil, err
	}
	return gen.UpdateReplicationPolicy200Response{}, s.warnOfPolling(ctx, r.ID)
}

// DeleteReplicationPolicy answers DELETE /replication/policies/{id}.
func (s *Server) DeleteReplicationPolicy(ctx context.Context, r gen.DeleteReplicationPolicyRequestObject) (gen.DeleteReplicationPolicyResponseObject, error) {
	return gen.DeleteReplicationPolicy200Response{}, s.Replication.Delete(ctx, callFrom(ctx).Principal, r.ID)
}

// warnOfPolling says what event_based means for a policy whose source is elsewhere.
func (s *Server) warnOfPolling(ctx context.Context, id int64) error {
	p, err := s.Replication.Get(ctx, id)
	if err == nil && p.Watched() {
		callFrom(ctx).Response.Add("Warning", `299 haven "the source is another registry: it is looked at each minute, and when /api/haven/v1/replication/policies/`+strconv.FormatInt(id, 10)+`/notify is asked to"`)
	}
	return err
}

// policyFrom is a policy as a client sent it. An absent registry is this one.
func policyFrom(sent gen.ReplicationPolicy) (replication.Policy, error) {
	p := replication.Policy{
		Name: sent.Name, Description: sent.Description, Namespace: sent.DestNamespace, ReplaceCount: -1, Deletion: sent.Deletion, Override: sent.Override, Enabled: sent.Enabled,
		CopyByChunk: sent.CopyByChunk != nil && *sent.CopyByChunk, SingleActive: sent.SingleActiveReplication != nil && *sent.SingleActiveReplication,
	}
	if sent.SrcRegistry != nil {
		p.Source = sent.SrcRegistry.ID
	}
	if sent.DestRegistry != nil {
		p.Destination = sent.DestRegistry.ID
	}
	if sent.DestNamespaceReplaceCount != nil {
		p.ReplaceCount = *sent.DestNamespaceReplaceCount
	}
	if sent.Speed != nil {
		p.Speed = int64(*sent.Speed)
	}
	if t := sent.Trigger; t != nil {
		p.Trigger = replication.Trigger(t.Type)
		if t.TriggerSettings != nil {
			p.Cron = t.TriggerSettings.Cron
		}
	}
	for _, f := range sent.Filters {
		filter, err := filterFrom(f)
		if err != nil {
			return p, err
		}
		p.Filters = append(p.Filters, filter)
	}
	return p, nil
}

// filterFrom reads a filter, whose value is a text, or of labels a list.
func filterFrom(sent gen.ReplicationFilter) (replication.Filter, error) {
	f := replication.Filter{Type: sent.Type, Decoration: sent.Decoration}
	switch v := sent.Value.(type) {
	case nil:
	case string:
		if f.Type == replication.ByLabel {
			return f, badRequest("the value of a label filter is a list of names")
		}
		f.Value = v
	case []any:
		if f.Type != replication.ByLabel {
			return f, badRequest("the value of a %s filter is a text", printable(f.Type))
		}
		for _, one := range v {
			name, ok := one.(string)
			if !ok {
				return f, badRequest("the value of a label filter is a list of names")
			}
			f.Labels = append(f.Labels, name)
		}
	default:
		return f, badRequest("the value of a filter is a text, or of labels a list of names")
	}
	return f, nil
}

// replicationPolicies shows policies with both of their registries, each of which is read once.
func (s *Server) replicationPolicies(ctx context.Context, rows []replication.Policy) ([]gen.ReplicationPolicy, error) {
	known := map[int64]gen.Registry{}
	registry := func(id int64) (*gen.Registry, error) {
		if shown, ok := known[id]; ok {
			return &shown, nil
		}
		e, err := s.Endpoints.Get(ctx, id)
		if errors.Is(err, fault.NotFound) {
			e, err = endpoint.Endpoint{ID: id}, nil // deleted just now
		}
		if err != nil {
			return nil, err
		}
		known[id] = registryJSON(e)
		shown := known[id]
		return &shown, nil
	}
	out := make([]gen.ReplicationPolicy, len(rows))
	for i, p := range rows {
		out[i] = policyJSON(p)
		var err error
		if out[i].SrcRegistry, err = registry(p.Source); err != nil {
			return nil, err
		}
		if out[i].DestRegistry, err = registry(p.Destination); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func policyJSON(p replication.Policy) gen.ReplicationPolicy {
	made, changed, speed := wire.Time(p.CreatedAt), wire.Time(p.UpdatedAt), int32(min(p.Speed, 1<<31-1))
	v := gen.ReplicationPolicy{
		ID: p.ID, Name: p.Name, Description: p.Description, DestNamespace: p.Namespace, DestNamespaceReplaceCount: &p.ReplaceCount,
		Trigger: &gen.ReplicationTrigger{Type: string(p.Trigger)}, ReplicateDeletion: p.Deletion, Deletion: p.Deletion, Override: p.Override, Enabled: p.Enabled,
		Speed: &speed, CopyByChunk: &p.CopyByChunk, SingleActiveReplication: &p.SingleActive, CreationTime: &made, UpdateTime: &changed, Relay: p.Relays(),
	}
	if p.Cron != "" {
		v.Trigger.TriggerSettings = &gen.ReplicationTriggerSettings{Cron: p.Cron}
	}
	if p.Trigger == replication.EventBased {
		v.EventsBy = "push"
		if p.Watched() {
			v.EventsBy = "polling"
		}
	}
	for _, f := range p.Filters {
		shown := gen.ReplicationFilter{Type: f.Type, Value: f.Value, Decoration: f.Decoration}
		if f.Type == replication.ByLabel {
			shown.Value = f.Labels
		}
		v.Filters = append(v.Filters, shown)
	}
	return v
}

// StartReplication answers POST /replication/executions.
func (s *Server) StartReplication(ctx context.Context, r gen.StartReplicationRequestObject) (gen.StartReplicationResponseObject, error) {
	id, err := s.Replication.Start(ctx, callFrom(ctx).Principal, r.Body.PolicyID)
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.StartReplication201Response{}, nil
}

// ListReplicationExecutions answers GET /replication/executions. It has filters of its own, and no q.
func (s *Server) ListReplicationExecutions(ctx context.Context, r gen.ListReplicationExecutionsRequestObject) (gen.ListReplicationExecutionsResponseObject, error) {
	list, err := listing(ctx, replication.HasExecutionKey)
	if err != nil {
		return nil, err
	}
	list.Filters = nil
	trigger := replication.Trigger(r.Params.Trigger)
	if trigger != "" && !replication.KnownTrigger(trigger) {
		return nil, badRequest("the trigger is manual, scheduled or event_based")
	}
	rows, total, err := s.Replication.Executions(ctx, replication.ExecutionFilter{Policy: r.Params.PolicyID, Status: replication.Status(r.Params.Status), Trigger: trigger}, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListReplicationExecutions200JSONResponse{Body: each(rows, replicationExecutionJSON)}, nil
}

// GetReplicationExecution answers GET /replication/executions/{id}.
func (s *Server) GetReplicationExecution(ctx context.Context, r gen.GetReplicationExecutionRequestObject) (gen.GetReplicationExecutionResponseObject, error) {
	e, err := s.Replication.Execution(ctx, r.ID)
	return gen.GetReplicationExecution200JSONResponse(replicationExecutionJSON(e)), err
}

// StopReplication answers PUT /replication/executions/{id}.
func (s *Server) StopReplication(ctx context.Context, r gen.StopReplicationRequestObject) (gen.StopReplicationResponseObject, error) {
	return gen.StopReplication200Response{}, s.Replication.Stop(ctx, callFrom(ctx).Principal, r.ID)
}

func replicationExecutionJSON(e replication.Execution) gen.ReplicationExecution {
	return gen.ReplicationExecution{
		ID: e.ID, PolicyID: e.Policy, Status: string(e.Status), StatusText: e.Text, Trigger: string(e.Trigger), StartTime: wire.Time(e.StartedAt), EndTime: wire.Time(e.EndedAt),
		Total: e.Counts.Total(), Failed: e.Counts.Failed, Succeed: e.Counts.Succeeded, InProgress: e.Counts.Waiting + e.Counts.Running, Stopped: e.Counts.Stopped,
	}
}

// ListReplicationTasks answers GET /replication/executions/{id}/tasks.
func (s *Server) ListReplicationTasks(ctx context.Context, r gen.ListReplicationTasksRequestObject) (gen.ListReplicationTasksResponseObject, error) {
	list, err := listing(ctx, replication.HasTaskKey)
	if err != nil {
		return nil, err
	}
	list.Filters = nil
	rows, total, err := s.Replication.Tasks(ctx, r.ID, replication.Status(r.Params.Status), list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListReplicationTasks200JSONResponse{Body: each(rows, replicationTaskJSON)}, nil
}

func replicationTaskJSON(t replication.Task) gen.ReplicationTask {
	began, ended := wire.Time(t.StartedAt), wire.Time(t.EndedAt)
	return gen.ReplicationTask{
		ID: t.ID, ExecutionID: t.Execution, Status: string(t.Status), JobID: strconv.FormatInt(t.ID, 10), Operation: t.Operation, ResourceType: t.Resource,
		SrcResource: t.Source, DstResource: t.Destination, StartTime: &began, EndTime: &ended,
	}
}

// GetReplicationLog answers GET /replication/executions/{id}/tasks/{task_id}/log.
func (s *Server) GetReplicationLog(ctx context.Context, r gen.GetReplicationLogRequestObject) (gen.GetReplicationLogResponseObject, error) {
	text, err := s.Replication.TaskLog(ctx, r.ID, r.TaskID)
	return gen.GetReplicationLog200TextResponse(text), err
}
