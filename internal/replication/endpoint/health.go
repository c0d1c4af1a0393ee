package endpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/replication/remote"
)

const (
	// checkEvery is how often each registry is asked whether it is well.
	checkEvery = 5 * time.Minute
	// lookEvery is how often it is looked which of them are to be asked.
	lookEvery = 20 * time.Second
	// atOnce is how many are asked at once.
	atOnce = 8
)

// Run asks the registries whether they are well, until ctx is cancelled. Any number of processes may: each is asked by one.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := s.Check(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "ask registries whether they are well", "error", err)
		}
	}
}

// Check is one round of Run.
func (s *Service) Check(ctx context.Context) error {
	now := s.Clock()
	waiting, err := db.Collect(ctx, s.DB.Auto(), scanEndpoint, due, db.Micros(now), maxEndpoints)
	if err != nil {
		return fmt.Errorf("look for registries to ask: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, e := range waiting {
		g.Go(func() error { return s.check(ctx, e, now) })
	}
	return g.Wait()
}

// check asks one, unless another process does.
func (s *Service) check(ctx context.Context, e Endpoint, now time.Time) error {
	var mine int64
	err := s.DB.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		mine, err = tx.Exec(ctx, claim, db.Micros(now.Add(checkEvery)), e.ID, db.Micros(now))
		return err
	})
	if err != nil || mine == 0 {
		return err
	}
	complaint, known := s.state(ctx, e)
	if !known || complaint == e.Complaint {
		return nil
	}
	if complaint != "" {
		s.Log.WarnContext(ctx, "a registry isn't well", "registry", e.Name, "complaint", complaint)
	} else {
		s.Log.InfoContext(ctx, "a registry is well again", "registry", e.Name)
	}
	err = s.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, report, complaint, e.ID, db.Micros(e.UpdatedAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("write how registry %s is: %w", e.Name, err)
	}
	if complaint != "" || s.well == nil {
		return nil
	}
	if err := s.well(ctx, e.ID); err != nil {
		return fmt.Errorf("tell that registry %s is well again: %w", e.Name, err)
	}
	return nil
}

// state is what is wrong with a registry, "" if nothing is; false where that isn't known: one that was asked too often is there.
func (s *Service) state(ctx context.Context, e Endpoint) (string, bool) {
	r, err := s.kept(e)
	if err == nil {
		err = remote.Ping(ctx, r)
	}
	_, limited := errors.AsType[*remote.LimitError](err)
	switch {
	case err == nil:
		return "", true
	case limited, ctx.Err() != nil:
		return "", false
	}
	words := remote.Diagnosis(err)
	return strings.ToValidUTF8(words[:min(len(words), maxComplaint)], ""), true
}
