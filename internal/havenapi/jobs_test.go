package havenapi

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/job"
)

// running runs the fixture's jobs until the test ends.
func (f *fixture) running() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.jobs.Run(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		ok(f.t, <-ended)
	})
}

// begun begins an execution of one task, and returns the paths of both.
func (f *fixture) begun(kind job.Kind) (execution, task string) {
	ok(f.t, f.db.Write(f.t.Context(), func(tx db.Tx) error {
		id, ids, err := f.jobs.Begin(f.t.Context(), tx, job.NewExecution{Kind: kind, VendorID: 5, Trigger: job.Manual, By: "ann", Extra: map[string]int{"n": 1}}, job.NewTask{Group: 3})
		execution, task = "/jobs/executions/"+strconv.FormatInt(id, 10), "/jobs/tasks/"
		if err == nil {
			task += strconv.FormatInt(ids[0], 10)
		}
		return err
	}))
	return execution, task
}

func TestJobs(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	broken := make(chan bool, 3)
	f.jobs.Register("FRAGILE", job.Work{Do: func(context.Context, *job.Run) error {
		if <-broken {
			return errors.New("it broke")
		}
		return nil
	}})
	execution, task := f.begun("FRAGILE")
	f.begun("OTHER")
	get := func(path string) string {
		t.Helper()
		w := f.do("admin", "GET", path, "")
		if w.Code != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	post := func(path string, want int) {
		t.Helper()
		if w := f.do("admin", "POST", path, ""); w.Code != want {
			t.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
		}
	}
	if got := get("/jobs/executions?q=vendor_type=FRAGILE,status=Pending"); strings.Count(got, `"vendor_type"`) != 1 || !strings.Contains(got, `"extra_attrs":{"n":1}`) {
		t.Errorf("got %s", got)
	}
	if got := get("/jobs/tasks?page_size=1"); strings.Count(got, `"vendor_type":"OTHER"`) != 1 {
		t.Errorf("got %s", got)
	}
	post(task+"/retry", http.StatusBadRequest)
	f.running()
	until := func(path, words string) {
		t.Helper()
		await.Until(t, path+" says "+words, func() bool { return strings.Contains(get(path), words) }, func() string { return get(path) })
	}
	broken <- true
	until(execution, `"status":"Error"`)
	until(execution+"/tasks", `"status_message":"it broke"`)
	broken <- true
	post(execution+"/retry", http.StatusOK)
	until(task, `"runs":2`)
	until(execution, `"status":"Error"`)
	post(task+"/retry", http.StatusOK)
	until(task, `"status":"Running"`)
	post(execution+"/stop", http.StatusOK)
	broken <- false
	until(execution, `"status":"Stopped"`)
	if got := get(task + "/log"); strings.Count(got, "failed: it broke\n") != 2 {
		t.Errorf("the log is %s", got)
	}
	for _, path := range []string{"/jobs/executions/999", "/jobs/executions/999/tasks", "/jobs/tasks/999", "/jobs/tasks/999/log", "/jobs/tasks/999/log?follow=true"} {
		if w := f.do("admin", "GET", path, ""); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

// A log is followed line by line while the task runs, and the stream ends with the task.
func TestFollowALog(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	say := make(chan string)
	f.jobs.Register("CHATTY", job.Work{Do: func(_ context.Context, r *job.Run) error {
		for text := range say {
			r.Logf("%s", text)
		}
		return nil
	}})
	_, task := f.begun("CHATTY")
	f.running()
	server := httptest.NewServer(f.handler)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/haven/v1"+task+"/log?follow=true", nil)
	ok(t, err)
	r.SetBasicAuth("admin", password)
	say <- "one"
	answer, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %d, %v", answer.StatusCode, answer.Header)
	}
	lines := bufio.NewScanner(answer.Body)
	next := func(what string) (id string) {
		t.Helper()
		for lines.Scan() {
			if after, found := strings.CutPrefix(lines.Text(), "id: "); found {
				id = after
			}
			if strings.HasSuffix(lines.Text(), what) {
				return id
			}
		}
		t.Fatalf("the stream ended before %q: %v", what, lines.Err())
		return ""
	}
	id := next(" one")
	say <- "two"
	next(" two")
	say <- "three\nevent: end"
	next(" three")
	next("data: \tevent: end")
	close(say)
	next("data: Success")
	for lines.Scan() {
		if lines.Text() != "" {
			t.Errorf("after the end came %q", lines.Text())
		}
	}
	w := f.do("admin", "GET", task+"/log?after="+id, "")
	if got := w.Body.String(); strings.Contains(got, " one\n") || !strings.Contains(got, " two\n") || w.Header().Get("X-Next-After") == "" {
		t.Errorf("after %s: %q, %v", id, got, w.Header())
	}
}

// heard is a stream that a test reads.
type heard struct {
	t     *testing.T
	lines *bufio.Scanner
}

// listen opens a stream. It is closed with the server, which waits for it.
func (f *fixture) listen(server *httptest.Server, who, path string) heard {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), "GET", server.URL+"/api/haven/v1"+path, nil)
	ok(f.t, err)
	r.SetBasicAuth(who, password)
	answer, err := http.DefaultClient.Do(r)
	ok(f.t, err)
	f.t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		f.t.Fatalf("got %d, %v", answer.StatusCode, answer.Header)
	}
	return heard{f.t.(*testing.T), bufio.NewScanner(answer.Body)}
}

