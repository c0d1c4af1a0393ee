package havenapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/webhook"
)

// ListWebhooks answers GET /webhooks.
func (s *Server) ListWebhooks(ctx context.Context, _ gen.ListWebhooksRequestObject) (gen.ListWebhooksResponseObject, error) {
	out, err := rest.List(ctx, webhook.HasPolicyKey, func(list db.List) ([]webhook.Policy, int64, error) {
		return s.Webhooks.List(ctx, webhook.Whole, list)
	}, webhookJSON)
	return gen.ListWebhooks200JSONResponse{Body: out}, err
}

// CreateWebhook answers POST /webhooks.
func (s *Server) CreateWebhook(ctx context.Context, r gen.CreateWebhookRequestObject) (gen.CreateWebhookResponseObject, error) {
	id, err := s.Webhooks.Create(ctx, rest.CallFrom(ctx).Principal, webhook.Project{}, webhookFrom(*r.Body))
	if err != nil {
		return nil, err
	}
	rest.Created(ctx, id)
	return gen.CreateWebhook201Response{}, nil
}

// GetWebhook answers GET /webhooks/{webhook_policy_id}.
func (s *Server) GetWebhook(ctx context.Context, r gen.GetWebhookRequestObject) (gen.GetWebhookResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	p, err := s.Webhooks.Get(ctx, home.ID, r.WebhookPolicyID)
	return gen.GetWebhook200JSONResponse(webhookJSON(p)), err
}

// UpdateWebhook answers PUT /webhooks/{webhook_policy_id}.
func (s *Server) UpdateWebhook(ctx context.Context, r gen.UpdateWebhookRequestObject) (gen.UpdateWebhookResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err == nil {
		err = s.Webhooks.Update(ctx, rest.CallFrom(ctx).Principal, home, r.WebhookPolicyID, webhookFrom(*r.Body))
	}
	return gen.UpdateWebhook200Response{}, err
}

// DeleteWebhook answers DELETE /webhooks/{webhook_policy_id}.
func (s *Server) DeleteWebhook(ctx context.Context, r gen.DeleteWebhookRequestObject) (gen.DeleteWebhookResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err == nil {
		err = s.Webhooks.Delete(ctx, rest.CallFrom(ctx).Principal, home, r.WebhookPolicyID)
	}
	return gen.DeleteWebhook200Response{}, err
}

// TestWebhook answers POST /webhooks/{webhook_policy_id}/test.
func (s *Server) TestWebhook(ctx context.Context, r gen.TestWebhookRequestObject) (gen.TestWebhookResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	trials, err := s.Webhooks.Try(ctx, rest.CallFrom(ctx).Principal.Name, home, r.WebhookPolicyID)
	out := gen.TestWebhook200JSONResponse{}
	for _, v := range trials {
		out = append(out, gen.WebhookTest{
			TargetID: v.Target.ID, Address: v.Target.Address, Delivered: v.Delivered, Complaint: v.Complaint, Answer: v.Answer, AnswerBody: v.AnswerBody, TookMs: v.TookMillis,
			RequestHead: v.RequestHead, RequestBody: v.RequestBody,
		})
	}
	return out, err
}

// RedeliverWebhook answers POST /webhooks/{webhook_policy_id}/redeliver.
func (s *Server) RedeliverWebhook(ctx context.Context, r gen.RedeliverWebhookRequestObject) (gen.RedeliverWebhookResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	n, err := s.Webhooks.RedeliverFailed(ctx, home.ID, r.WebhookPolicyID)
	return gen.RedeliverWebhook200JSONResponse{Deliveries: n}, err
}

// ListWebhookDeliveries answers GET /webhooks/{webhook_policy_id}/deliveries.
func (s *Server) ListWebhookDeliveries(ctx context.Context, r gen.ListWebhookDeliveriesRequestObject) (gen.ListWebhookDeliveriesResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	out, err := rest.List(ctx, webhook.HasDeliveryKey, func(list db.List) ([]webhook.Delivery, int64, error) {
		return s.Webhooks.Deliveries(ctx, home.ID, r.WebhookPolicyID, list)
	}, deliveryJSON)
	return gen.ListWebhookDeliveries200JSONResponse{Body: out}, err
}

// GetWebhookDelivery answers GET /webhooks/{webhook_policy_id}/deliveries/{delivery_id}.
func (s *Server) GetWebhookDelivery(ctx context.Context, r gen.GetWebhookDeliveryRequestObject) (gen.GetWebhookDeliveryResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err != nil {
		return nil, err
	}
	x, err := s.Webhooks.Exchange(ctx, home.ID, r.WebhookPolicyID, r.DeliveryID)
	v := deliveryJSON(x.Delivery)
	v.Address, v.AnswerBody, v.RequestHead, v.RequestBody = x.Address, x.AnswerBody, x.RequestHead, x.RequestBody
	return gen.GetWebhookDelivery200JSONResponse(v), err
}

