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
	fromSigned source = "registry" // found out from its signatures
)

func sources() []source { return []source{fromCache, fromShared, fromHaven, fromSigned} }

// who is somebody who can be asked about images.
type who struct {
	name   string
	source source
	batch  int // images of a question
	atOnce int // questions
	ask    func(ctx context.Context, names []string) (map[string]verdict, error)
	failed *telemetry.Tally[trouble]
}

// verdicts remembers what somebody said, for seconds, and asks once where many want to know the same.
type verdicts struct {
	who
	lives    Cache
	deadline time.Duration // of a question, from the first who wants to know
	clock    func() time.Time
	cache    *otter.Cache[string, remembered]
	slots    chan struct{} // questions at once
	asking   sync.WaitGroup
	counted  *telemetry.Tally[source]

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

func newVerdicts(p *Policy, w who, counted *telemetry.Tally[source], clock func() time.Time) *verdicts {
	return &verdicts{
		who: w, lives: p.Cache, deadline: time.Duration(p.Deadline), clock: clock, counted: counted,
		cache:   otter.Must(&otter.Options[string, remembered]{MaximumSize: p.Cache.Size}),
		slots:   make(chan struct{}, max(w.atOnce, 1)),
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
		if known, ok := v.known(keyOf(name)); ok {
			answers[name] = answered{verdict: known}
			v.counted.Add(fromCache, 1)
			continue
		}
		if waiting[name] != nil {
			continue
		}
		f := v.flights[keyOf(name)]
		if f == nil {
			f = &flight{done: make(chan struct{})}
			v.flights[keyOf(name)] = f
			mine = append(mine, name)
			v.counted.Add(v.source, 1)
		} else {
			v.counted.Add(fromShared, 1)
		}
		waiting[name] = f
	}
	v.mu.Unlock()
	for names := range slices.Chunk(mine, v.batch) {
		// Others may wait for the answer when this one has gone.
		v.asking.Go(func() { v.fly(context.WithoutCancel(ctx), names) })
	}
	for name, f := range waiting {
		select {
		case <-f.done:
			answers[name] = answered{f.verdict, f.err}
		case <-ctx.Done():
			answers[name] = answered{err: v.late()}
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
		f := v.flights[keyOf(name)]
		f.verdict, f.err = found[name], err
		if err == nil {
			v.remember(name, f.verdict)
		}
		delete(v.flights, keyOf(name))
		close(f.done)
	}
}

func (v *verdicts) inTurn(ctx context.Context, names []string) (map[string]verdict, error) {
	select {
	case v.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, v.late()
	}
	defer func() { <-v.slots }()
	return v.ask(ctx, names)
}

func (v *verdicts) late() error {
	return &askError{troubleTimeout, v.name + " doesn't answer in time"}
}

// keyOf is what a verdict about a name is remembered by: with a digest a tag says nothing.
func keyOf(name string) string {
	before, digest, named := strings.Cut(name, "@")
	if !named {
		return name
	}
	return repositoryOf(before) + "@" + digest
}

// repositoryOf is a name without its tag.
func repositoryOf(name string) string {
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[:i]
	}
	return name
}

// known is a verdict that still counts. Its until says for how long.
func (v *verdicts) known(key string) (verdict, bool) {
	known, ok := v.cache.GetIfPresent(key)
	if !ok || !v.clock().Before(known.until) {
		return verdict{}, false
	}
	known.verdict.until = known.until
	return known.verdict, true
}

// remember keeps a verdict for as long as it counts. One by tag is one by the tag's digest too, which a pinned image is
// asked about a moment later.
func (v *verdicts) remember(name string, said verdict) {
	byDigest := time.Duration(v.lives.Refused)
	if said.allowed {
		byDigest = time.Duration(v.lives.Allowed)
	}
	if strings.Contains(name, "@") {
		v.keep(keyOf(name), said, byDigest)
		return
	}
	v.keep(name, said, min(byDigest, time.Duration(v.lives.Tag)))
	if said.digest != "" {
		v.keep(repositoryOf(name)+"@"+said.digest.String(), said, byDigest)
	}
}

func (v *verdicts) keep(key string, said verdict, life time.Duration) {
	until := v.clock().Add(life)
	if !said.until.IsZero() && said.until.Before(until) {
		until = said.until
	}
	if v.clock().Before(until) {
		v.cache.Set(key, remembered{said, until})
	}
}

// wait waits for the questions that are being asked.
func (v *verdicts) wait() { v.asking.Wait() }
