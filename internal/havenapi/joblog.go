package havenapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/rest"
)

// GetJobTaskLog answers GET /jobs/tasks/{task_id}/log.
func (s *Server) GetJobTaskLog(ctx context.Context, r gen.GetJobTaskLogRequestObject) (gen.GetJobTaskLogResponseObject, error) {
	after := r.Params.After
	if !r.Params.Follow {
		var all strings.Builder
		for {
			text, next, _, err := s.Jobs.Log(ctx, r.TaskID, after)
			if err != nil {
				return nil, err
			}
			all.WriteString(text)
			if next == after || all.Len() > job.MaxLog {
				return gen.GetJobTaskLog200TextResponse{Body: all.String(), Headers: gen.GetJobTaskLog200ResponseHeaders{XNextAfter: next}}, nil
			}
			after = next
		}
	}
	if last, err := strconv.ParseInt(rest.CallFrom(ctx).Request.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		after = last
	}
	t, err := s.Jobs.Task(ctx, r.TaskID)
	if err != nil {
		return nil, err
	}
	return logLive{live{
		ctx: ctx, s: s, places: s.followers,
		may:  func(p authz.Principal) error { return s.Authorizer.System(p, rest.CallFrom(ctx).Access.Permission) },
		next: s.linesOf(t.ID, after),
	}}, nil
}

type logLive struct{ live }

// VisitGetJobTaskLogResponse implements gen.GetJobTaskLogResponseObject.
func (l logLive) VisitGetJobTaskLogResponse(w http.ResponseWriter) error { return l.visit(w) }

// linesOf tells the lines of a task's log that come after so many bytes, and the task's end.
func (s *Server) linesOf(task, after int64) func(context.Context) (told, error) {
	return func(ctx context.Context) (told, error) {
		text, next, done, err := s.Jobs.Log(ctx, task, after)
		if err != nil {
			return told{}, err
		}
		out := told{more: next != after, ended: done}
		after = next
		if text != "" {
			out.message = event("log", strconv.FormatInt(next, 10), text)
		}
		if done {
			t, err := s.Jobs.Task(ctx, task)
			if err != nil {
				return told{}, err
			}
			out.message += event("end", strconv.FormatInt(next, 10), string(t.Status))
		}
		return out, nil
	}
}
