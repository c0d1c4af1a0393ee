package admission

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/admission/foreign"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/telemetry"
)

// askers are those who are asked about images: Haven, and other registries, of which this program verifies the signatures.
type askers struct {
	haven  *verdicts
	signed map[string]*verdicts // by prefix

	counted                   telemetry.Tally[source]
	failedHaven, failedSigned telemetry.Tally[trouble]
}

func newAskers(p *Policy, clock func() time.Time) (*askers, error) {
	haven, err := newAsker(p.Haven)
	if err != nil {
		return nil, err
	}
	a := &askers{signed: map[string]*verdicts{}}
	a.haven = newVerdicts(p, who{"Haven", fromHaven, maxQuestion, p.Haven.Concurrency, haven.evaluate, &a.failedHaven}, &a.counted, clock)
	for i, r := range p.Registries {
		if r.By != BySignatures {
			continue
		}
		host, _, _ := strings.Cut(r.Prefix, "/")
		registry, err := r.registry(host, p.folder, clock)
		if err != nil {
			return nil, fmt.Errorf("policy: registries[%d]: %w", i, err)
		}
		atOnce := r.Concurrency
		if atOnce == 0 {
			atOnce = signedConcurrency
		}
		s := &signatures{registry: registry}
		s.verdicts = newVerdicts(p, who{host, fromSigned, 1, atOnce, s.evaluate, &a.failedSigned}, &a.counted, clock)
		a.signed[r.Prefix] = s.verdicts
	}
	return a, nil
}

// question is what to ask about an image of a registry, and whom.
func (a *askers) question(r Registry, img image) question {
	if r.By == BySignatures {
		return question{img.path + img.whole(), a.signed[r.Prefix]}
	}
	return question{r.inHaven(img), a.haven}
}

// wait waits for the questions that are being asked.
func (a *askers) wait() {
	a.haven.wait()
	for _, v := range a.signed {
		v.wait()
	}
}

// signatures asks one registry. Verdicts are of its prefix's policy alone, so what they are remembered by need not name it.
type signatures struct {
	registry *foreign.Registry
	verdicts *verdicts
}

// evaluate verifies one image, named as repository:tag@digest, with a tag, a digest or both. The error is an askError.
func (s *signatures) evaluate(ctx context.Context, names []string) (map[string]verdict, error) {
	found := make(map[string]verdict, len(names))
	for _, name := range names {
		before, digest, _ := strings.Cut(name, "@")
		repository := repositoryOf(before)
		said, err := s.registry.Evaluate(ctx, foreign.Image{
			Repository: repository, Tag: strings.TrimPrefix(strings.TrimPrefix(before, repository), ":"), Digest: oci.Digest(digest),
		}, func(d oci.Digest) (foreign.Verdict, bool) {
			known, ok := s.verdicts.known(repository + "@" + d.String())
			return foreign.Verdict{Digest: d, Signed: known.allowed, Message: known.message, Until: known.until}, ok
		})
		if failed, ok := errors.AsType[*foreign.Failure](err); ok {
			return nil, &askError{trouble(failed.Kind), failed.Words}
		}
		if err != nil {
			return nil, &askError{troubleAnswer, err.Error()}
		}
		found[name] = verdictOf(said)
	}
	return found, nil
}

func verdictOf(said foreign.Verdict) verdict {
	v := verdict{digest: said.Digest, allowed: said.Signed, until: said.Until}
	switch {
	case said.Signed:
		return v
	case said.Digest == "":
		v.reasons = []string{reasonUnknown}
	default:
		v.reasons = []string{reasonUnsigned}
	}
	v.message = clean(said.Message, maxReason)
	return v
}
