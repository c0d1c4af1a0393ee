package havenapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/rest"
)

// ListJobsUnderway answers GET /jobs/underway.
func (s *Server) ListJobsUnderway(ctx context.Context, _ gen.ListJobsUnderwayRequestObject) (gen.ListJobsUnderwayResponseObject, error) {
	out := gen.ListJobsUnderway200JSONResponse{Executions: []gen.JobExecution{}}
	p := rest.CallFrom(ctx).Principal
	var of *job.Starter
	if s.Authorizer.System(p, authz.Permission{Resource: authz.JobServiceMonitor, Action: authz.ListAll}) != nil {
		if p.Kind != authz.User {
			return out, nil
		}
		starter, err := s.starter(ctx, p)
		if err != nil {
			return nil, err
		}
		of = &starter
	}
	page, more, err := s.Jobs.Underway(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, e := range page {
		out.Executions = append(out.Executions, executionJSON(e))
	}
	out.More = more
	return out, nil
}

// starter is a user as one who begins executions.
func (s *Server) starter(ctx context.Context, p authz.Principal) (job.Starter, error) {
	u, err := s.Identity.GetUser(ctx, p.ID)
	return job.Starter{Name: p.Name, Since: u.CreatedAt}, err
}

// execution loads an execution for who has the operation's permission for all of them, and for the user who began it: own
// says that this is why. To others it is like one that isn't there.
func (s *Server) execution(ctx context.Context, id int64) (e job.Execution, own bool, err error) {
	c := rest.CallFrom(ctx)
	e, loading := s.Jobs.Execution(ctx, id)
	refused := s.frame.System(c, c.Access.Permission)
	if refused == nil {
		return e, false, loading
	}
	if loading != nil || c.Principal.Kind != authz.User {
		return job.Execution{}, false, refused
	}
	starter, err := s.starter(ctx, c.Principal)
	switch {
	case err != nil:
		return job.Execution{}, false, err
	case !starter.Began(e):
		return job.Execution{}, false, refused
	}
	return e, true, nil
}

// WatchJobExecution answers GET /jobs/executions/{execution_id}/watch.
func (s *Server) WatchJobExecution(ctx context.Context, r gen.WatchJobExecutionRequestObject) (gen.WatchJobExecutionResponseObject, error) {
	e, own, err := s.execution(ctx, r.ExecutionID)
	if err != nil {
		return nil, err
	}
	watch := s.Jobs.Watch(e.ID)
	return watchLive{live{
		ctx: ctx, s: s, places: s.watchers, next: changesOf(watch),
		may: func(p authz.Principal) error {
			if own {
				return nil // it is the same user
			}
			return s.Authorizer.System(p, rest.CallFrom(ctx).Access.Permission)
		},
	}, watch}, nil
}

type watchLive struct {
	live
	watch *job.Watch
}

// VisitWatchJobExecutionResponse implements gen.WatchJobExecutionResponseObject.
func (l watchLive) VisitWatchJobExecutionResponse(w http.ResponseWriter) error {
	defer l.watch.Leave()
	return l.visit(w)
}

// changesOf tells what changes of an execution and its tasks, and its end.
func changesOf(watch *job.Watch) func(context.Context) (told, error) {
	number := 0
	return func(ctx context.Context) (told, error) {
		e, changed, tasks, err := watch.Next(ctx)
		if err != nil {
			return told{}, err
		}
		var b strings.Builder
		tell := func(name string, v any) {
			if text, failed := json.Marshal(v); failed == nil {
				number++
				b.WriteString(event(name, strconv.Itoa(number), string(text)))
			} else {
				err = failed
			}
		}
		if changed {
			tell("execution", executionJSON(e))
		}
		for _, t := range tasks {
			tell("task", taskJSON(t))
		}
		if e.Status.Ended() {
			number++
			b.WriteString(event("end", strconv.Itoa(number), string(e.Status)))
		}
		return told{message: b.String(), ended: e.Status.Ended()}, err
	}
}
