package havenapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/rest"
)

const (
	// maxFollowers is how many logs are followed at once. Who comes then gets what is there, and is told to come
	// again.
	maxFollowers = 64
	// followEvery is how often a log that is followed is looked at; heartbeatEvery how long a stream is silent.
	followEvery    = 700 * time.Millisecond
	heartbeatEvery = 15 * time.Second
	// followFor bounds a stream. The client's rights are looked at when it connects again.
	followFor = 10 * time.Minute
	// sendTime is how long a client may take to accept what is sent.
	sendTime = 30 * time.Second
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
	return following{ctx: ctx, s: s, task: t.ID, after: after}, nil
}

// following is the answer that goes on until the task ends. The context is the request's, which ends with it.
type following struct {
	ctx   context.Context
	s     *Server
	task  int64
	after int64
}

// VisitGetJobTaskLogResponse implements gen.GetJobTaskLogResponseObject. What fails after the first byte ends the
// stream, and the client comes again.
func (f following) VisitGetJobTaskLogResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // else nginx would keep lines back
	w.WriteHeader(http.StatusOK)
	out := stream{w: w, control: http.NewResponseController(w)}
	defer out.release()
	wait := true
	select {
	case f.s.followers <- struct{}{}:
		defer func() { <-f.s.followers }()
	default:
		wait = false
	}
	ctx, cancel := context.WithTimeout(f.ctx, followFor)
	defer cancel()
	if err := f.send(ctx, &out, wait); err != nil && ctx.Err() == nil {
		f.s.Log.WarnContext(ctx, "following a log failed", "task", f.task, "error", err)
	}
	return nil
}

// send sends what there is, and what comes, until the task ends, the time is over, the server ends or the client goes.
func (f following) send(ctx context.Context, out *stream, wait bool) error {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	said := time.Now()
	if err := out.write("retry: 3000\n\n"); err != nil {
		return nil // the client has gone
	}
	for {
		text, next, done, err := f.s.Jobs.Log(ctx, f.task, f.after)
		if err != nil {
			return err
		}
		message := ""
		switch {
		case text != "":
			message = event("log", strconv.FormatInt(next, 10), text)
		case time.Since(said) > heartbeatEvery:
			message = ": still there\n\n"
		}
		if done {
			t, err := f.s.Jobs.Task(ctx, f.task)
			if err != nil {
				return err
			}
			message += event("end", strconv.FormatInt(next, 10), string(t.Status))
		}
		if message != "" {
			said = time.Now()
			if err := out.write(message); err != nil || done {
				return nil
			}
		}
		more := next != f.after
		f.after = next
		if more {
			continue
		}
		if !wait || f.s.Jobs.Draining() {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// event is a server-sent event, a line of the text in each line of data.
func event(name, id, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "event: %s\nid: %s\n", name, id)
	for line := range strings.Lines(text) {
		b.WriteString("data: " + strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\r", "") + "\n")
	}
	b.WriteString("\n")
	return b.String()
}

// stream writes to a client that may stop reading.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *stream) write(text string) error {
	// A recorder of tests has no deadline, and needs none.
	_ = s.control.SetWriteDeadline(time.Now().Add(sendTime))
	if _, err := bytes.NewBufferString(text).WriteTo(s.w); err != nil {
		return err
	}
	return s.control.Flush()
}

// release takes the deadline from the connection, which serves other requests then.
func (s *stream) release() { _ = s.control.SetWriteDeadline(time.Time{}) }
