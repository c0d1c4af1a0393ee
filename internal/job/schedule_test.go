package job_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// Runs that were missed are one, whoever of several processes begins it.
func TestSchedule(t *testing.T) {
	each(t, func(w world) {
		var all []*job.Service
		for range 3 {
			s := w.service()
			s.Register("TICK", job.Work{Do: func(context.Context, *job.Run) error { return nil }})
			s.OnSchedule("TICK", func(ctx context.Context, tx db.Tx, sch job.Schedule) error {
				_, _, err := s.Begin(ctx, tx, job.NewExecution{Kind: sch.Kind, VendorID: sch.VendorID, Trigger: job.BySchedule, Extra: sch.Parameters}, job.NewTask{})
				return err
			})
			all = append(all, s)
		}
		s := all[0]
		put := func(cron string) error {
			return w.db.Write(w.Context(), func(tx db.Tx) error {
				return s.PutSchedule(w.Context(), tx, job.Schedule{Kind: "TICK", VendorID: 3, CronType: "Hourly", Cron: cron, Parameters: "p"})
			})
		}
		if err := put("@hourly"); !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v, want fault.Invalid", err)
		}
		if _, found, err := s.FindSchedule(w.Context(), "TICK", 3); found || err != nil {
			t.Fatalf("there is a schedule, or %v", err)
		}
		if err := put("0 0 * * * *"); err != nil {
			t.Fatal(err)
		}
		hour := w.clock.Now().Truncate(time.Hour)
		sch, found, err := s.FindSchedule(w.Context(), "TICK", 3)
		if err != nil || !found || sch.Cron != "0 0 * * * *" || sch.CronType != "Hourly" || sch.Parameters != "p" || !sch.Next.Equal(hour.Add(time.Hour)) {
			t.Fatalf("got %+v, %v", sch, err)
		}
		for _, s := range all {
			w.running(s)
		}
		fired := func() (n int64) {
			w.Helper()
			_, n, err := s.Executions(w.Context(), []job.Kind{"TICK"}, new(int64(3)), db.List{})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		for i := range 4 {
			w.clock.pass(5 * time.Hour)
			for _, s := range all {
				s.Look()
			}
			w.until("run "+strconv.Itoa(i)+" begins", func() bool { return fired() >= int64(i+1) })
		}
		if sch, _, _ := s.FindSchedule(w.Context(), "TICK", 3); fired() != 4 || !sch.Next.Equal(hour.Add(21*time.Hour)) {
			t.Errorf("%d runs, the next at %s", fired(), sch.Next)
		}
		list, err := s.Schedules(w.Context())
		if err != nil || len(list) != 3 || list[1].Kind != job.ArtifactCleanup || list[2].Kind != job.ExecutionSweep || list[2].Cron != "0 0 0 * * *" || list[2].VendorID != job.System {
			t.Errorf("the schedules are %+v, %v", list, err)
		}
		w.write(func(tx db.Tx) error {
			dropped, err := s.DropSchedule(w.Context(), tx, "TICK", 3)
			if !dropped {
				t.Error("there was none")
			}
			return err
		})
		w.clock.pass(100 * time.Hour)
		w.until("the nightly sweep runs", func() bool {
			list, _, err := s.Executions(w.Context(), []job.Kind{job.ExecutionSweep}, nil, db.List{})
			return err == nil && len(list) > 0 && list[0].Status == job.Success
		})
		if fired() != 4 {
			t.Error("it began without a schedule")
		}
	})
}

// Schedules that can't begin, or that only a newer version knows, don't hold up the others, however many they are.
func TestSchedulesThatFailHoldUpNoOther(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		s.OnSchedule("BROKEN", func(context.Context, db.Tx, job.Schedule) error { return errors.New("it can't") })
		s.Register("TICK", job.Work{Do: func(context.Context, *job.Run) error { return nil }})
		s.OnSchedule("TICK", func(ctx context.Context, tx db.Tx, sch job.Schedule) error {
			_, _, err := s.Begin(ctx, tx, job.NewExecution{Kind: sch.Kind, Trigger: job.BySchedule}, job.NewTask{})
			return err
		})
		w.write(func(tx db.Tx) error {
			for i := range int64(60) {
				for _, kind := range []job.Kind{"BROKEN", "OF A NEWER VERSION"} {
					if err := s.PutSchedule(w.Context(), tx, job.Schedule{Kind: kind, VendorID: i, Cron: "0 0 * * * *"}); err != nil {
						return err
					}
				}
			}
			return s.PutSchedule(w.Context(), tx, job.Schedule{Kind: "TICK", Cron: "0 0 * * * *"})
		})
		w.clock.pass(2 * time.Hour)
		w.running(s)
		w.until("the one that can begins", func() bool {
			_, n, err := s.Executions(w.Context(), []job.Kind{"TICK"}, nil, db.List{})
			return err == nil && n == 1
		})
	})
}
