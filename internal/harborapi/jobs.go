package harborapi

import (
	"context"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/job"
)

// everything is the name that stands for all pools, jobs and queues. Harbor doesn't mind its case.
const everything = "all"

// GetWorkerPools answers GET /jobservice/pools.
func (s *Server) GetWorkerPools(ctx context.Context, _ gen.GetWorkerPoolsRequestObject) (gen.GetWorkerPoolsResponseObject, error) {
	pools, err := s.Jobs.Pools(ctx)
	if err != nil {
		return nil, err
	}
	return gen.GetWorkerPools200JSONResponse(each(pools, func(p job.Pool) gen.WorkerPool {
		return gen.WorkerPool{
			WorkerPoolID: p.ID, Host: p.Host, Pid: p.PID, Concurrency: p.Concurrency, StartAt: wire.Time(p.StartedAt), HeartbeatAt: wire.Time(p.HeartbeatAt),
		}
	})), nil
}

// GetWorkers answers GET /jobservice/pools/{pool_id}/workers.
func (s *Server) GetWorkers(ctx context.Context, r gen.GetWorkersRequestObject) (gen.GetWorkersResponseObject, error) {
	pool := r.PoolID
	if strings.EqualFold(pool, everything) {
		pool = job.AllPools
	}
	workers, err := s.Jobs.Workers(ctx, pool)
	if err != nil {
		return nil, err
	}
	return gen.GetWorkers200JSONResponse(each(workers, workerJSON)), nil
}

// workerJSON tells nothing but the ids of one that has nothing to do.
func workerJSON(v job.Worker) gen.Worker {
	w := gen.Worker{ID: v.ID, PoolID: v.PoolID}
	if v.Kind != "" {
		start, check := wire.Time(v.StartedAt), wire.Time(v.CheckedAt)
		w.JobName, w.JobID, w.StartAt, w.CheckinAt = string(v.Kind), strconv.FormatInt(v.TaskID, 10), &start, &check
	}
	return w
}

// StopRunningJob answers PUT /jobservice/jobs/{job_id}.
func (s *Server) StopRunningJob(ctx context.Context, r gen.StopRunningJobRequestObject) (gen.StopRunningJobResponseObject, error) {
	if strings.EqualFold(r.JobID, everything) {
		return gen.StopRunningJob200Response{}, s.Jobs.StopRunning(ctx)
	}
	id, err := taskID(r.JobID)
	if err != nil {
		return nil, err
	}
	return gen.StopRunningJob200Response{}, s.Jobs.StopTask(ctx, id)
}

// ActionGetJobLog answers GET /jobservice/jobs/{job_id}/log.
func (s *Server) ActionGetJobLog(ctx context.Context, r gen.ActionGetJobLogRequestObject) (gen.ActionGetJobLogResponseObject, error) {
	id, err := taskID(r.JobID)
	if err != nil {
		return nil, err
	}
	text, err := s.Jobs.WholeLog(ctx, id)
	return gen.ActionGetJobLog200TextResponse(text), err
}

// taskID reads Harbor's id of a job, which is a text there.
func taskID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.NotFoundf("job %s not found", printable(text))
	}
	return id, nil
}

// ListJobQueues answers GET /jobservice/queues.
func (s *Server) ListJobQueues(ctx context.Context, _ gen.ListJobQueuesRequestObject) (gen.ListJobQueuesResponseObject, error) {
	queues, err := s.Jobs.Queues(ctx)
	if err != nil {
		return nil, err
	}
	return gen.ListJobQueues200JSONResponse(each(queues, func(q job.Queue) gen.JobQueue {
		return gen.JobQueue{JobType: string(q.Kind), Count: q.Count, Latency: int64(q.Latency.Seconds()), Paused: q.Paused}
	})), nil
}

// ActionPendingJobs answers PUT /jobservice/queues/{job_type}.
func (s *Server) ActionPendingJobs(ctx context.Context, r gen.ActionPendingJobsRequestObject) (gen.ActionPendingJobsResponseObject, error) {
	queues, err := s.Jobs.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var kinds []job.Kind
	for _, q := range queues {
		if strings.EqualFold(r.JobType, everything) || strings.EqualFold(r.JobType, string(q.Kind)) {
			kinds = append(kinds, q.Kind)
		}
	}
	if len(kinds) == 0 {
		return nil, fault.NotFoundf("job queue %s not found", printable(r.JobType))
	}
	switch r.Body.Action {
	case gen.Pause:
		err = s.Jobs.Pause(ctx, kinds...)
	case gen.Resume:
		err = s.Jobs.Resume(ctx, kinds...)
	case gen.Stop:
		err = s.Jobs.StopWaiting(ctx, kinds...)
	default:
		err = badRequest("the action can only be stop, pause or resume")
	}
	return gen.ActionPendingJobs200Response{}, err
}
