package havenapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/rest"
)

const (
	// maxFollowers is how many logs are followed at once, maxWatchers how many executions are watched, by all clients of this
	// process. Who comes then gets what is there, and comes again.
	maxFollowers = 64
	maxWatchers  = 256
	// liveEvery is how often is looked for something to tell; heartbeatEvery how long a stream is silent.
	liveEvery      = 700 * time.Millisecond
	heartbeatEvery = 15 * time.Second
	// askEvery is how often is asked whether who listens still may.
	askEvery = 3 * time.Second
	// liveFor bounds a stream.
	liveFor = 10 * time.Minute
	// sendTime is how long a client may take to accept what is sent.
	sendTime = 30 * time.Second
)

// told is something to tell: a message, "" for nothing yet; whether more is there at once; whether that was the last of it.
type told struct {
	message     string
	more, ended bool
}

// live is an answer of server-sent events that goes on until what it tells of ends. The context is the request's, which
// ends with it.
type live struct {
	ctx    context.Context
	s      *Server
	places chan struct{}
	may    func(authz.Principal) error // asked again and again
	next   func(context.Context) (told, error)
}

// visit writes the answer. What fails after the first byte ends the stream, and the client comes again.
func (l live) visit(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // else nginx would keep lines back
	w.WriteHeader(http.StatusOK)
	out := stream{w: w, control: http.NewResponseController(w)}
	defer out.release()
	wait := true
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		wait = false
	}
	ctx, cancel := context.WithTimeout(l.ctx, liveFor)
	defer cancel()
	if err := l.send(ctx, &out, wait); err != nil && ctx.Err() == nil {
		l.s.Log.WarnContext(ctx, "a live answer ended", "path", rest.CallFrom(ctx).URL.Path, "error", err)
	}
	return nil
}

// send sends what there is, and what comes, until that ends, the time is over, the server ends, the client goes or may
// hear no more.
func (l live) send(ctx context.Context, out *stream, wait bool) error {
	ticker := time.NewTicker(liveEvery)
	defer ticker.Stop()
	said, asked := time.Now(), time.Now()
	if err := out.write("retry: 3000\n\n"); err != nil {
		return nil // the client has gone
	}
	for {
		if time.Since(asked) > askEvery {
			if asked = time.Now(); !l.still(ctx) {
				return nil
			}
		}
		now, err := l.next(ctx)
		if err != nil {
			return err
		}
		if now.message == "" && time.Since(said) > heartbeatEvery {
			now.message = ": still there\n\n"
		}
		if now.message != "" {
			said = time.Now()
			if err := out.write(now.message); err != nil {
				return nil
			}
		}
		if now.ended {
			return nil
		}
		if now.more {
			continue
		}
		if !wait || l.s.Jobs.Draining() {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// still reports whether who listens is still who began, and still may.
func (l live) still(ctx context.Context) bool {
	c := rest.CallFrom(ctx)
	p, err := l.s.Auth.Principal(c.Request)
	return err == nil && p.Kind == c.Principal.Kind && p.ID == c.Principal.ID && l.may(p) == nil
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