// RedeliverWebhookDelivery answers POST /webhooks/{webhook_policy_id}/deliveries/{delivery_id}/redeliver.
func (s *Server) RedeliverWebhookDelivery(ctx context.Context, r gen.RedeliverWebhookDeliveryRequestObject) (gen.RedeliverWebhookDeliveryResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err == nil {
		err = s.Webhooks.Redeliver(ctx, home.ID, r.WebhookPolicyID, r.DeliveryID)
	}
	return gen.RedeliverWebhookDelivery202Response{}, err
}

// CancelWebhookDelivery answers POST /webhooks/{webhook_policy_id}/deliveries/{delivery_id}/cancel.
func (s *Server) CancelWebhookDelivery(ctx context.Context, r gen.CancelWebhookDeliveryRequestObject) (gen.CancelWebhookDeliveryResponseObject, error) {
	home, err := s.homeOfWebhook(ctx, r.WebhookPolicyID)
	if err == nil {
		err = s.Webhooks.CallOff(ctx, home.ID, r.WebhookPolicyID, r.DeliveryID)
	}
	return gen.CancelWebhookDelivery200Response{}, err
}

// homeOfWebhook finds where a policy belongs and asks the operation's permission there; for one of all projects, the same on
// the configuration. To who may not, it isn't there (S19).
func (s *Server) homeOfWebhook(ctx context.Context, id int64) (webhook.Project, error) {
	c := rest.CallFrom(ctx)
	if !c.Principal.Authenticated() {
		return webhook.Project{}, authz.ErrUnauthenticated
	}
	home := webhook.Project{}
	projectID, err := s.Webhooks.Home(ctx, id)
	switch {
	case err != nil:
	case projectID == webhook.Whole:
		action := c.Access.Permission.Action
		if action == authz.Delete {
			action = authz.Update // there is no right to delete a configuration
		}
		err = s.frame.System(c, authz.Permission{Resource: authz.SystemConfig, Action: action})
	default:
		p, missing := s.Projects.Get(ctx, projectID)
		home = webhook.Project{ID: p.ID, Name: p.Name}
		err = s.frame.Project(ctx, p.Object(), missing, c.Access.Permission)
	}
	if errors.Is(err, fault.NotFound) || errors.Is(err, authz.ErrForbidden) {
		return home, fault.NotFoundf("webhook policy %d not found", id)
	}
	return home, err
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

// webhookJSON shows no secrets.
func webhookJSON(p webhook.Policy) gen.WebhookPolicy {
	made, changed := wire.Time(p.CreatedAt), wire.Time(p.UpdatedAt)
	v := gen.WebhookPolicy{
		ID: p.ID, Name: p.Name, Description: p.Description, ProjectID: p.ProjectID, Enabled: p.Enabled, Creator: p.Creator, CreationTime: &made, UpdateTime: &changed,
	}
	for _, t := range p.EventTypes {
		v.EventTypes = append(v.EventTypes, string(t))
	}
	for _, t := range p.Targets {
		shown := gen.WebhookTargetObject{
			Type: string(t.Type), Address: t.Address, SkipCertVerify: t.SkipVerify, PayloadFormat: string(t.Format), Failures: t.Failures, Complaint: t.Complaint, Lost: t.Lost,
		}
		if t.AuthHeader != "" {
			shown.AuthHeader = webhook.Hidden
		}
		if t.Signed {
			shown.SigningSecret = new(webhook.Hidden)
		}
		v.Targets = append(v.Targets, shown)
	}
	return v
}

func deliveryJSON(d webhook.Delivery) gen.WebhookDelivery {
	return gen.WebhookDelivery{
		ID: d.ID, UUID: d.UUID, TargetID: d.TargetID, EventType: string(d.EventType), Subject: d.Subject, Operator: d.Operator, OccurredAt: wire.Time(d.OccurredAt),
		Status: d.TaskStatus(), Complaint: d.Complaint, Attempts: d.Attempts, QueuedAt: wire.Time(d.QueuedAt), EndedAt: wire.TimeIfAny(d.EndedAt), NextTryAt: wire.TimeIfAny(d.DueAt),
		TriedAt: wire.TimeIfAny(d.TriedAt), TookMs: d.Took.Milliseconds(), Answer: d.Answer,
	}
}
