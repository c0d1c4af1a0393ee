package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/repair"
)

// scrub compares what lies in the store with what the database says. It exits with 0 when nothing is wrong,
// 1 when there is damage, and 2 when it couldn't find out.
type scrub struct {
	config.Config `embed:""`
	Sample        percent  `default:"100%" placeholder:"PERCENT" help:"Read only a part of the blobs, chosen by lot: 5%."`
	Since         sinceDay `placeholder:"TIME" help:"Read only blobs stored since a day (2026-01-31) or for a time (72h)."`
	After         int64    `default:"0" placeholder:"ID" help:"Go on after this blob, where a scrub that was stopped says so."`
	MaxRate       byteRate `placeholder:"RATE" help:"Read at most so many bytes a second: 100MB/s."`
	Parallel      int      `default:"2" placeholder:"N" help:"Blobs read at a time."`
	Strays        bool     `help:"List the store, too, and tell what no row names."`
	PruneRecords  bool     `help:"Have records removed that tell of manifests and tags that the database doesn't have."`
	JSON          bool     `name:"json" help:"Write the report as JSON."`
}

const (
	exitDamage exitError = 1
	exitFailed exitError = 2
)

// Run implements kong's command.
func (s *scrub) Run(ctx context.Context) error {
	if err := s.Complete(); err != nil {
		return failed(err)
	}
	if s.Parallel < 1 || s.Parallel > 64 {
		return failed(errors.New("parallel: expected 1 to 64"))
	}
	report, err := app.Scrub(ctx, s.Config, s.Logger(), repair.ScrubOptions{
		Sample: float64(s.Sample), Since: time.Time(s.Since), After: s.After, MaxRate: int64(s.MaxRate),
		Parallel: s.Parallel, Strays: s.Strays, PruneRecords: s.PruneRecords,
	}, newProgress())
	if !report.StartedAt.IsZero() {
		if err := writeReport(report, s.JSON); err != nil {
			return failed(err)
		}
	}
	switch {
	case err != nil:
		return failed(err)
	case !report.Clean():
		return exitDamage
	}
	return nil
}

// failed says why there is no result.
func failed(err error) error {
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped")
	}
	fmt.Fprintln(os.Stderr, "haven:", err)
	return exitFailed
}

// writeReport writes a report for people, or as JSON.
func writeReport(r interface{ WriteText(w io.Writer) }, asJSON bool) error {
	if asJSON {
		return writeJSON(r)
	}
	r.WriteText(os.Stdout)
	return nil
}

func writeJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// percent is a part of something, above 0 and at most 1, written as 5%.
type percent float64

// UnmarshalText reads it.
func (p *percent) UnmarshalText(text []byte) error {
	n, err := strconv.ParseFloat(strings.TrimSuffix(string(text), "%"), 64)
	if err != nil || !(n > 0 && n <= 100) {
		return fmt.Errorf("%q, expected a part such as 5%%", text)
	}
	*p = percent(n / 100)
	return nil
}

// sinceDay is a time in the past, written as a day or as how long ago it is.
type sinceDay time.Time

// UnmarshalText reads it.
func (s *sinceDay) UnmarshalText(text []byte) error {
	if ago, err := time.ParseDuration(string(text)); err == nil && ago > 0 {
		*s = sinceDay(time.Now().Add(-ago))
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			*s = sinceDay(at)
			return nil
		}
	}
	return fmt.Errorf("%q, expected a day such as 2026-01-31 or a time such as 72h", text)
}

// byteRate is a number of bytes a second, written as 100MB/s.
type byteRate int64

// UnmarshalText reads it.
func (b *byteRate) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(strings.TrimSuffix(string(text), "/s"))
	if err != nil || n < 1 || n > 1<<50 {
		return fmt.Errorf("%q, expected a rate such as 100MB/s", text)
	}
	*b = byteRate(n)
	return nil
}
