package proxycache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/selector"
)

// Freshness says when upstream is asked what a tag means.
type Freshness string

// The kinds of freshness.
const (
	Always  Freshness = "always"  // with each pull, as Harbor does
	MaxAge  Freshness = "max_age" // when the last answer is older than Policy.MaxAge
	Offline Freshness = "offline" // never: only what is here is served
)

// Own is the part of a project's policy that Haven's own API sets.
type Own struct {
	Freshness Freshness
	MaxAge    time.Duration
	// ScanBeforeServe has images fetched whole and scanned before anybody gets them.
	ScanBeforeServe bool
	// MinimumAge is how long after a tag was first seen to have moved it goes on to mean what it meant, 0 for no time.
	MinimumAge time.Duration
	KeepDays   int64 // after the last pull, 0 for ever
}

// defaultKeep is Harbor's.
const defaultKeep = 7

func defaults() Own { return Own{Freshness: Always, KeepDays: defaultKeep} }

// Bounds of a policy.
const (
	maxMaxAge   = 365 * 24 * time.Hour
	maxKeepDays = 36_500
)

func (o Own) check() error {
	switch o.Freshness {
	case Always, Offline:
	case MaxAge:
		if o.MaxAge <= 0 {
			return fault.Invalidf("max_age_seconds must be more than 0 where the freshness is max_age")
		}
	default:
		return fault.Invalidf("the freshness must be always, max_age or offline")
	}
	if o.MaxAge < 0 || o.MaxAge > maxMaxAge || o.MinimumAge < 0 || o.MinimumAge > maxMaxAge {
		return fault.Invalidf("ages must be from 0 to %d seconds", int64(maxMaxAge.Seconds()))
	}
	if o.KeepDays < 0 || o.KeepDays > maxKeepDays {
		return fault.Invalidf("keep_days must be from 0 to %d", maxKeepDays)
	}
	return nil
}

// Policy is how a project caches.
type Policy struct {
	Own
	RegistryID int64
	Gated      bool // the gate looks at pulls
	Signed     bool // and asks for signatures

	Filter          *selector.Selector
	Referrers       bool  // are asked for upstream
	LocalOnNotFound bool  // what upstream has lost is served as long as it is here
	Connections     int64 // to upstream at once, 0 for no bound
	Speed           int64 // of each in bytes a second, 0 for no bound
}

// whole reports whether images are fetched whole before anybody gets them.
func (p Policy) whole() bool { return p.Gated || p.ScanBeforeServe }

const (
	ownPolicy = `SELECT freshness, max_age, scan_before_serve, minimum_age, keep_days FROM proxy_policy WHERE project_id = $1`
	putPolicy = `INSERT INTO proxy_policy (project_id, freshness, max_age, scan_before_serve, minimum_age, keep_days, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project_id) DO UPDATE SET freshness = excluded.freshness, max_age = excluded.max_age,
		scan_before_serve = excluded.scan_before_serve, minimum_age = excluded.minimum_age, keep_days = excluded.keep_days, updated_at = excluded.updated_at`
	projectRow  = `SELECT registry_id, gated FROM project WHERE id = $1 AND deleted_at = 0`
	metadataRow = `SELECT name, value FROM project_metadata WHERE project_id = $1`
)

func scanOwn(r db.Row) (o Own, err error) {
	var maxAge, minimumAge int64
	err = r.Scan(&o.Freshness, &maxAge, &o.ScanBeforeServe, &minimumAge, &o.KeepDays)
	o.MaxAge, o.MinimumAge = time.Duration(maxAge)*time.Second, time.Duration(minimumAge)*time.Second
	return o, err
}

// GetOwn returns what Haven's own API set.
func (s *Service) GetOwn(ctx context.Context, projectID int64) (Own, error) {
	o, err := readOwn(ctx, s.db.Auto(), projectID)
	if err != nil {
		return o, fmt.Errorf("read the cache policy of project %d: %w", projectID, err)
	}
	return o, nil
}

func readOwn(ctx context.Context, tx db.Tx, projectID int64) (Own, error) {
	o, err := db.Get(ctx, tx, scanOwn, ownPolicy, projectID)
	if errors.Is(err, db.ErrNotFound) {
		return defaults(), nil
	}
	return o, err
}

