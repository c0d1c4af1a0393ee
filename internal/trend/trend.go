package trend

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/scan"
)

const (
	day = 24 * time.Hour
	// MaxDays is for how long samples are kept.
	MaxDays = 731
	// believed is how long the figures of now are, so that a page that is looked at often adds up nothing anew.
	believed = time.Minute
)

// Sample is the registry on a day.
type Sample struct {
	Day       time.Time // its beginning, in UTC
	Bytes     int64     // as quotas count them
	Artifacts int64
	Pulls     int64 // so far
	Findings  scan.Counts
}

// Service is the package's use cases. It is safe for concurrent use.
type Service struct {
	db       *db.DB
	findings func(context.Context) (scan.Counts, error)
	clock    func() time.Time

	mu   sync.Mutex
	last Sample
	at   time.Time
}

// New returns a Service. findings adds up those of all reports.
func New(d *db.DB, findings func(context.Context) (scan.Counts, error), clock func() time.Time) *Service {
	return &Service{db: d, findings: findings, clock: clock}
}

const (
	used   = `SELECT CAST(COALESCE(SUM(u.bytes), 0) AS BIGINT) FROM project_usage u`
	held   = `SELECT CAST(COALESCE(SUM(r.artifact_count), 0) AS BIGINT), CAST(COALESCE(SUM(r.pull_count), 0) AS BIGINT) FROM repository r WHERE NOT r.hidden`
	fields = `day, bytes, artifacts, pulls, critical, high, medium, low, unknown, fixable`
	put    = `INSERT INTO trend (` + fields + `, sampled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (day) DO UPDATE SET bytes = excluded.bytes, artifacts = excluded.artifacts, pulls = excluded.pulls, critical = excluded.critical,
			high = excluded.high, medium = excluded.medium, low = excluded.low, unknown = excluded.unknown, fixable = excluded.fixable, sampled_at = excluded.sampled_at
		WHERE trend.sampled_at <= excluded.sampled_at`
	outlived = `DELETE FROM trend WHERE day <= $1`
	since    = `SELECT ` + fields + ` FROM trend WHERE day > $1 ORDER BY day`
)

func number(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }

// now adds up what the registry is.
func (s *Service) now(ctx context.Context) (v Sample, err error) {
	v.Day = s.clock().UTC().Truncate(day)
	if v.Findings, err = s.findings(ctx); err != nil {
		return v, err
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if v.Bytes, err = db.Get(ctx, tx, db.ScanInt, used); err != nil {
			return err
		}
		_, err = db.Get(ctx, tx, func(r db.Row) (struct{}, error) { return struct{}{}, r.Scan(&v.Artifacts, &v.Pulls) }, held)
		return err
	})
	return v, err
}

// Sample takes the sample of today, each night.
func (s *Service) Sample(ctx context.Context, run *job.Run) error {
	v, err := s.Take(ctx)
	if err == nil {
		run.Logf("took the sample of %s: %d bytes, %d artifacts", v.Day.Format(time.DateOnly), v.Bytes, v.Artifacts)
	}
	return err
}

// Take writes down what the registry is today, and drops what is too old.
func (s *Service) Take(ctx context.Context) (Sample, error) {
	v, err := s.now(ctx)
	if err != nil {
		return v, fmt.Errorf("take the sample of the day: %w", err)
	}
	today, c := number(v.Day), v.Findings
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, put, today, v.Bytes, v.Artifacts, v.Pulls, c.Critical, c.High, c.Medium, c.Low, rest(c), c.Fixable, db.Micros(s.clock())); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, outlived, today-MaxDays)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("write the sample of the day: %w", err)
	}
	return v, nil
}

// rest is what has no rank that charts tell apart.
func rest(c scan.Counts) int64 { return c.Unknown + c.Negligible }

func scanSample(r db.Row) (v Sample, err error) {
	var n int64
	c := &v.Findings
	err = r.Scan(&n, &v.Bytes, &v.Artifacts, &v.Pulls, &c.Critical, &c.High, &c.Medium, &c.Low, &c.Unknown, &c.Fixable)
	v.Day = time.Unix(n*int64(day/time.Second), 0).UTC()
	return v, err
}

// Last returns the samples of the last days, the oldest first; that of today is what the registry is now.
func (s *Service) Last(ctx context.Context, days int) ([]Sample, error) {
	now, err := s.recent(ctx)
	if err != nil {
		return nil, fmt.Errorf("add up what the registry is: %w", err)
	}
	today := number(now.Day)
	rows, err := db.Collect(ctx, s.db.Auto(), scanSample, since, today-int64(min(max(days, 1), MaxDays)))
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	for len(rows) > 0 && number(rows[len(rows)-1].Day) >= today {
		rows = rows[:len(rows)-1]
	}
	return append(rows, now), nil
}

// recent is now, believed for a while. Who asks meanwhile waits for the answer of the one who asked first.
func (s *Service) recent(ctx context.Context) (Sample, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.clock(); s.at.IsZero() || at.Sub(s.at) > believed || at.UTC().Truncate(day) != s.last.Day {
		v, err := s.now(ctx)
		if err != nil {
			return v, err
		}
		v.Findings.Unknown = rest(v.Findings)
		s.last, s.at = v, at
	}
	return s.last, nil
}
