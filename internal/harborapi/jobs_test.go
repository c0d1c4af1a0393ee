package harborapi

import (
	"context"
	"net/http"
	"strconv"
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
		if err := <-ended; err != nil {
			f.t.Error(err)
		}
	})
}

func TestJobService(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.jobs.Register("REPLICATION", job.Work{Limit: 2, Do: func(ctx context.Context, r *job.Run) error {
		r.Logf("it works")
		<-ctx.Done()
		return ctx.Err()
	}})
	f.must("admin", "PUT", "/jobservice/queues/replication", `{"action":"pause"}`, http.StatusOK, nil)
	f.must("admin", "PUT", "/jobservice/queues/replication", `{"action":"dance"}`, http.StatusUnprocessableEntity, nil)
	f.must("admin", "PUT", "/jobservice/queues/nosuch", `{"action":"pause"}`, http.StatusNotFound, nil)
	var ids []int64
	ok(t, f.db.Write(t.Context(), func(tx db.Tx) (err error) {
		_, ids, err = f.jobs.Begin(t.Context(), tx, job.NewExecution{Kind: "REPLICATION"}, job.NewTask{}, job.NewTask{}, job.NewTask{})
		return err
	}))
	type queue struct {
		Type    string `json:"job_type"`
		Count   int64
		Latency int64
		Paused  bool
	}
	waiting := func() queue {
		var queues []queue
		f.must("admin", "GET", "/jobservice/queues", "", http.StatusOK, &queues)
		for _, q := range queues {
			if q.Type == "REPLICATION" {
				return q
			}
		}
		t.Fatalf("the queues are %v", queues)
		return queue{}
	}
	if q := waiting(); q.Count != 3 || !q.Paused {
		t.Errorf("got %+v", q)
	}
	f.running()
	f.must("admin", "PUT", "/jobservice/queues/all", `{"action":"resume"}`, http.StatusOK, nil)
	await.Until(t, "two run", func() bool { return waiting().Count == 1 })

	var pools []map[string]any
	f.must("admin", "GET", "/jobservice/pools", "", http.StatusOK, &pools)
	if len(pools) != 1 || pools[0]["pid"] == 0.0 || pools[0]["worker_pool_id"] == "" || pools[0]["concurrency"].(float64) < 5 || pools[0]["start_at"] == nil || pools[0]["heartbeat_at"] == nil {
		t.Fatalf("the pools are %v", pools)
	}
	concurrency := int(pools[0]["concurrency"].(float64))
	for _, pool := range []string{"all", pools[0]["worker_pool_id"].(string)} {
		var workers []map[string]any
		f.must("admin", "GET", "/jobservice/pools/"+pool+"/workers", "", http.StatusOK, &workers)
		if len(workers) != concurrency || workers[0]["job_name"] != "REPLICATION" || workers[0]["job_id"] != strconv.FormatInt(ids[0], 10) || workers[0]["start_at"] == nil {
			t.Fatalf("the workers are %v", workers)
		}
		if idle := workers[concurrency-1]; len(idle) != 2 || idle["pool_id"] != pools[0]["worker_pool_id"] {
			t.Errorf("an idle worker is %v", idle)
		}
	}
	f.must("admin", "GET", "/jobservice/pools/nosuch/workers", "", http.StatusNotFound, nil)

	first := "/jobservice/jobs/" + strconv.FormatInt(ids[0], 10)
	await.Until(t, "the log can be read", func() bool {
		w := f.do("admin", "GET", first+"/log", "")
		return w.Code == http.StatusOK && w.Header().Get("Content-Type") == "text/plain" && len(w.Body.String()) > 20
	})
	f.must("admin", "PUT", "/jobservice/queues/replication", `{"action":"stop"}`, http.StatusOK, nil)
	f.must("admin", "PUT", first, "", http.StatusOK, nil)
	f.must("admin", "PUT", "/jobservice/jobs/all", "", http.StatusOK, nil)
	for _, id := range ids {
		if got, err := f.jobs.Task(t.Context(), id); err != nil || got.Status != job.Stopped {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	for _, path := range []string{"/jobservice/jobs/x/log", "/jobservice/jobs/999/log"} {
		f.must("admin", "GET", path, "", http.StatusNotFound, nil)
	}
	f.must("admin", "PUT", "/jobservice/jobs/999", "", http.StatusNotFound, nil)
}
