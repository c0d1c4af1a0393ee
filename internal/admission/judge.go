package admission

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// outcome is what a ruling comes to.
type outcome string

const (
	passed    outcome = "allowed"
	exempted  outcome = "exempted"
	refused   outcome = "refused"
	unchecked outcome = "unchecked" // nobody could be asked, and the policy lets such images through
)

// Reasons that this server refuses for by itself; the others are Haven's.
const (
	reasonInvalid  = "invalid"  // no image can be called that
	reasonUnlisted = "unlisted" // of a registry that the policy doesn't name
	reasonDenied   = "denied"   // of one that it names to deny it
	reasonTag      = "tag"      // named by a tag where a digest is demanded
	reasonError    = "error"    // Haven, or the registry, could not be asked
	reasonUnknown  = "unknown"  // the registry has no such image, as Haven says it of its own
	reasonUnsigned = "unsigned" // not by whom the policy demands
)

// ruling is the decision about one image.
type ruling struct {
	outcome outcome
	reasons []string
	message string     // why, for people; of an exemption its reason
	digest  oci.Digest // that was looked at, "" where nothing was or the image isn't there
}

func refuse(reason, format string, args ...any) ruling {
	return ruling{outcome: refused, reasons: []string{reason}, message: fmt.Sprintf(format, args...)}
}

// judge decides about images by the policy.
type judge struct {
	policy *Policy
	askers *askers
	clock  func() time.Time
}

// question is an image that somebody has to be asked about.
type question struct {
	name string
	to   *verdicts
}

// rule decides about each image that uses name, by how it is written. Pinning is said to be still to come: tags are
// judged as what they stand for then, and not refused for being tags.
func (j *judge) rule(ctx context.Context, namespace string, uses []use, pinning bool) map[string]ruling {
	rulings := make(map[string]ruling, len(uses))
	questions := map[string]question{} // by how it is written
	names := map[*verdicts][]string{}
	for _, u := range uses {
		if _, known := rulings[u.image]; known {
			continue
		}
		ruled, q := j.byItself(namespace, u.image, pinning)
		rulings[u.image] = ruled
		if q.to != nil {
			questions[u.image] = q
			names[q.to] = append(names[q.to], q.name)
		}
	}
	answers := ask(ctx, names)
	for written, q := range questions {
		rulings[written] = j.byAnswer(answers[q])
	}
	return rulings
}

// ask asks all at once.
func ask(ctx context.Context, names map[*verdicts][]string) map[question]answered {
	var (
		asking  sync.WaitGroup
		mu      sync.Mutex
		answers = map[question]answered{}
	)
	for to, names := range names {
		asking.Go(func() {
			found := to.of(ctx, names)
			mu.Lock()
			defer mu.Unlock()
			for name, a := range found {
				answers[question{name, to}] = a
			}
		})
	}
	asking.Wait()
	return answers
}

// byItself decides without asking, or returns what has to be asked.
func (j *judge) byItself(namespace, written string, pinning bool) (ruled ruling, q question) {
	img, err := parseImage(written)
	if err != nil {
		return refuse(reasonInvalid, "this is no image: %s", clean(err.Error(), maxReason)), question{}
	}
	if reason := j.policy.exemption(namespace, img, j.clock()); reason != "" {
		return ruling{outcome: exempted, message: reason}, question{}
	}
	registry, ok := j.policy.registry(img)
	switch {
	case !ok:
		return refuse(reasonUnlisted, "%s is no registry that images may come from here", img.host), question{}
	case registry.By == ByDeny:
		return refuse(reasonDenied, "images from %s are denied: %s", registry.Prefix, registry.Reason), question{}
	case img.digest == "" && !pinning && j.policy.demandsDigest(registry):
		return refuse(reasonTag, "a tag can be moved: name the image by its digest (%s@sha256:…)", img.name()), question{}
	case registry.By == ByAllow:
		return ruling{outcome: passed}, question{}
	}
	return ruling{}, j.askers.question(registry, img)
}

func (j *judge) byAnswer(a answered) ruling {
	if a.err != nil {
		if j.policy.OnError == Allow {
			return ruling{outcome: unchecked, reasons: []string{reasonError}, message: clean(a.err.Error(), maxReason) + "; unchecked images are allowed here (on_error: allow)"}
		}
		return refuse(reasonError, "%s; unchecked images are refused here (on_error: refuse)", clean(a.err.Error(), maxReason))
	}
	if a.verdict.allowed {
		return ruling{outcome: passed, digest: a.verdict.digest}
	}
	ruled := ruling{outcome: refused, reasons: a.verdict.reasons, message: a.verdict.message, digest: a.verdict.digest}
	if ruled.message == "" {
		ruled.message = "Haven refuses it" // who asks a registry has words
	}
	return ruled
}
