package harborapi

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/scan"
)

// ExportScanData answers POST /export/cve.
func (s *Server) ExportScanData(ctx context.Context, r gen.ExportScanDataRequestObject) (gen.ExportScanDataResponseObject, error) {
	c := callFrom(ctx)
	if len(r.Body.Projects) != 1 {
		c.Decided = true // nothing was looked at
		return nil, badRequest("only support export scan data for a single project")
	}
	p, err := s.projectByID(ctx, r.Body.Projects[0])
	if err != nil {
		return nil, err
	}
	if r.Params.XScanDataType != reportType {
		return nil, badRequest("only support scan data type: %s", reportType)
	}
	sel := scan.Selection{Name: r.Body.JobName, ProjectID: p.ID, Project: p.Name, Labels: r.Body.Labels}
	for _, part := range []struct {
		text string
		list *[]string
	}{{r.Body.Repositories, &sel.Repositories}, {r.Body.Tags, &sel.Tags}, {r.Body.CveIds, &sel.CVEs}} {
		if *part.list, err = scan.Patterns(part.text); err != nil {
			return nil, err
		}
	}
	id, err := s.Scans.Export(ctx, c.Principal, sel)
	return gen.ExportScanData200JSONResponse{ID: id}, err
}

// GetScanDataExportExecution answers GET /export/cve/execution/{execution_id}, of the caller's own.
func (s *Server) GetScanDataExportExecution(ctx context.Context, r gen.GetScanDataExportExecutionRequestObject) (gen.GetScanDataExportExecutionResponseObject, error) {
	x, err := s.Scans.GetExport(ctx, callFrom(ctx).Principal, r.ExecutionID)
	return gen.GetScanDataExportExecution200JSONResponse(exportJSON(x)), err
}

// GetScanDataExportExecutionList answers GET /export/cve/executions.
func (s *Server) GetScanDataExportExecutionList(ctx context.Context, _ gen.GetScanDataExportExecutionListRequestObject) (gen.GetScanDataExportExecutionListResponseObject, error) {
	all, err := s.Scans.Exports(ctx, callFrom(ctx).Principal)
	return gen.GetScanDataExportExecutionList200JSONResponse{Items: each(all, exportJSON)}, err
}

func exportJSON(x scan.Export) gen.ScanDataExportExecution {
	return gen.ScanDataExportExecution{
		ID: x.ID, UserID: x.Owner, UserName: x.OwnerName, Status: string(x.Status), StatusText: x.Message, Trigger: string(x.Trigger),
		StartTime: wire.Time(x.StartedAt), EndTime: wire.Time(x.EndedAt), FilePresent: x.Ready,
	}
}

// DownloadScanData answers GET /export/cve/download/{execution_id}. The file is gone when it was sent whole. Whoever
// lost their rights in the project since they asked for it gets nothing.
func (s *Server) DownloadScanData(ctx context.Context, r gen.DownloadScanDataRequestObject) (gen.DownloadScanDataResponseObject, error) {
	c := callFrom(ctx)
	x, err := s.Scans.GetExport(ctx, c.Principal, r.ExecutionID)
	if err != nil {
		return nil, err
	}
	p, err := s.Projects.Get(ctx, x.ProjectID)
	if err := s.frame.Project(ctx, p.Object(), err, authz.Permission{Resource: authz.ExportCVE, Action: authz.Read}); err != nil {
		return nil, err
	}
	file, err := s.Scans.Fetch(ctx, c.Principal, x.ID)
	if err != nil {
		return nil, err
	}
	return exportFile{file, x.ID}, nil
}

// exportFile is streamed: it may be large.
type exportFile struct {
	content io.ReadCloser
	id      int64
}

// VisitDownloadScanDataResponse implements gen.DownloadScanDataResponseObject.
func (f exportFile) VisitDownloadScanDataResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/csv")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("scandata_export_%d.csv", f.id)))
	w.WriteHeader(http.StatusOK)
	_, err := io.Copy(w, f.content)
	if closing := f.content.Close(); err == nil {
		err = closing
	}
	return err
}
