package webhook

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var ann = authz.Principal{Kind: authz.User, ID: 1, Name: "ann", Admin: true}

// world is webhooks of an empty registry, and a clock that is moved by hand.
type world struct {
	*testing.T
	*Service
	db  *db.DB
	ctx context.Context

	mu  sync.Mutex
	now time.Time // zero: the time that it is
	off bool
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, db: d, ctx: t.Context(), now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	w.Service = w.replica(box)
	return w
}

// replica is one more process on the same database.
func (w *world) replica(box *secret.Box) *Service {
	return New(Deps{
		DB: w.db, Box: box, Host: "reg.example", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Keep: 7 * 24 * time.Hour, Wake: func() {},
		Enabled: func(context.Context) (bool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return !w.off, nil
		},
		Overview: func(context.Context, event.Event, string) (json.RawMessage, error) {
			return json.RawMessage(`{"report":{"scan_status":"Success","severity":"High"}}`), nil
		},
		Clock: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.now.IsZero() {
				return time.Now()
			}
			return w.now
		},
		Log: slog.New(slog.NewTextHandler(w.Output(), nil)),
	})
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) policy(project int64, d Draft) Policy {
	w.Helper()
	id, err := w.Create(w.ctx, ann, Project{ID: project}, d)
	if err != nil {
		w.Fatal(err)
	}
	p, err := w.Get(w.ctx, project, id)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// tell is a policy of project 1 that sends all that happens to an address.
func (w *world) tell(name, address string) Policy {
	w.Helper()
	return w.policy(1, Draft{Name: name, Enabled: true, EventTypes: EventTypes(), Targets: []TargetDraft{{Type: HTTP, Address: address}}})
}

// happen hands events to the listener, as the dispatcher does.
func (w *world) happen(events ...event.Event) {
	w.Helper()
	if err := w.db.WriteRelaxed(w.ctx, func(tx db.Tx) error { return w.Handle(w.ctx, tx, events) }); err != nil {
		w.Fatal(err)
	}
}

// work has all that is due now sent.
func (w *world) work() {
	w.Helper()
	for {
		var turns sync.WaitGroup
		places := make(chan struct{}, maxTurns)
		if err := w.begin(w.ctx, places, &turns); err != nil {
			w.Fatal(err)
		}
		turns.Wait()
		due, err := db.Collect(w.ctx, w.db.Auto(), db.ScanInt, anyDue, db.Micros(w.Clock()), 1)
		if err != nil {
			w.Fatal(err)
		}
		w.mu.Lock()
		off := w.off
		w.mu.Unlock()
		if len(due) == 0 || off {
			return
		}
	}
}

// all are the deliveries of a policy, the oldest first.
func (w *world) all(p Policy) []Delivery {
	w.Helper()
	rows, _, err := w.Deliveries(w.ctx, p.ProjectID, p.ID, db.List{Sort: []db.Sort{{Key: "id"}}})
	if err != nil {
		w.Fatal(err)
	}
	return rows
}

// statuses counts a policy's deliveries by where they are.
func (w *world) statuses(p Policy) map[Status]int {
	w.Helper()
	counts := map[Status]int{}
	rows, err := db.Collect(w.ctx, w.db.Auto(), db.ScanInt, `SELECT status FROM webhook_delivery WHERE policy_id = $1`, p.ID)
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range rows {
		counts[Status(s)]++
	}
	return counts
}

// pushed is a push to a repository of project 1.
func pushed(repository, tag string) event.Event {
	return event.Event{
		Kind: event.CreateArtifact, At: time.Unix(1700000000, 0), By: "ann", ProjectID: 1, Project: "lib", Repository: "lib/" + repository, Tag: tag,
		Digest: "sha256:" + tag, Resource: "lib/" + repository + ":" + tag, Success: true,
	}
}

// received is a request that a receiver got.
type received struct {
	header http.Header
	body   []byte
	at     time.Time
}

// tag is that of the pushed artifact.
func (r received) tag(t interface{ Fatalf(string, ...any) }) string {
	var v struct {
		Data data `json:"event_data"`
	}
	if err := json.Unmarshal(r.body, &v); err != nil || len(v.Data.Resources) != 1 {
		t.Fatalf("%v: %s", err, r.body)
	}
	return v.Data.Resources[0].Tag
}

// receiver keeps what it gets, and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	answer func(http.ResponseWriter, received)
}

func newReceiver(t testing.TB, answer func(http.ResponseWriter, received)) *receiver {
	t.Helper()
	v := &receiver{answer: answer}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		one := received{r.Header, body, time.Now()}
		v.mu.Lock()
		v.got = append(v.got, one)
		answer := v.answer
		v.mu.Unlock()
		if answer != nil {
			answer(w, one)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *receiver) all() []received {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]received(nil), v.got...)
}

func (v *receiver) answers(f func(http.ResponseWriter, received)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = f
}

// repository is that of the pushed artifact.
func (r received) repository(t interface{ Fatalf(string, ...any) }) string {
	var v struct {
		Data data `json:"event_data"`
	}
	if err := json.Unmarshal(r.body, &v); err != nil || v.Data.Repository == nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return v.Data.Repository.FullName
}
