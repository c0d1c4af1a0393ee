package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var quiet = slog.New(slog.DiscardHandler)

// recorder writes a row for each event, as real listeners do.
type recorder struct{}

func (recorder) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	for _, e := range events {
		if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2)`, fmt.Sprintf("%s/%06d", e.Resource, e.ID), e.Description); err != nil {
			return err
		}
	}
	return nil
}

// listenerFunc is a listener of a test.
type listenerFunc func(ctx context.Context, tx db.Tx, events []event.Event) error

func (f listenerFunc) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	return f(ctx, tx, events)
}

func appendEvents(t *testing.T, d *db.DB, resources ...string) {
	t.Helper()
	err := d.Write(t.Context(), func(tx db.Tx) error {
		for _, r := range resources {
			if err := event.Append(t.Context(), tx, event.Event{Kind: event.DeleteProject, By: "ann", Resource: r, Success: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *db.DB, query string) int64 {
	t.Helper()
	n, err := db.Get(t.Context(), d.Auto(), db.ScanInt, query)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	recorded = `SELECT COUNT(*) FROM setting`
	waiting  = `SELECT COUNT(*) FROM event`
)

func TestEventArrivesAsItWasAppended(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
		sent := event.Event{
			Kind: event.PullArtifact, At: at, By: "ann", ProjectID: 7, Project: "p", Repository: "p/r", Tag: "v1", Digest: "sha256:00",
			Resource: "p/r:v1", Description: "pull artifact: p/r@sha256:00", Success: true, Detail: []byte(`{"a":1}`),
		}
		err := d.Write(t.Context(), func(tx db.Tx) error {
			if err := event.Append(t.Context(), tx, sent); err != nil {
				return err
			}
			return event.Append(t.Context(), tx, event.Event{Kind: event.UpdateMember, At: at, Resource: "p/bob"})
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []event.Event
		dispatcher := event.NewDispatcher(d, quiet, listenerFunc(func(_ context.Context, _ db.Tx, events []event.Event) error {
			got = events
			return nil
		}))
		if err := dispatcher.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 {
			t.Fatalf("got %d events, want 2", len(got))
		}
		sent.ID, sent.Operation, sent.ResourceType = got[0].ID, "pull", "artifact"
		if fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", sent) {
			t.Errorf("got\n%+v, want\n%+v", got[0], sent)
		}
		if e := got[1]; e.Operation != "update" || e.ResourceType != "member" || e.Description != "update member: p/bob" || e.Success {
			t.Errorf("got %+v; want operation, type and description from the kind, and no success", e)
		}
	})
}

func TestRolledBackEventNeverWas(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		boom := errors.New("boom")
		err := d.Write(t.Context(), func(tx db.Tx) error {
			return errors.Join(event.Append(t.Context(), tx, event.Event{Kind: event.CreateProject, Resource: "p"}), boom)
		})
		if !errors.Is(err, boom) {
			t.Fatalf("got %v, want boom", err)
		}
		if n := count(t, d, waiting); n != 0 {
			t.Fatalf("%d events wait, want none", n)
		}
	})
}

// A dispatcher that dies after its listeners worked, and before the commit, leaves nothing behind; the
// next one does the work once.
func TestCrashBetweenDoublesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		appendEvents(t, d, "a", "b", "c")
		ctx, kill := context.WithCancel(t.Context())
		dying := event.NewDispatcher(d, quiet, recorder{}, listenerFunc(func(context.Context, db.Tx, []event.Event) error {
			kill()
			return ctx.Err()
		}))
		if err := dying.Drain(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want the cancellation", err)
		}
		if r, w := count(t, d, recorded), count(t, d, waiting); r != 0 || w != 3 {
			t.Fatalf("after the crash %d rows are recorded and %d events wait, want 0 and 3", r, w)
		}
		if err := event.NewDispatcher(d, quiet, recorder{}).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, w := count(t, d, recorded), count(t, d, waiting); r != 3 || w != 0 {
			t.Fatalf("after the restart %d rows are recorded and %d events wait, want 3 and 0", r, w)
		}
	})
}

// More events than a batch holds, handled by two dispatchers while they are still appended: each once.
func TestEachEventOnceWithTwoDispatchers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const writers, each = 4, 120
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for i := range each / 10 {
					names := make([]string, 10)
					for j := range names {
						names[j] = fmt.Sprint("p", i)
					}
					appendEvents(t, d, names...)
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				for range 5 {
					if err := event.NewDispatcher(d, quiet, recorder{}).Drain(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := event.NewDispatcher(d, quiet, recorder{}).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, w := count(t, d, recorded), count(t, d, waiting); r != writers*each || w != 0 {
			t.Fatalf("%d rows are recorded and %d events wait, want %d and 0", r, w, writers*each)
		}
	})
}

// One event that a listener always refuses holds up no other, and is set aside in the end.
func TestPoisonIsSetAside(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		appendEvents(t, d, "a", "poison", "b")
		refused := 0
		dispatcher := event.NewDispatcher(d, quiet, recorder{}, listenerFunc(func(_ context.Context, _ db.Tx, events []event.Event) error {
			for _, e := range events {
				if e.Resource == "poison" {
					refused++
					return errors.New("can't stomach this")
				}
			}
			return nil
		}))
		drain := func() {
			t.Helper()
			if err := dispatcher.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		drain()
		if r, w := count(t, d, recorded), count(t, d, waiting); r != 2 || w != 1 {
			t.Fatalf("%d rows are recorded and %d events wait, want 2 and 1", r, w)
		}
		for range 20 { // as if the pauses between the attempts had passed
			err := d.Write(t.Context(), func(tx db.Tx) error {
				_, err := tx.Exec(t.Context(), `UPDATE event SET retry_at = 1 WHERE retry_at < 9000000000000000000`)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			drain()
		}
		if n := count(t, d, `SELECT attempts FROM event`); n != 6 {
			t.Errorf("the event was counted as tried %d times, want 6", n)
		}
		before := refused
		drain()
		if refused != before {
			t.Error("an event that was set aside is still tried")
		}
		appendEvents(t, d, "c")
		drain()
		if r, w := count(t, d, recorded), count(t, d, waiting); r != 3 || w != 1 {
			t.Errorf("%d rows are recorded and %d events wait, want 3 and the one set aside", r, w)
		}
	})
}

// A listener that panics ends no process, and holds up no other event.
func TestPanicIsARefusal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		appendEvents(t, d, "a", "poison", "b")
		dispatcher := event.NewDispatcher(d, quiet, recorder{}, listenerFunc(func(_ context.Context, _ db.Tx, events []event.Event) error {
			for _, e := range events {
				if e.Resource == "poison" {
					panic("can't stomach this")
				}
			}
			return nil
		}))
		if err := dispatcher.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, w := count(t, d, recorded), count(t, d, waiting); r != 2 || w != 1 {
			t.Errorf("%d rows are recorded and %d events wait, want 2 and 1", r, w)
		}
	})
}

// A row that can't be decoded is a poison too.
func TestBrokenRowHoldsUpNothing(t *testing.T) {
	d := dbtest.SQLite(t)
	err := d.Write(t.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO event (kind, body, created_at) VALUES ('create_project', '{', 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	appendEvents(t, d, "a")
	if err := event.NewDispatcher(d, quiet, recorder{}).Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, w := count(t, d, recorded), count(t, d, waiting); r != 1 || w != 1 {
		t.Fatalf("%d rows are recorded and %d events wait, want 1 and 1", r, w)
	}
}

func TestRunIsWokenAndStops(t *testing.T) {
	d := dbtest.SQLite(t)
	ctx, stop := context.WithCancel(t.Context())
	handled := make(chan string, 10)
	dispatcher := event.NewDispatcher(d, quiet, listenerFunc(func(_ context.Context, tx db.Tx, events []event.Event) error {
		for _, e := range events {
			tx.AfterCommit(func() { handled <- e.Resource })
		}
		return nil
	}))
	done := make(chan error, 1)
	go func() { done <- dispatcher.Run(ctx) }()
	for _, name := range []string{"a", "b"} {
		appendEvents(t, d, name)
		dispatcher.Wake()
		if got := <-handled; got != name {
			t.Fatalf("got %s, want %s", got, name)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
