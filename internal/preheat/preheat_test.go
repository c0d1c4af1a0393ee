package preheat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var ann = authz.Principal{Kind: authz.User, ID: 1, Name: "ann"}

// fakeVendor stands for a Dragonfly's manager and for a Kraken's proxy, neither of which can be had here. It answers as their public
// documentation says.
type fakeVendor struct {
	*httptest.Server
	mu     sync.Mutex
	told   []map[string]any // bodies
	paths  []string
	auth   []string
	old    bool   // it knows /api/v1 only
	state  string // of all jobs
	flaky  int    // questions about jobs that get no good answer
	looked int
}

func (f *fakeVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paths, f.auth = append(f.paths, r.Method+" "+r.URL.Path), append(f.auth, r.Header.Get("Authorization"))
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch {
	case r.URL.Path == "/healthy", r.URL.Path == "/health":
	case f.old && strings.HasPrefix(r.URL.Path, "/oapi/"):
		http.NotFound(w, r)
	case r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/v1/jobs") || r.URL.Path == "/registry/notifications"):
		var body map[string]any
		text, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(text, &body); err != nil {
			http.Error(w, "no JSON", http.StatusBadRequest)
			return
		}
		f.told = append(f.told, body)
		answer(map[string]any{"id": len(f.told), "state": "PENDING"})
	case r.Method == http.MethodGet && f.flaky > 0:
		f.flaky--
		w.WriteHeader(http.StatusBadGateway)
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/v1/jobs/"):
		if f.looked++; f.looked == 1 {
			answer(map[string]any{"id": 1, "status": "PENDING"})
			return
		}
		answer(map[string]any{"id": 1, "state": f.state, "status": f.state})
	default:
		http.Error(w, "not\nhere", http.StatusForbidden)
	}
}

// fakeJudge stands for scans, signatures, the gate and passes, which know this package's callers only.
type fakeJudge struct {
	mu    sync.Mutex
	facts map[oci.Digest]Facts
	later map[oci.Digest]Facts // once facts have been asked for
	open  int                  // passes that haven't ended
}

func (j *fakeJudge) Facts(_ context.Context, _ registry.Ref, d oci.Digest) (Facts, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	known := j.facts[d]
	if f, changed := j.later[d]; changed {
		j.facts[d] = f
	}
	return known, nil
}

func (j *fakeJudge) Pass(context.Context, registry.Ref, string, time.Duration) (secret.Text, func(), error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open++
	return "Bearer pass", func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.open--
	}, nil
}

type world struct {
	*testing.T
	*Service
	judge  *fakeJudge
	vendor *fakeVendor
}

