package app

import (
	"context"
	"math"
	"time"

	"github.com/havenregistry/haven/internal/registry"
)

// watchReclaim exports what this process has taken back.
func (a *App) watchReclaim() {
	r := a.registry
	for _, c := range []struct {
		name, help string
		value      func(registry.Reclaimed) int64
	}{
		{"haven_reclaimed_blobs_total", "Blobs whose bytes this process has deleted because nobody held them.", func(v registry.Reclaimed) int64 { return v.Blobs }},
		{"haven_reclaimed_bytes_total", "Bytes of the blobs that this process has deleted.", func(v registry.Reclaimed) int64 { return v.Bytes }},
		{"haven_reclaimed_memberships_total", "Blobs that this process has taken out of a repository in which nothing named them.", func(v registry.Reclaimed) int64 { return v.Memberships }},
		{"haven_reclaimed_uploads_total", "Uploads that this process has dropped because nobody went on with them.", func(v registry.Reclaimed) int64 { return v.Uploads }},
	} {
		a.metrics.Counter(c.name, c.help, func() float64 {
			total, _ := r.Reclaimed()
			return float64(c.value(total))
		})
	}
	a.metrics.Counter("haven_reclaim_failures_total", "Runs of reclaiming that failed.", func() float64 {
		_, failures := r.Reclaimed()
		return float64(failures)
	})
	a.metrics.Gauge("haven_reclaim_backlog_blobs", "Blobs of the whole registry that nobody holds and that wait to be deleted.", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), metricTime)
		defer cancel()
		status, err := r.ReclaimStatus(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(status.BacklogBlobs)
	})
}

// metricTime bounds a figure that is read from the database.
const metricTime = 2 * time.Second
