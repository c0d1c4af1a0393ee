package audit_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// receiver reads octet-counted frames, as receivers of syslog do: it closes a connection when the sender has.
type receiver struct {
	*testing.T
	address string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	lines    []string
	dying    bool // at the next message: the process ends with what it has read
	working  sync.WaitGroup
}

func receive(t *testing.T) *receiver {
	r := &receiver{T: t, address: "127.0.0.1:0"}
	r.start()
	r.address = r.listener.Addr().String()
	t.Cleanup(r.stop)
	return r
}

func (r *receiver) start() {
	r.Helper()
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		r.Fatal(err)
	}
	r.mu.Lock()
	r.listener, r.open, r.dying = l, map[net.Conn]bool{}, false
	r.mu.Unlock()
	r.working.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.open[c] = true
			r.mu.Unlock()
			r.working.Go(func() { r.serve(c) })
		}
	})
}

func (r *receiver) serve(c net.Conn) {
	in := bufio.NewReaderSize(c, 1<<20)
	for {
		line, err := frame(in)
		r.mu.Lock()
		if err == nil && r.dying {
			_, _ = in.WriteTo(io.Discard) // until the sender has closed: nothing is left to read
			r.mu.Unlock()
			r.end()
			return
		}
		if err != nil {
			delete(r.open, c)
			_ = c.Close()
			r.mu.Unlock()
			return
		}
		r.lines = append(r.lines, line)
		r.mu.Unlock()
	}
}

func frame(in *bufio.Reader) (string, error) {
	length, err := in.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
	if err != nil {
		return "", err
	}
	line := make([]byte, n)
	_, err = io.ReadFull(in, line)
	return string(line), err
}

// end closes everything at once, as the end of a process does.
func (r *receiver) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close()
	for c := range r.open {
		_ = c.Close()
	}
}

func (r *receiver) stop() {
	r.end()
	r.working.Wait()
}

// die has the receiver end with the next message, which it reads and doesn't keep.
func (r *receiver) die() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dying = true
}

// resources are those of the messages so far, in their order.
func (r *receiver) resources() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		_, rest, _ := strings.Cut(line, ` resource="`)
		resource, _, _ := strings.Cut(rest, `"`)
		all = append(all, resource)
	}
	return all
}

// until waits for something that comes by itself.
func (w world) until(what string, done func() bool) {
	w.Helper()
	await.Until(w, what, done, func() string {
		state, err := w.audit.Forwarding(w.Context(), time.Now())
		return fmt.Sprintf("%+v, %v", state, err)
	})
}

// forwarding runs a forwarder, and returns what ends it.
func (w world) forwarding() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	f := audit.NewForwarder(w.audit, "reg.example.com", time.Now, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(end)
	return end
}

func (w world) to(r *receiver, more map[string]any) {
	w.Helper()
	changes := map[string]any{"audit_log_forward_endpoint": r.address, "disabled_audit_log_event_types": "update_configuration"}
	for key, v := range more {
		changes[key] = v
	}
	w.set(changes)
}

// numbered happens n times, with resources that are numbers from first on, and has it written.
func (w world) numbered(first, n int) {
	w.Helper()
	for first, last := first, first+n; first < last; first += 100 {
		var events []event.Event
		for i := first; i < min(first+100, last); i++ {
			events = append(events, event.Event{Kind: event.PullArtifact, At: start, By: "ann", ProjectID: 1, Resource: strconv.Itoa(i), Success: true})
		}
		w.happen(events...)
		w.list(audit.Scope{All: true}, db.List{Size: 1}) // has the events handled
	}
}