func each(t *testing.T, f func(w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		store, err := file.Open(filepath.Join(dir, "storage"))
		ok(t, err)
		t.Cleanup(func() { store.Close() })
		box, err := secret.OpenBox(filepath.Join(dir, "key"))
		ok(t, err)
		ok(t, d.Write(t.Context(), func(tx db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO account (username, email, created_at, updated_at) VALUES ('ann', 'ann@example.com', 0, 0)`)
			for _, name := range []string{"alpha", "beta"} {
				if err == nil {
					_, err = tx.Exec(t.Context(), `INSERT INTO project (name, owner_id, created_at, updated_at) SELECT $1, id, 0, 0 FROM account`, name)
				}
			}
			return err
		}))
		w := world{T: t, judge: &fakeJudge{facts: map[oci.Digest]Facts{}}, vendor: &fakeVendor{state: "SUCCESS"}}
		w.vendor.Server = httptest.NewServer(w.vendor)
		t.Cleanup(w.vendor.Close)
		quiet := slog.New(slog.DiscardHandler)
		client := NewHTTP()
		t.Cleanup(client.Close)
		w.Service = New(Deps{
			DB: d, Jobs: job.New(job.Deps{DB: d, Clock: time.Now, Log: quiet}), Judge: w.judge, Box: box, HTTP: client, Address: "https://haven.example.com", Wake: func() {}, Clock: time.Now,
			Registry: registry.New(registry.Deps{DB: d, Blobs: store, Clock: time.Now, Log: quiet, Wake: func() {}}),
		})
		f(w)
	})
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run works on jobs until the test ends.
func (w world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Jobs.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		ok(w.T, <-ended)
	})
}

func (w world) instance(vendor string) {
	w.Helper()
	ok(w.T, w.CreateInstance(w.Context(), ann, Instance{Name: "peers", Vendor: vendor, Endpoint: w.vendor.URL + "/", AuthMode: OAuth, AuthInfo: map[string]secret.Text{"token": "sesame"}, Enabled: true, Default: true}))
}

func (w world) policy(filters, trigger, extra string) Policy {
	w.Helper()
	i, err := w.Instance(w.Context(), "peers")
	ok(w.T, err)
	p := Policy{ProjectID: 1, Name: "warm", Instance: i.ID, Filters: filters, Extra: extra, Enabled: true}
	p.Trigger, p.Cron, err = ParseTrigger(trigger)
	ok(w.T, err)
	ok(w.T, w.CreatePolicy(w.Context(), ann, "alpha", p))
	p, err = w.Policy(w.Context(), 1, "warm")
	ok(w.T, err)
	return p
}

func (w world) push(repository, tag string) oci.Digest {
	w.Helper()
	ref := registry.Ref{ProjectID: 1, Project: "alpha", Name: repository}
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","author":"%s:%s"}`, repository, tag)
	d := oci.SHA256Of(config)
	_, err := w.Registry.PutBlob(w.Context(), ref, d, bytes.NewReader(config))
	ok(w.T, err)
	text := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`, oci.MediaTypeImageManifest, oci.MediaTypeImageConfig, d, len(config))
	put, err := w.Registry.PutManifest(w.Context(), ann, ref, oci.TagReference(tag), oci.MediaTypeImageManifest, text)
	ok(w.T, err)
	return put.Digest
}

// done waits for the end of an execution and returns it with the artifacts of its tasks and all logs.
func (w world) done(policy, id int64) (e job.Execution, artifacts []string, log string) {
	w.Helper()
	await.Until(w.T, "the execution ends", func() bool {
		var err error
		e, err = w.Execution(w.Context(), policy, id)
		ok(w.T, err)
		return e.Status.Ended()
	})
	tasks, _, err := w.Tasks(w.Context(), policy, id, db.List{Sort: []db.Sort{{Key: "id"}}})
	ok(w.T, err)
	for _, t := range tasks {
		v, err := TaskAttributes(t)
		ok(w.T, err)
		artifacts = append(artifacts, fmt.Sprint(v["artifact"]))
		text, err := w.TaskLog(w.Context(), policy, id, t.ID)
		ok(w.T, err)
		log += text
	}
	var extra executionExtra
	ok(w.T, e.Decode(&extra))
	text, err := w.Jobs.WholeLog(w.Context(), extra.Plan)
	ok(w.T, err)
	return e, artifacts, text + log
}

func TestPolicyByHand(t *testing.T) {
	each(t, func(w world) {
		w.run()
		w.instance("dragonfly")
		w.vendor.flaky = 1
		good := w.push("app", "v1")
		w.push("app", "latest")  // another tag
		w.push("web/site", "v1") // another repository
		for tag, f := range map[string]Facts{"v2": {Severity: 4, Signed: true, Labels: []string{"prod"}}, "v3": {Signed: true}, "v4": {Labels: []string{"prod"}}, "v5": {Severity: 99, Signed: true, Labels: []string{"prod"}},
			"v6": {Signed: true, Labels: []string{"prod"}, Refused: "it has vulnerabilities"}} {
			w.judge.facts[w.push("app", tag)] = f
		}
		w.judge.facts[good] = Facts{Severity: 3, Signed: true, Labels: []string{"x", "prod"}}
		p := w.policy(`[{"type":"repository","value":"app"},{"type":"tag","value":"v*"},{"type":"label","value":"prod"},{"type":"vulnerability","value":4},{"type":"signature","value":true}]`, "", `{"scope":"single_peer","cluster_ids":[2]}`)
		id, err := w.Start(t.Context(), ann, "alpha", 1, "warm")
		ok(t, err)
		e, artifacts, log := w.done(p.ID, id)
		if e.Status != job.Success || e.Counts.Total() != 1 || fmt.Sprint(artifacts) != "[alpha/app:v1]" || e.Trigger != job.Manual {
			t.Fatalf("%+v of %v\n%s", e, artifacts, log)
		}
		for _, line := range []string{"v2 is left out: its vulnerabilities are too severe", "v3 is left out: it doesn't have the label prod", "v4 is left out: it is not signed", "v5 is left out: it has not been scanned",
			"v6 is left out: it may not be pulled: it has vulnerabilities", "of https://haven.example.com/v2/alpha/app/manifests/" + string(good), "fetched"} {
			if !strings.Contains(log, line) {
				t.Errorf("%q isn't in the log\n%s", line, log)
			}
		}
		told, _ := json.Marshal(w.vendor.told)
		if want := `[{"args":{"headers":{"Authorization":"Bearer pass"},"scope":"single_seed_peer","type":"image","url":"https://haven.example.com/v2/alpha/app/manifests/` + string(good) + `"},"scheduler_cluster_ids":[2],"type":"preheat"}]`; string(told) != want {
			t.Errorf("it was told %s", told)
		}
		if w.vendor.auth[0] != "Bearer sesame" || w.judge.open != 0 || strings.Contains(log, "pass\n") {
			t.Errorf("it was asked by %v, %d passes are open", w.vendor.auth, w.judge.open)
		}
		// Nothing of it is another policy's.
		for _, call := range []func() error{
			func() error { _, err := w.Execution(t.Context(), p.ID+1, id); return err },
			func() error { _, _, err := w.Tasks(t.Context(), p.ID+1, id, db.List{}); return err },
			func() error { _, err := w.TaskLog(t.Context(), p.ID, id, 999); return err },
			func() error { return w.Stop(t.Context(), ann, "alpha", Policy{ID: p.ID + 1}, id) },
			func() error { _, err := w.Policy(t.Context(), 2, "warm"); return err },
			func() error { _, err := w.Start(t.Context(), ann, "beta", 2, "warm"); return err },
		} {
			if err := call(); !errors.Is(err, fault.NotFound) {
				t.Errorf("got %v", err)
			}
		}
		if err := w.DeleteInstance(t.Context(), ann, "peers"); !errors.Is(err, fault.Conflict) {
			t.Errorf("an instance in use: %v", err)
		}
		ok(t, w.DeletePolicy(t.Context(), ann, "alpha", 1, "warm"))
		ok(t, w.DeleteInstance(t.Context(), ann, "peers"))
		if _, err := w.Execution(t.Context(), p.ID, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("the execution of a deleted policy: %v", err)
		}
	})
}

// Events begin what matches by name; a failure is told; a Kraken is told by a notification, an old Dragonfly elsewhere.
func TestEvents(t *testing.T) {
	each(t, func(w world) {
		w.run()
		w.instance("kraken")
		d := w.push("app", "v1")
		p := w.policy(`[{"type":"repository","value":"{app,web/**}"},{"type":"tag","value":"v*"}]`, `{"type":"event_based"}`, "")
		handle := func(events ...event.Event) int64 {
			t.Helper()
			ok(t, w.DB.Write(t.Context(), func(tx db.Tx) error { return w.Handle(t.Context(), tx, events) }))
			rows, total, err := w.Executions(t.Context(), p.ID, db.List{})
			ok(t, err)
			if total == 0 {
				return 0
			}
			return rows[0].ID
		}
		pushed := event.Event{Kind: event.CreateArtifact, ProjectID: 1, Project: "alpha", Repository: "alpha/app", Tag: "v1", Digest: string(d), Success: true}
		other, untagged, failed := pushed, pushed, pushed
		other.Repository, untagged.Tag, failed.Success = "alpha/else", "", false
		if id := handle(other, untagged, failed); id != 0 {
			t.Fatal("it began by what doesn't match")
		}
		e, artifacts, log := w.done(p.ID, handle(pushed))
		if e.Status != job.Success || e.Trigger != job.ByEvent || fmt.Sprint(artifacts) != "[alpha/app:v1]" {
			t.Fatalf("%+v of %v\n%s", e, artifacts, log)
		}
		target := w.vendor.told[0]["events"].([]any)[0].(map[string]any)["target"].(map[string]any)
		if w.vendor.paths[0] != "POST /registry/notifications" || target["repository"] != "alpha/app" || target["tag"] != "v1" || target["digest"] != string(d) {
			t.Errorf("it was told %v at %v", w.vendor.told, w.vendor.paths)
		}
		// A scan's end names the digest alone.
		_, artifacts, _ = w.done(p.ID, handle(event.Event{Kind: event.ScanArtifact, ProjectID: 1, Project: "alpha", Repository: "alpha/app", Digest: string(d), Success: true}))
		if fmt.Sprint(artifacts) != "[alpha/app:v1]" {
			t.Errorf("by a scan: %v", artifacts)
		}
		ok(t, w.UpdateInstance(t.Context(), ann, "peers", Instance{Vendor: "dragonfly", Endpoint: w.vendor.URL, AuthMode: Basic, AuthInfo: map[string]secret.Text{"username": "u", "password": "p"}, Enabled: true}))
		w.vendor.old = true
		if e, _, log := w.done(p.ID, handle(pushed)); e.Status != job.Success || w.vendor.paths[len(w.vendor.paths)-1] != "GET /api/v1/jobs/3" {
			t.Errorf("an old one: %+v %v\n%s", e, w.vendor.paths, log)
		}
		handle(event.Event{Kind: event.EndProject, ProjectID: 1, Project: "alpha", Success: true})
		if _, err := w.Policy(t.Context(), 1, "warm"); !errors.Is(err, fault.NotFound) {
			t.Errorf("the policy of a project that is gone: %v", err)
		}
	})
}

// What may not be pulled any more when its turn comes is not handed over.
func TestJudgedAgain(t *testing.T) {
	each(t, func(w world) {
		w.run()
		w.instance("dragonfly")
		d := w.push("app", "v1")
		w.judge.later = map[oci.Digest]Facts{d: {Refused: "it has vulnerabilities"}}
		p := w.policy("", "", "")
		id, err := w.Start(t.Context(), ann, "alpha", 1, "warm")
		ok(t, err)
		e, _, log := w.done(p.ID, id)
		if e.Status != job.Error || len(w.vendor.told) != 0 || w.judge.open != 0 || !strings.Contains(log, "the image is not handed over any more: it may not be pulled: it has vulnerabilities") {
			t.Errorf("%+v, told %v\n%s", e, w.vendor.told, log)
		}
	})
}

// When its process is drained, an instance goes on by its pass, and the next process waits for it.
func TestDraining(t *testing.T) {
	each(t, func(w world) {
		w.instance("dragonfly")
		w.push("app", "v1")
		w.vendor.state = "STARTED"
		p := w.policy("", "", "")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Jobs.Run(ctx) }()
		id, err := w.Start(t.Context(), ann, "alpha", 1, "warm")
		ok(t, err)
		await.Until(t, "the instance is asked how far it is", func() bool {
			w.vendor.mu.Lock()
			defer w.vendor.mu.Unlock()
			return w.vendor.looked > 0
		})
		w.Jobs.Drain()
		cancel()
		ok(t, <-ended)
		if w.judge.open != 1 {
			t.Errorf("%d passes are open", w.judge.open)
		}
		w.vendor.mu.Lock()
		w.vendor.state = "SUCCESS"
		w.vendor.mu.Unlock()
		next := w.Deps
		next.Jobs = job.New(job.Deps{DB: w.DB, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
		w.Service = New(next)
		w.run()
		if e, _, log := w.done(p.ID, id); e.Status != job.Success || len(w.vendor.told) != 1 || !strings.Contains(log, "go on waiting") {
			t.Errorf("%+v, told %v\n%s", e, w.vendor.told, log)
		}
	})
}

// A label that is put on an image begins what is to happen then, by all its tags that match.
func TestLabelBegins(t *testing.T) {
	each(t, func(w world) {
		w.run()
		w.instance("kraken")
		d := w.push("app", "v1")
		w.push("app", "latest")
		quiet := slog.New(slog.DiscardHandler)
		ok(t, event.NewDispatcher(w.DB, quiet).Drain(t.Context())) // the pushes
		p := w.policy(`[{"type":"tag","value":"v*"}]`, `{"type":"event_based"}`, "")
		m, err := w.Registry.ManifestInfo(t.Context(), registry.Ref{ProjectID: 1, Project: "alpha", Name: "app"}, oci.DigestReference(d))
		ok(t, err)
		labels := label.New(w.DB, time.Now)
		id, err := labels.Create(t.Context(), ann, label.Label{Name: "prod"})
		ok(t, err)
		ok(t, labels.Attach(t.Context(), ann, label.Artifact{ID: m.ID, ProjectID: 1, Repository: "alpha/app", Digest: string(d)}, id))
		ok(t, event.NewDispatcher(w.DB, quiet, w.Service).Drain(t.Context()))
		rows, total, err := w.Executions(t.Context(), p.ID, db.List{})
		ok(t, err)
		if total != 1 {
			t.Fatalf("%d executions began", total)
		}
		if _, artifacts, log := w.done(p.ID, rows[0].ID); fmt.Sprint(artifacts) != "[alpha/app:v1]" {
			t.Errorf("%v\n%s", artifacts, log)
		}
	})
}

func TestScheduleFollowsThePolicy(t *testing.T) {
	each(t, func(w world) {
		w.instance("dragonfly")
		p := w.policy("", `{"type":"scheduled","trigger_setting":{"cron":"0 0 3 * * *"}}`, "")
		s, found, err := w.Jobs.FindSchedule(t.Context(), job.Preheat, p.ID)
		if err != nil || !found || s.Cron != "0 0 3 * * *" || p.TriggerText() != `{"type":"scheduled","trigger_setting":{"cron":"0 0 3 * * *"}}` {
			t.Fatalf("%+v %v %v %s", s, found, err, p.TriggerText())
		}
		ok(t, w.DB.Write(t.Context(), func(tx db.Tx) error { return errors.Join(w.fire(t.Context(), tx, s), w.fire(t.Context(), tx, s)) }))
		if _, total, err := w.Executions(t.Context(), p.ID, db.List{}); err != nil || total != 1 {
			t.Errorf("%d executions, %v", total, err)
		}
		if err := w.DeletePolicy(t.Context(), ann, "alpha", 1, "warm"); !errors.Is(err, ErrRunning) {
			t.Errorf("a policy that is carried out: %v", err)
		}
		p.Enabled = false
		ok(t, w.UpdatePolicy(t.Context(), ann, "alpha", "warm", p))
		if _, found, err := w.Jobs.FindSchedule(t.Context(), job.Preheat, p.ID); found || err != nil {
			t.Errorf("a disabled policy has a schedule, %v", err)
		}
		if _, err := w.Start(t.Context(), ann, "alpha", 1, "warm"); !errors.Is(err, fault.Invalid) {
			t.Errorf("a disabled policy starts: %v", err)
		}
	})
}

func TestInstances(t *testing.T) {
	each(t, func(w world) {
		good := Instance{Name: "one", Vendor: "dragonfly", Endpoint: w.vendor.URL, AuthMode: NoAuth, Enabled: true, Default: true}
		for what, change := range map[string]func(*Instance){
			"name": func(i *Instance) { i.Name = "-x" }, "vendor": func(i *Instance) { i.Vendor = "torrent" }, "scheme": func(i *Instance) { i.Endpoint = "file:///x" },
			"mode": func(i *Instance) { i.AuthMode = "KERBEROS" }, "token": func(i *Instance) { i.AuthMode = OAuth },
			"header": func(i *Instance) { i.AuthMode, i.AuthInfo = Custom, map[string]secret.Text{"X Y": "z"} },
			"user":   func(i *Instance) { i.AuthMode, i.AuthInfo = Basic, map[string]secret.Text{"a": "b", "c": "d"} },
			"in URL": func(i *Instance) { i.Endpoint = "http://u:p@example.com" },
		} {
			bad := good
			change(&bad)
			if err := w.CreateInstance(t.Context(), ann, bad); !errors.Is(err, fault.Invalid) {
				t.Errorf("a bad %s: %v", what, err)
			}
		}
		ok(t, w.CreateInstance(t.Context(), ann, good))
		if err := w.CreateInstance(t.Context(), ann, good); !errors.Is(err, fault.Conflict) {
			t.Errorf("twice: %v", err)
		}
		two := good
		two.Name, two.AuthMode, two.AuthInfo = "two", Custom, map[string]secret.Text{"Authorization": "Key canary"}
		ok(t, w.CreateInstance(t.Context(), ann, two))
		one, err := w.Instance(t.Context(), "one")
		if err != nil || one.Default {
			t.Errorf("two are the default, %v", err)
		}
		ok(t, w.Ping(t.Context(), good))
		second, err := w.Instance(t.Context(), "two")
		ok(t, err)
		if second.AuthInfo != nil || bytes.Contains(second.sealed, []byte("canary")) {
			t.Errorf("the credential is listed: %+v", second)
		}
		ok(t, w.Ping(t.Context(), Instance{ID: second.ID}))
		if got := w.vendor.auth[len(w.vendor.auth)-1]; got != "Key canary" {
			t.Errorf("it was asked by %q", got)
		}
		// The credential stays with its address.
		two.AuthInfo, two.Description, two.Endpoint = nil, "still known", w.vendor.URL+"/"
		ok(t, w.UpdateInstance(t.Context(), ann, "two", two))
		ok(t, w.Ping(t.Context(), Instance{ID: second.ID}))
		if got := w.vendor.auth[len(w.vendor.auth)-1]; got != "Key canary" {
			t.Errorf("after an update it was asked by %q", got)
		}
		two.Endpoint = "http://elsewhere.example.com"
		if err := w.UpdateInstance(t.Context(), ann, "two", two); !errors.Is(err, fault.Invalid) {
			t.Errorf("the credential moved: %v", err)
		}
		for address, want := range map[string]string{"http://127.0.0.1:1": "the instance doesn't answer", "http://169.254.169.254": "the instance doesn't answer"} {
			draft := good
			draft.Endpoint = address
			if err := w.Ping(t.Context(), draft); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
}

func TestFiltersAreRefused(t *testing.T) {
	for _, bad := range []string{`{}`, `x`, `[{"type":"size","value":1}]`, `[{"type":"repository","value":1}]`, `[{"type":"tag","value":"["}]`, `[{"type":"label","value":true}]`,
		`[{"type":"vulnerability","value":"high"}]`, `[{"type":"vulnerability","value":-1}]`, `[{"type":"signature","value":"yes"}]`} {
		if _, err := parseFilters(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{`[]`, `{"type":"monthly"}`, `{"type":"scheduled"}`, `{"type":"scheduled","trigger_setting":{"cron":"@daily"}}`} {
		if _, _, err := ParseTrigger(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{`[]`, `{"scope":"everywhere"}`, `{"cluster_ids":"1"}`} {
		if _, err := parseExtra(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
