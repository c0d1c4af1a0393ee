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
		id, ids, err := f.jobs.Begin(f.t.Context(), tx, job.NewExecution{Kind: kind, VendorID: 5, By: "ann", Extra: map[string]int{"n": 1}}, job.NewTask{Group: 3})
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