func numbers(n int) (all []string) {
	for i := range n {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

// settled waits until all is delivered and noted.
func (w world) settled() audit.ForwardState {
	w.Helper()
	var state audit.ForwardState
	w.until("all is noted as delivered", func() bool {
		var err error
		if state, err = w.audit.Forwarding(w.Context(), time.Now()); err != nil {
			w.Fatal(err)
		}
		return state.Pending == 0
	})
	return state
}

func TestForwarding(t *testing.T) {
	each(t, func(w world) {
		w.numbered(900, 3) // before there is a receiver
		r := receive(w.T)
		w.to(r, nil)
		w.forwarding()
		w.happen(event.Event{Kind: event.LoginUser, At: start, By: `a"]`, Resource: "0", Description: "login\n<1>", Client: "192.0.2.1", RequestID: "r-1"})
		w.numbered(1, 1199)
		state := w.settled()
		if got := r.resources(); !slices.Equal(got, numbers(1200)) {
			w.Errorf("%d messages came, want 1200 in order", len(got))
		}
		rows, total := w.list(audit.Scope{All: true}, db.List{Size: 1})
		if total != 1203 || state.LastID != rows[0].ID || state.Sent != 1200 || state.State() != "current" || !state.LastRowAt.Equal(start) {
			w.Errorf("%d rows, %+v", total, state)
		}
		first, _, _ := strings.Cut(r.lines[0], ` [`)
		if first != "<108>1 2026-01-02T03:00:00.000000Z reg.example.com haven - login_user" {
			w.Errorf("the first message is %s", r.lines[0])
		}
		for _, part := range []string{` user="a\"\]" operation="login" `, ` result="failure" client_ip="192.0.2.1" request_id="r-1"] login?<1>`} {
			if !strings.Contains(r.lines[0], part) {
				w.Errorf("%s is not in %s", part, r.lines[0])
			}
		}
	})
}

// Rows that aren't to be kept leave after they are delivered, and not before.
func TestRowsLeaveAfterDelivery(t *testing.T) {
	each(t, func(w world) {
		r := receive(w.T)
		w.numbered(900, 2)
		w.to(r, map[string]any{"skip_audit_log_database": true})
		r.stop()
		w.forwarding()
		w.numbered(0, 30)
		w.until("a failure", func() bool {
			state, err := w.audit.Forwarding(w.Context(), time.Now())
			return err == nil && state.State() == "failing" && strings.Contains(state.Failure, "refused") && state.Pending == 30 && state.Lag > time.Hour
		})
		if _, total := w.list(audit.Scope{All: true}, db.List{}); total != 32 {
			w.Fatalf("%d rows, want all 32", total)
		}
		r.start()
		state := w.settled()
		if _, total := w.list(audit.Scope{ProjectIDs: []int64{1}}, db.List{}); total != 2 || state.State() != "current" {
			w.Errorf("%d rows are left, want the 2 from before; %+v", total, state)
		}
		if got := r.resources(); !slices.Equal(got, numbers(30)) {
			w.Errorf("the messages are %v", got)
		}
	})
}

// A receiver that ends after it read messages, with no word to anybody, gets them again.
func TestReceiverDies(t *testing.T) {
	dies := func(w world) {
		r := receive(w.T)
		w.to(r, nil)
		w.forwarding()
		w.numbered(0, 10)
		w.until("the first messages", func() bool { return len(r.resources()) >= 10 })
		r.die()
		w.numbered(10, 10)
		r.working.Wait()
		r.start()
		w.settled()
		want := numbers(20)
		slices.Sort(want)
		w.until("all messages are there", func() bool { // the receiver reads when it gets to it
			got := r.resources()
			slices.Sort(got)
			return slices.Equal(slices.Compact(got), want)
		})
		if all := r.resources(); !slices.Equal(all[len(all)-10:], numbers(20)[10:]) {
			w.Errorf("the messages came as %v", all)
		}
	}
	each(t, dies)
}

// Whoever writes at the same time, no row is stepped over, and they come in the order of their ids.
func TestForwardingMissesNoLateRow(t *testing.T) {
	d := dbtest.Postgres(t)
	w := on(t, d)
	r := receive(t)
	w.to(r, nil)
	w.forwarding()
	var writers sync.WaitGroup
	for writer := range 6 {
		writers.Go(func() {
			for i := range 40 {
				e := event.Event{Kind: event.PullArtifact, At: start, By: "ann", ProjectID: int64(writer + 1), Operation: "pull", Resource: fmt.Sprint(writer*1000 + i)}
				if err := d.Write(t.Context(), func(tx db.Tx) error { return w.audit.Handle(t.Context(), tx, []event.Event{e}) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	w.settled()
	rows, _ := w.list(audit.Scope{All: true}, db.List{Sort: []db.Sort{{Key: "id"}}})
	var want []string
	for _, row := range rows {
		want = append(want, row.Resource)
	}
	if got := r.resources(); len(want) != 240 || !slices.Equal(got, want) {
		t.Errorf("%d messages came, want the %d rows in their order", len(got), len(want))
	}
}

// Of several processes one forwards; when it ends another goes on.
func TestOneProcessForwards(t *testing.T) {
	each(t, func(w world) {
		if w.db.Exclusive() {
			return // there is one process
		}
		r := receive(w.T)
		w.to(r, nil)
		first, second := w.forwarding(), w.forwarding()
		w.numbered(0, 300)
		w.settled()
		first()
		w.numbered(300, 300)
		w.settled()
		third := w.forwarding()
		second()
		w.numbered(600, 300)
		w.settled()
		third()
		if got := r.resources(); !slices.Equal(got, numbers(900)) {
			w.Errorf("%d messages came, want 900 in order", len(got))
		}
	})
}

func TestCheckReceiver(t *testing.T) {
	w := on(t, dbtest.SQLite(t))
	r := receive(t)
	before, err := w.settings.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.to(r, nil)
	after, err := w.settings.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := audit.CheckReceiver(t.Context(), before, after); err != nil {
		t.Error(err)
	}
	r.stop()
	if err := audit.CheckReceiver(t.Context(), before, after); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v, want fault.Invalid", err)
	}
	if err := audit.CheckReceiver(t.Context(), after, after); err != nil { // nothing changes: nobody asks
		t.Error(err)
	}
}