// next reads on to an event whose data has some words.
func (e heard) next(name, words string) {
	e.t.Helper()
	is := ""
	for e.lines.Scan() {
		if after, found := strings.CutPrefix(e.lines.Text(), "event: "); found {
			is = after
		}
		if data, found := strings.CutPrefix(e.lines.Text(), "data: "); found && is == name && strings.Contains(data, words) {
			return
		}
	}
	e.t.Fatalf("the stream ended before %s %q: %v", name, words, e.lines.Err())
}

// ends reads on to the end, and fails if anything but a sign of life is told before.
func (e heard) ends() {
	e.t.Helper()
	for e.lines.Scan() {
		if strings.HasPrefix(e.lines.Text(), "data: ") {
			e.t.Errorf("before the end came %q", e.lines.Text())
		}
	}
}

// An execution is watched by who administers the system and by who began it, until it has ended.
func TestWatchAnExecution(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		goOn := make(chan bool)
		f.jobs.Register("SLOW", job.Work{Do: func(ctx context.Context, _ *job.Run) error {
			select {
			case <-goOn:
			case <-ctx.Done():
			}
			return nil
		}})
		f.user("ann")
		f.user("bob")
		execution, _ := f.begun("SLOW")
		f.running()
		server := httptest.NewServer(f.handler)
		defer server.Close()
		for _, path := range []string{execution, execution + "/watch", "/jobs/executions/999/watch"} {
			if w := f.do("bob", "GET", path, ""); w.Code != http.StatusForbidden {
				t.Errorf("bob's GET %s: %d", path, w.Code)
			}
		}
		if w := f.do("admin", "GET", "/jobs/executions/999/watch", ""); w.Code != http.StatusNotFound {
			t.Errorf("none: %d", w.Code)
		}
		for who, want := range map[string]int{"ann": 1, "bob": 0, "admin": 1} {
			if w := f.do(who, "GET", "/jobs/underway", ""); w.Code != http.StatusOK || strings.Count(w.Body.String(), `"vendor_type":"SLOW"`) != want {
				t.Errorf("underway for %s: %d %s", who, w.Code, w.Body)
			}
		}
		var streams []heard
		for _, who := range []string{"admin", "ann"} {
			stream := f.listen(server, who, execution+"/watch")
			stream.next("execution", `"vendor_type":"SLOW"`)
			streams = append(streams, stream)
		}
		close(goOn)
		for _, stream := range streams {
			stream.next("task", `"status":"Success"`)
			stream.next("end", "Success")
			stream.ends()
		}
		ended := f.listen(server, "ann", execution+"/watch")
		ended.next("execution", `"status":"Success"`)
		ended.next("end", "Success")
		ended.ends()
	})
}

// Who began an execution may stop it, others who don't administer the system may not.
func TestStopOnesOwn(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.user("ann")
	f.user("bob")
	execution, _ := f.begun("OTHER")
	f.must("bob", "POST", execution+"/stop", "", http.StatusForbidden, nil)
	f.must("ann", "POST", execution+"/stop", "", http.StatusOK, nil)
	f.must("ann", "POST", execution+"/retry", "", http.StatusForbidden, nil)
	if w := f.do("ann", "GET", execution, ""); !strings.Contains(w.Body.String(), `"status":"Stopped"`) {
		t.Errorf("got %s", w.Body)
	}
}

// A stream ends with the right to it, and where there is no place it tells what there is.
func TestAStreamEnds(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	bob := f.user("bob")
	ok(t, f.identity.SetSysadmin(t.Context(), f.admin, bob, true))
	execution, task := f.begun("OTHER")
	server := httptest.NewServer(f.handler)
	defer server.Close()
	watching, following := f.listen(server, "bob", execution+"/watch"), f.listen(server, "bob", task+"/log?follow=true")
	watching.next("task", `"status":"Pending"`)
	ok(t, f.identity.SetSysadmin(t.Context(), f.admin, bob, false))
	watching.ends()
	following.ends()

	said := 0
	l := live{places: make(chan struct{}), next: func(context.Context) (told, error) {
		said++
		return told{message: "data: x\n\n", more: said < 2}, nil
	}, s: &Server{Deps: Deps{Jobs: f.jobs}}, ctx: t.Context()}
	w := httptest.NewRecorder()
	ok(t, l.visit(w))
	if strings.Count(w.Body.String(), "data: x") != 2 {
		t.Errorf("without a place: %q", w.Body)
	}
}
