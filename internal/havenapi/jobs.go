package havenapi

import (
	"context"
	"encoding/json"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/rest"
)

// ListJobExecutions answers GET /jobs/executions.
func (s *Server) ListJobExecutions(ctx context.Context, _ gen.ListJobExecutionsRequestObject) (gen.ListJobExecutionsResponseObject, error) {
	out, err := rest.List(ctx, job.HasExecutionKey, func(list db.List) ([]job.Execution, int64, error) {
		return s.Jobs.Executions(ctx, nil, nil, list)
	}, executionJSON)
	return gen.ListJobExecutions200JSONResponse{Body: out}, err
}

// GetJobExecution answers GET /jobs/executions/{execution_id}.
func (s *Server) GetJobExecution(ctx context.Context, r gen.GetJobExecutionRequestObject) (gen.GetJobExecutionResponseObject, error) {
	e, _, err := s.execution(ctx, r.ExecutionID)
	return gen.GetJobExecution200JSONResponse(executionJSON(e)), err
}

// StopJobExecution answers POST /jobs/executions/{execution_id}/stop.
func (s *Server) StopJobExecution(ctx context.Context, r gen.StopJobExecutionRequestObject) (gen.StopJobExecutionResponseObject, error) {
	e, _, err := s.execution(ctx, r.ExecutionID)
	if err != nil {
		return nil, err
	}
	return gen.StopJobExecution200Response{}, s.Jobs.Stop(ctx, e.ID)
}

// RetryJobExecution answers POST /jobs/executions/{execution_id}/retry.
func (s *Server) RetryJobExecution(ctx context.Context, r gen.RetryJobExecutionRequestObject) (gen.RetryJobExecutionResponseObject, error) {
	return gen.RetryJobExecution200Response{}, s.Jobs.Retry(ctx, r.ExecutionID)
}

// ListJobExecutionTasks answers GET /jobs/executions/{execution_id}/tasks.
func (s *Server) ListJobExecutionTasks(ctx context.Context, r gen.ListJobExecutionTasksRequestObject) (gen.ListJobExecutionTasksResponseObject, error) {
	if _, err := s.Jobs.Execution(ctx, r.ExecutionID); err != nil {
		return nil, err
	}
	out, err := s.tasks(ctx, r.ExecutionID)
	return gen.ListJobExecutionTasks200JSONResponse{Body: out}, err
}

// ListJobTasks answers GET /jobs/tasks.
func (s *Server) ListJobTasks(ctx context.Context, _ gen.ListJobTasksRequestObject) (gen.ListJobTasksResponseObject, error) {
	out, err := s.tasks(ctx, job.AllTasks)
	return gen.ListJobTasks200JSONResponse{Body: out}, err
}

// tasks is a page of an execution's tasks.
func (s *Server) tasks(ctx context.Context, execution int64) ([]gen.JobTask, error) {
	return rest.List(ctx, job.HasTaskKey, func(list db.List) ([]job.Task, int64, error) {
		return s.Jobs.Tasks(ctx, execution, list)
	}, taskJSON)
}

// GetJobTask answers GET /jobs/tasks/{task_id}.
func (s *Server) GetJobTask(ctx context.Context, r gen.GetJobTaskRequestObject) (gen.GetJobTaskResponseObject, error) {
	t, err := s.Jobs.Task(ctx, r.TaskID)
	return gen.GetJobTask200JSONResponse(taskJSON(t)), err
}

// StopJobTask answers POST /jobs/tasks/{task_id}/stop.
func (s *Server) StopJobTask(ctx context.Context, r gen.StopJobTaskRequestObject) (gen.StopJobTaskResponseObject, error) {
	return gen.StopJobTask200Response{}, s.Jobs.StopTask(ctx, r.TaskID)
}

// RetryJobTask answers POST /jobs/tasks/{task_id}/retry.
func (s *Server) RetryJobTask(ctx context.Context, r gen.RetryJobTaskRequestObject) (gen.RetryJobTaskResponseObject, error) {
	return gen.RetryJobTask200Response{}, s.Jobs.RetryTask(ctx, r.TaskID)
}

func executionJSON(e job.Execution) gen.JobExecution {
	c := e.Counts
	return gen.JobExecution{
		ID: e.ID, VendorType: string(e.Kind), VendorID: e.VendorID, Trigger: string(e.Trigger), StartedBy: e.By, Status: string(e.Status), StatusMessage: e.Message,
		ExtraAttrs:   attributes(e.Extra),
		Tasks:        gen.JobTaskCounts{Total: c.Total(), Waiting: c.Waiting, Running: c.Running, Stopped: c.Stopped, Failed: c.Failed, Succeeded: c.Succeeded},
		CreationTime: wire.Time(e.CreatedAt), StartTime: wire.TimeIfAny(e.StartedAt), EndTime: wire.TimeIfAny(e.EndedAt), UpdateTime: wire.Time(e.UpdatedAt),
	}
}

// taskJSON leaves out the payload: it is between those who queue a task and who does it.
func taskJSON(t job.Task) gen.JobTask {
	return gen.JobTask{
		ID: t.ID, ExecutionID: t.ExecutionID, VendorType: string(t.Kind), Status: string(t.Status), StatusMessage: t.Message, ExtraAttrs: attributes(t.Extra),
		GroupID: t.Group, Priority: t.Priority, Runs: t.Runs, Failures: t.Failures,
		CreationTime: wire.Time(t.CreatedAt), StartTime: wire.TimeIfAny(t.StartedAt), NextTryTime: wire.TimeIfAny(t.DueAt), EndTime: wire.TimeIfAny(t.EndedAt), UpdateTime: wire.Time(t.UpdatedAt),
	}
}

// attributes is what a job carries, where that is an object.
func attributes(extra json.RawMessage) map[string]any {
	var v map[string]any
	if err := json.Unmarshal(extra, &v); err != nil {
		return nil
	}
	return v
}