// RestoreOwn sets it as it was, in a database that is being rebuilt.
func (s *Service) RestoreOwn(ctx context.Context, projectID int64, o Own) error {
	err := o.check()
	if err == nil {
		err = s.db.Write(ctx, func(tx db.Tx) error { return s.putOwn(ctx, tx, projectID, o) })
	}
	if err != nil {
		return fmt.Errorf("restore the cache policy of project %d: %w", projectID, err)
	}
	return nil
}

func (s *Service) putOwn(ctx context.Context, tx db.Tx, projectID int64, o Own) error {
	_, err := tx.Exec(ctx, putPolicy, projectID, string(o.Freshness), int64(o.MaxAge.Seconds()), o.ScanBeforeServe,
		int64(o.MinimumAge.Seconds()), o.KeepDays, s.now())
	return err
}

// SetOwn sets it. What is wrong with it is a fault.Invalid.
func (s *Service) SetOwn(ctx context.Context, by authz.Principal, projectID int64, name string, o Own) error {
	if err := o.check(); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.wake)
		if err := s.putOwn(ctx, tx, projectID, o); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{Kind: event.UpdateProject, At: s.clock(), By: by.Name, ProjectID: projectID, Project: name,
			Resource: name, Description: "change how project " + name + " caches", Success: true})
	})
	s.policies.forget(projectID)
	if err != nil {
		return fmt.Errorf("set the cache policy of project %d: %w", projectID, err)
	}
	return nil
}

// policyFor is how long a policy is believed.
const policyFor = time.Second

type policies struct {
	mu sync.Mutex
	by map[int64]knownPolicy
}

type knownPolicy struct {
	Policy
	until   time.Time
	version int64
}

// maxPolicies bounds the policies that are remembered.
const maxPolicies = 10_000

func (p *policies) get(id int64, now time.Time, version int64) (Policy, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.by[id]
	return known.Policy, ok && known.version == version && now.Before(known.until)
}

func (p *policies) put(id int64, known knownPolicy) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil || len(p.by) >= maxPolicies {
		p.by = map[int64]knownPolicy{}
	}
	p.by[id] = known
}

func (p *policies) forget(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, id)
}

// Policy returns how a project caches. It is at most a second old.
func (s *Service) Policy(ctx context.Context, projectID int64) (Policy, error) {
	now := time.Now()
	version, _ := s.changes.Version()
	if p, ok := s.policies.get(projectID, now, version); ok {
		return p, nil
	}
	p := Policy{}
	err := s.db.Read(ctx, func(tx db.Tx) (err error) {
		p, err = readPolicy(ctx, tx, projectID)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read how project %d caches: %w", projectID, err)
	}
	s.policies.put(projectID, knownPolicy{p, now.Add(policyFor), version})
	return p, nil
}

func readPolicy(ctx context.Context, tx db.Tx, projectID int64) (Policy, error) {
	p, err := db.Get(ctx, tx, func(r db.Row) (p Policy, err error) {
		err = r.Scan(&p.RegistryID, &p.Gated)
		return p, err
	}, projectRow, projectID)
	if errors.Is(err, db.ErrNotFound) {
		return p, fault.NotFoundf("project %d not found", projectID)
	}
	if err != nil {
		return p, err
	}
	if p.Own, err = readOwn(ctx, tx, projectID); err != nil {
		return p, err
	}
	type pair struct{ name, value string }
	rows, err := db.Collect(ctx, tx, func(r db.Row) (v pair, err error) {
		err = r.Scan(&v.name, &v.value)
		return v, err
	}, metadataRow, projectID)
	if err != nil {
		return p, err
	}
	metadata := map[string]string{}
	for _, row := range rows {
		metadata[row.name] = row.value
	}
	return p, p.read(metadata)
}

// read takes what Harbor's metadata says.
func (p *Policy) read(metadata map[string]string) (err error) {
	number := func(key string) int64 {
		n, err := strconv.ParseInt(metadata[key], 10, 64)
		if err != nil {
			return 0
		}
		return max(n, 0)
	}
	p.Signed = p.Gated && (metadata[project.ContentTrustCosign] == "true" || metadata[project.ContentTrust] == "true")
	p.Referrers = metadata[project.ProxyReferrers] == "true"
	p.LocalOnNotFound = metadata[project.ProxyLocalOnNotFound] == "true"
	p.Connections = number(project.ProxyConnections)
	p.Speed = number(project.ProxySpeed) << 10
	p.Filter, err = project.NewProxyFilter(metadata[project.ProxyFilterKind], metadata[project.ProxyFilterPattern])
	return err
}
