//go:build acceptance

package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Fleet is several workers on repositories of one project.
type Fleet struct {
	Workers []*Worker
	Counts  *Counts
}

// Repositories names what NewFleet will work on, for the token's scope.
func Repositories(project string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s/w%d", project, i)
	}
	return names
}

// NewFleet returns a worker for each repository.
func NewFleet(c *Client, repositories []string, grace time.Duration, seed uint64) *Fleet {
	f := &Fleet{Counts: &Counts{}}
	shared := &Shared{}
	for i, r := range repositories {
		f.Workers = append(f.Workers, NewWorker(c, r, shared, f.Counts, grace, seed, uint64(i)))
	}
	return f
}

// Work lets all workers do step after step until ctx ends or the server is gone. What
// the registry refuses for now is no error.
func (f *Fleet) Work(ctx context.Context) error {
	return f.Each(func(w *Worker) error {
		for ctx.Err() == nil {
			// The step itself goes on when ctx ends: its answer counts.
			err := w.Step(context.WithoutCancel(ctx))
			switch {
			case errors.Is(err, ErrCut):
				return nil
			case err != nil && !errors.Is(err, ErrRefused):
				return err
			}
		}
		return nil
	})
}

// Each runs f for all workers at once and returns all errors.
func (f *Fleet) Each(do func(*Worker) error) error {
	errs := make([]error, len(f.Workers))
	var group sync.WaitGroup
	for i, w := range f.Workers {
		group.Go(func() { errs[i] = do(w) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Blobs are all that the manifests of the fleet name, by digest, with sizes in bytes.
func (f *Fleet) Blobs() map[string]int64 {
	all := map[string]int64{}
	for _, w := range f.Workers {
		maps.Copy(all, w.State.Blobs())
	}
	return all
}

// ManifestBytes is the size of all manifests of the fleet, each digest counted once.
func (f *Fleet) ManifestBytes() int64 {
	sizes := map[string]int64{}
	for _, w := range f.Workers {
		for d, m := range w.State.Manifests {
			sizes[d] = int64(len(m.Content))
		}
	}
	var sum int64
	for _, n := range sizes {
		sum += n
	}
	return sum
}
