package admission

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"github.com/havenregistry/haven/internal/admission/kube"
)

const (
	eventSource = "haven-admission"
	eventReason = "ImageRefused"
	// eventsAtOnce and eventsPerSecond bound how much is written into the cluster, which keeps events for an hour.
	eventsAtOnce    = 25
	eventsPerSecond = 2
	// eventsWaiting are those that the cluster hasn't taken yet; more are dropped.
	eventsWaiting = 256
	// eventAgain is how long the same isn't told again: what makes pods tries for ever.
	eventAgain  = 5 * time.Minute
	eventTime   = 5 * time.Second
	maxEvent    = 1024
	maxRemember = 10_000
)

// cluster takes events: kube.Client.
type cluster interface {
	Tell(ctx context.Context, e kube.Event) error
}

// teller writes refusals into the cluster as events, for those who look at what didn't start. It never delays an answer:
// what it can't get rid of in time is dropped and counted.
type teller struct {
	cluster cluster
	clock   func() time.Time
	log     *slog.Logger
	queue   chan kube.Event
	limit   *rate.Limiter
	told    *otter.Cache[string, time.Time]

	written, dropped atomic.Int64
}

func newTeller(c cluster, clock func() time.Time, log *slog.Logger) *teller {
	return &teller{cluster: c, clock: clock, log: log, queue: make(chan kube.Event, eventsWaiting),
		limit: rate.NewLimiter(eventsPerSecond, eventsAtOnce),
		told:  otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxRemember})}
}

// refusal tells of what was refused, unless it was told just now.
func (t *teller) refusal(r *request, message string) {
	if t == nil || r.isDryRun() || r.Namespace == "" {
		return
	}
	e := kube.Event{About: subject(r), Reason: eventReason, Message: shorten(message, maxEvent), Component: eventSource, At: t.clock()}
	key := e.About.Kind + "/" + e.About.Namespace + "/" + e.About.Name + "/" + e.Message
	if at, ok := t.told.GetIfPresent(key); ok && e.At.Before(at.Add(eventAgain)) {
		return
	}
	t.told.Set(key, e.At)
	select {
	case t.queue <- e:
	default:
		t.dropped.Add(1)
	}
}

// run writes events until ctx ends.
func (t *teller) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-t.queue:
			if t.limit.Wait(ctx) != nil {
				return nil
			}
			t.write(ctx, e)
		}
	}
}

func (t *teller) write(ctx context.Context, e kube.Event) {
	ctx, cancel := context.WithTimeout(ctx, eventTime)
	defer cancel()
	if err := t.cluster.Tell(ctx, e); err != nil {
		t.dropped.Add(1)
		t.log.DebugContext(ctx, "an event is not written", "error", err)
		return
	}
	t.written.Add(1)
}

// subject is what people look at when pods don't come: what makes them, else the object itself. An object that was refused
// when it was made has no id yet, and maybe no whole name.
func subject(r *request) kube.Reference {
	var object struct {
		APIVersion string `json:"apiVersion"`
		Metadata   struct {
			Name            string `json:"name"`
			GenerateName    string `json:"generateName"`
			UID             string `json:"uid"`
			OwnerReferences []struct {
				APIVersion string `json:"apiVersion"`
				Kind       string `json:"kind"`
				Name       string `json:"name"`
				UID        string `json:"uid"`
				Controller bool   `json:"controller"`
			} `json:"ownerReferences"`
		} `json:"metadata"`
	}
	about := kube.Reference{Kind: r.Kind.Kind, Namespace: r.Namespace, Name: r.Name}
	if json.Unmarshal(r.Object, &object) != nil {
		return about
	}
	m := object.Metadata
	for _, o := range m.OwnerReferences {
		if o.Controller {
			return kube.Reference{APIVersion: o.APIVersion, Kind: o.Kind, Namespace: r.Namespace, Name: o.Name, UID: o.UID}
		}
	}
	about.APIVersion, about.UID = object.APIVersion, m.UID
	if about.Name == "" {
		about.Name = m.Name
	}
	if about.Name == "" {
		about.Name = m.GenerateName
	}
	return about
}
