package app

import (
	"context"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/telemetry"
)

// watchJobs exports what this process has worked on, and what waits in the whole registry.
func (a *App) watchJobs() {
	jobs := a.jobs
	byKind := func(name, help string, grows bool, figure func(job.KindStats) float64) {
		a.metrics.Family(telemetry.Family{Name: name, Help: help, Labels: []string{"type"}, Grows: grows, Read: func(report telemetry.Report) {
			for _, kind := range jobs.Kinds() {
				report(figure(jobs.Stats(kind)), string(kind))
			}
		}})
	}
	byKind("haven_jobs_running", "Tasks that this process works on.", false, func(v job.KindStats) float64 { return float64(v.Running) })
	byKind("haven_jobs_waited_seconds_total", "How long the tasks that this process began had waited, all together.", true,
		func(v job.KindStats) float64 { return v.Waited.Seconds() })
	byKind("haven_jobs_took_seconds_total", "How long this process worked on tasks, all together.", true,
		func(v job.KindStats) float64 { return v.Took.Seconds() })
	byKind("haven_jobs_began_total", "Tasks that this process began to work on.", true, func(v job.KindStats) float64 { return float64(v.Began) })
	a.metrics.Family(telemetry.Family{Name: "haven_jobs_ended_total", Help: "Tasks that this process worked on, by how that ended; Scheduled ones are tried again.",
		Labels: []string{"type", "status"}, Grows: true, Read: func(report telemetry.Report) {
			for _, kind := range jobs.Kinds() {
				stats := jobs.Stats(kind)
				for _, status := range []job.Status{job.Success, job.Error, job.Stopped, job.Scheduled} {
					report(float64(stats.Ended[status]), string(kind), string(status))
				}
			}
		}})
	a.metrics.Spread(jobs.Spread())
	a.watchQueues()
}

// queuesFor is how long the figures of queues are believed: one scrape asks the database once.
const queuesFor = 2 * time.Second

// watchQueues exports what waits. A scrape that finds no answer in time shows nothing of it.
func (a *App) watchQueues() {
	queues := remembered(queuesFor, a.jobs.Queues)
	byQueue := func(name, help string, figure func(job.Queue) float64) {
		a.metrics.Family(telemetry.Family{Name: name, Help: help, Labels: []string{"type"}, Read: func(report telemetry.Report) {
			known, err := queues()
			if err != nil {
				return
			}
			for _, q := range known {
				report(figure(q), string(q.Kind))
			}
		}})
	}
	byQueue("haven_job_queue_tasks", "Tasks of the whole registry that wait for a process.", func(q job.Queue) float64 { return float64(q.Count) })
	byQueue("haven_job_queue_latency_seconds", "How long the first of the tasks that wait has waited.", func(q job.Queue) float64 { return q.Latency.Seconds() })
	byQueue("haven_job_queue_paused", "1 while tasks wait because somebody says so.", func(q job.Queue) float64 { return oneIf(q.Paused) })
}

// remembered reads something of the database for figures, and once for all that a scrape asks for.
func remembered[T any](believed time.Duration, read func(context.Context) (T, error)) func() (T, error) {
	var (
		mu   sync.Mutex
		at   time.Time
		last T
		err  error
	)
	return func() (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if at.IsZero() || time.Since(at) > believed {
			ctx, cancel := context.WithTimeout(context.Background(), metricTime)
			defer cancel()
			last, err = read(ctx)
			at = time.Now()
		}
		return last, err
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
