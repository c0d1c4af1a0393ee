package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
)

// ListAuditLogExts answers GET /auditlog-exts.
func (s *Server) ListAuditLogExts(ctx context.Context, _ gen.ListAuditLogExtsRequestObject) (gen.ListAuditLogExtsResponseObject, error) {
	rows, err := s.auditOfCaller(ctx)
	return gen.ListAuditLogExts200JSONResponse{Body: each(rows, auditExtJSON)}, err
}

// ListAuditLogs answers GET /audit-logs: the same rows in their older form.
func (s *Server) ListAuditLogs(ctx context.Context, _ gen.ListAuditLogsRequestObject) (gen.ListAuditLogsResponseObject, error) {
	rows, err := s.auditOfCaller(ctx)
	return gen.ListAuditLogs200JSONResponse{Body: each(rows, auditJSON)}, err
}

// GetLogExts answers GET /projects/{project_name}/auditlog-exts.
func (s *Server) GetLogExts(ctx context.Context, r gen.GetLogExtsRequestObject) (gen.GetLogExtsResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	rows, err := s.auditPage(ctx, audit.Scope{ProjectIDs: []int64{p.ID}})
	return gen.GetLogExts200JSONResponse{Body: each(rows, auditExtJSON)}, err
}

// GetLogs answers GET /projects/{project_name}/logs.
func (s *Server) GetLogs(ctx context.Context, r gen.GetLogsRequestObject) (gen.GetLogsResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	rows, err := s.auditPage(ctx, audit.Scope{ProjectIDs: []int64{p.ID}})
	return gen.GetLogs200JSONResponse{Body: each(rows, auditJSON)}, err
}

// ListAuditLogEventTypes answers GET /auditlog-exts/events.
func (s *Server) ListAuditLogEventTypes(context.Context, gen.ListAuditLogEventTypesRequestObject) (gen.ListAuditLogEventTypesResponseObject, error) {
	return gen.ListAuditLogEventTypes200JSONResponse(each(audit.EventTypes(), func(k event.Kind) gen.AuditLogEventType {
		return gen.AuditLogEventType{EventType: string(k)}
	})), nil
}

// auditOfCaller is a page of what the caller may read in the log over all projects; who may read none of
// them gets an empty page.
func (s *Server) auditOfCaller(ctx context.Context) ([]audit.Row, error) {
	p := callFrom(ctx).Principal
	if s.Authorizer.System(p, authz.Permission{Resource: authz.AuditLog, Action: authz.ListAll}) == nil {
		return s.auditPage(ctx, audit.Scope{All: true})
	}
	all, ids, err := s.Projects.IDsWith(ctx, p, authz.Permission{Resource: authz.Log, Action: authz.ListAll})
	if err != nil {
		return nil, err
	}
	if all { // a robot for every project, which makes it no reader of the system's own rows
		return s.auditPage(ctx, audit.Scope{All: true}, db.Filter{Key: "project_id", Op: db.Between, Values: []string{"1", ""}})
	}
	return s.auditPage(ctx, audit.Scope{ProjectIDs: ids})
}

func (s *Server) auditPage(ctx context.Context, scope audit.Scope, and ...db.Filter) ([]audit.Row, error) {
	list, err := listing(ctx, audit.HasKey)
	if err != nil {
		return nil, err
	}
	list.Filters = append(list.Filters, and...)
	rows, total, err := s.Audit.List(ctx, scope, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return rows, nil
}

func auditExtJSON(r audit.Row) gen.AuditLogExt {
	return gen.AuditLogExt{
		ID: r.ID, Username: r.Username, Resource: r.Resource, ResourceType: r.ResourceType, Operation: r.Operation,
		OperationDescription: r.Description, OperationResult: r.Success, ClientIP: r.Client, RequestID: r.RequestID, OpTime: wire.Time(r.At),
	}
}

func auditJSON(r audit.Row) gen.AuditLog {
	return gen.AuditLog{
		ID: r.ID, Username: r.Username, Resource: r.Resource, ResourceType: r.ResourceType, Operation: r.Operation, OpTime: wire.Time(r.At),
	}
}
