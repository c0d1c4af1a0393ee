package app

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/retention"
)

// retaining makes what deletes by the projects' rules.
func (a *App) retaining(d domain, wake func()) *retention.Service {
	return retention.New(retention.Deps{
		DB: a.db, Registry: d.registry, Projects: d.projects, Jobs: a.jobs, Wake: wake, Clock: time.Now, Log: a.log,
		ReadOnly: func(ctx context.Context) (bool, error) {
			v, err := d.settings.Get(ctx)
			return v.ReadOnly(), err
		},
		NoUses: func(ctx context.Context) (bool, error) {
			v, err := d.settings.Get(ctx)
			return !v.PullTimes(), err
		},
	})
}
