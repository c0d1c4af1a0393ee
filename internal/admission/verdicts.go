package admission

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/havenregistry/haven/internal/telemetry"
)

// source is where a verdict came from: of a fixed set, for metrics.
type source string

const (
	fromCache  source = "cache"
	fromShared source = "shared" // another request had asked already
	fromHaven  source = "haven"
)

func sources() []source { return []source{fromCache, fromShared, fromHaven} }

// verdicts remembers what Haven said, for seconds, and asks once where many want to know the same.
type verdicts struct {
	ask      func(ctx context.Context, names []string) (map[string]verdict, error)
	lives    Cache
	deadline time.Duration // of a question, from the first who wants to know
	clock    func() time.Time
	cache    *otter.Cache[string, remembered]
	slots    chan struct{} // questions at once
	asking   sync.WaitGroup

	counted telemetry.Tally[source]
	failed  telemetry.Tally[trouble]

	mu      sync.Mutex
	flights map[string]*flight
}

type remembered struct {
	verdict verdict
	until   time.Time
}

// flight is a question that is being asked. Its fields are written before done is closed.
type flight struct {
	done    chan struct{}
	verdict verdict
	err     error
}

func newVerdicts(p *Policy, ask func(ctx context.Context, names []string) (map[string]verdict, error), clock func() time.Time) *verdicts {
	return &verdicts{
		ask: ask, lives: p.Cache, deadline: time.Duration(p.Deadline), clock: clock,
		cache:   otter.Must(&otter.Options[string, remembered]{MaximumSize: p.Cache.Size}),
		slots:   make(chan struct{}, max(p.Haven.Concurrency, 1)),
		flights: map[string]*flight{},
	}
}

// answered is a verdict, or why there is none.
type answered struct {
	verdict verdict
	err     error
}

// of returns an answer for each name, until ctx ends.
func (v *verdicts) of(ctx context.Context, names []string) map[string]answered {
	answers := make(map[string]answered, len(names))
	waiting := map[string]*flight{}
	var mine []string
	v.mu.Lock()
	for _, name := range names {
		if known, ok := v.cache.GetIfPresent(name); ok && v.clock().Before(known.until) {
			answers[name] = answered{verdict: known.verdict}
			v.counted.Add(fromCache, 1)
			continue
		}
		if waiting[name] != nil {
			continue
		}
		f := v.flights[name]
		if f == nil {
			f = &flight{done: make(chan struct{})}
			v.flights[name] = f
			mine = append(mine, name)
			v.counted.Add(fromHaven, 1)
		} else {
			v.counted.Add(fromShared, 1)
		}
		waiting[name] = f
	}
	v.mu.Unlock()
	for names := range slices.Chunk(mine, maxQuestion) {
		// Others may wait for the answer when this one has gone.
		v.asking.Go(func() { v.fly(context.WithoutCancel(ctx), names) })
	}
	for name, f := range waiting {
		select {
		case <-f.done:
			answers[name] = answered{f.verdict, f.err}
		case <-ctx.Done():
			answers[name] = answered{err: &askError{troubleTimeout, "Haven doesn't answer in time"}}
		}
	}
	return answers
}

// fly asks about names and hands the answers out.
func (v *verdicts) fly(ctx context.Context, names []string) {
	ctx, cancel := context.WithTimeout(ctx, v.deadline)
	defer cancel()
	found, err := v.inTurn(ctx, names)
	if err != nil {
		kind := troubleAnswer
		if failed, ok := errors.AsType[*askError](err); ok {
			kind = failed.trouble
		}
		v.failed.Add(kind, 1)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range names {
		f := v.flights[name]
		f.verdict, f.err = found[name], err
		if err == nil {
			v.remember(name, f.verdict)
		}
		delete(v.flights, name)
		close(f.done)
	}
}

func (v *verdicts) inTurn(ctx context.Context, names []string) (map[string]verdict, error) {
	select {
	case v.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, &askError{troubleTimeout, "Haven doesn't answer in time"}
	}
	defer func() { <-v.slots }()
	return v.ask(ctx, names)
}

// remember keeps a verdict for as long as it counts. One by tag is one by the tag's digest too, which a pinned image is
// asked about a moment later.
func (v *verdicts) remember(name string, said verdict) {
	byDigest := time.Duration(v.lives.Refused)
	if said.allowed {
		byDigest = time.Duration(v.lives.Allowed)
	}
	repository, _, named := strings.Cut(name, "@")
	if named {
		v.keep(name, said, byDigest)
		return
	}
	v.keep(name, said, min(byDigest, time.Duration(v.lives.Tag)))
	if said.digest != "" {
		repository = repository[:strings.LastIndexByte(repository, ':')]
		v.keep(repository+"@"+said.digest.String(), said, byDigest)
	}
}

func (v *verdicts) keep(name string, said verdict, life time.Duration) {
	if life > 0 {
		v.cache.Set(name, remembered{said, v.clock().Add(life)})
	}
}

// wait waits for the questions that are being asked.
func (v *verdicts) wait() { v.asking.Wait() }
