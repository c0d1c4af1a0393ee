package vulndb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// refreshTime bounds one refresh: a slow line needs an hour for the database.
const refreshTime = 3 * time.Hour

// register says how refreshes are done, VULNDB_REFRESH among the jobs.
func (s *Service) register() {
	if s.jobs == nil {
		return
	}
	s.jobs.Register(job.VulnDBRefresh, job.Work{Do: s.do, Alone: true, Timeout: refreshTime, Attempts: 3, Backoff: time.Minute, Keep: 10})
	s.jobs.OnSchedule(job.VulnDBRefresh, func(ctx context.Context, tx db.Tx, sch job.Schedule) error {
		return s.begin(ctx, tx, job.BySchedule, "schedule")
	})
}

func (s *Service) begin(ctx context.Context, tx db.Tx, trigger job.Trigger, by string) error {
	_, _, err := s.jobs.Begin(ctx, tx, job.NewExecution{Kind: job.VulnDBRefresh, VendorID: job.System, Trigger: trigger, By: by}, job.NewTask{})
	return err
}

// ourselves is who refreshes by the clock, in the audit log.
const ourselves = "haven"

// do is one refresh. What a source has that is no database is the same a minute later.
func (s *Service) do(ctx context.Context, r *job.Run) error {
	_, _, err := s.Refresh(ctx, ourselves, r.Logf)
	if errors.Is(err, fault.Invalid) {
		return job.Permanent(err)
	}
	return err
}

// Prepare sees to it, at a start, that the sources are asked by the clock: four times a day, at a minute by lot, so that
// not all registries ask at once; and that there is a database soon. Without a source nobody is asked.
func (s *Service) Prepare(ctx context.Context) error {
	if s.jobs == nil {
		return nil
	}
	_, found, err := s.jobs.FindSchedule(ctx, job.VulnDBRefresh, job.System)
	if err != nil {
		return fmt.Errorf("schedule refreshes of the vulnerability database: %w", err)
	}
	if found == (len(s.sources) > 0) {
		return nil
	}
	cron := fmt.Sprintf("0 %d */6 * * *", rand.N(60))
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if found {
			_, err := s.jobs.DropSchedule(ctx, tx, job.VulnDBRefresh, job.System)
			return err
		}
		if err := s.jobs.PutSchedule(ctx, tx, job.Schedule{Kind: job.VulnDBRefresh, VendorID: job.System, CronType: "Custom", Cron: cron}); err != nil {
			return err
		}
		return s.begin(ctx, tx, job.BySchedule, "start")
	})
	if err != nil {
		return fmt.Errorf("schedule refreshes of the vulnerability database: %w", err)
	}
	return nil
}
