package admission

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/havenregistry/haven/internal/admission/kube"
)

// clusterOf takes events in the time that it is told.
type clusterOf struct {
	takes  time.Duration
	err    error
	events chan kube.Event
}

func (c clusterOf) Tell(_ context.Context, e kube.Event) error {
	time.Sleep(c.takes)
	if c.err != nil {
		return c.err
	}
	c.events <- e
	return nil
}

func asked(t *testing.T, name string, owner bool) *request {
	p := pod("a:1")
	p.Name, p.GenerateName, p.UID = "", name+"-", ""
	if owner {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{Kind: "Node", Name: "n"}, {APIVersion: "apps/v1", Kind: "ReplicaSet", Name: name, UID: "u", Controller: &yes}}
	}
	return &request{Kind: kind{Version: "v1", Kind: "Pod"}, Namespace: "default", Object: encode(t, p)}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clusterOf{events: make(chan kube.Event, 1000)}
		teller := newTeller(c, time.Now, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- teller.run(ctx) }()
		long := strings.Repeat("x", 5000)
		teller.refusal(asked(t, "web", true), long)
		teller.refusal(asked(t, "web", true), long) // the same: once
		teller.refusal(asked(t, "web", false), "y")
		dry := true
		teller.refusal(&request{Namespace: "default", DryRun: &dry}, "z")
		synctest.Wait()
		first, second := <-c.events, <-c.events
		if len(first.Message) > maxEvent || first.About != (kube.Reference{APIVersion: "apps/v1", Kind: "ReplicaSet", Namespace: "default", Name: "web", UID: "u"}) {
			t.Errorf("got %+v", first)
		}
		if second.About != (kube.Reference{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "web-"}) || second.Reason != "ImageRefused" {
			t.Errorf("got %+v", second)
		}
		if len(c.events) > 0 {
			t.Errorf("one more: %+v", <-c.events)
		}
		time.Sleep(eventAgain)
		teller.refusal(asked(t, "web", true), long)
		synctest.Wait()
		if len(c.events) != 1 {
			t.Error("after a while it isn't told again")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A flood is dropped, not waited for, and what is written is bounded in time.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clusterOf{events: make(chan kube.Event, 1000)}
		teller := newTeller(c, time.Now, slog.New(slog.DiscardHandler))
		begun := time.Now()
		for i := range 1000 {
			teller.refusal(asked(t, fmt.Sprint(i), true), "x")
		}
		if took := time.Since(begun); took > 0 || teller.dropped.Load() != 1000-eventsWaiting {
			t.Errorf("it took %s, %d were dropped", took, teller.dropped.Load())
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		if err := teller.run(ctx); err != nil {
			t.Error(err)
		}
		if n := len(c.events); n < eventsAtOnce || n > eventsAtOnce+10*eventsPerSecond {
			t.Errorf("%d events in 10 s", n)
		}
	})
}

func TestAClusterThatTakesNoEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		teller := newTeller(clusterOf{err: errors.New("forbidden")}, time.Now, slog.New(slog.DiscardHandler))
		teller.refusal(asked(t, "a", false), "x")
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := teller.run(ctx); err != nil || teller.dropped.Load() != 1 || teller.written.Load() != 0 {
			t.Errorf("%v, %d dropped", err, teller.dropped.Load())
		}
	})
}
