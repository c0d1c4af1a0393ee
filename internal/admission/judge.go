package admission

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// outcome is what a ruling comes to.
type outcome string

const (
	passed    outcome = "allowed"
	exempted  outcome = "exempted"
	refused   outcome = "refused"
	unchecked outcome = "unchecked" // Haven could not be asked, and the policy lets such images through
)

// Reasons that this server refuses for by itself; the others are Haven's.
const (
	reasonInvalid  = "invalid"  // no image can be called that
	reasonUnlisted = "unlisted" // of a registry that the policy doesn't name
	reasonDenied   = "denied"   // of one that it names to deny it
	reasonTag      = "tag"      // named by a tag where a digest is demanded
	reasonError    = "error"    // Haven could not be asked
)

// ruling is the decision about one image.
type ruling struct {
	outcome outcome
	reasons []string
	message string     // why, for people; of an exemption its reason
	digest  oci.Digest // that Haven looked at, "" where it doesn't decide or the image isn't there
}

func refuse(reason, format string, args ...any) ruling {
	return ruling{outcome: refused, reasons: []string{reason}, message: fmt.Sprintf(format, args...)}
}

// judge decides about images by the policy.
type judge struct {
	policy   *Policy
	verdicts *verdicts
	clock    func() time.Time
}

// question is an image that Haven has to be asked about.
type question struct {
	written, name string
}

// rule decides about each image that uses name, by how it is written. Pinning is said to be still to come: tags are
// judged as what they stand for then, and not refused for being tags.
func (j *judge) rule(ctx context.Context, namespace string, uses []use, pinning bool) map[string]ruling {
	rulings := make(map[string]ruling, len(uses))
	var questions []question
	var names []string
	for _, u := range uses {
		if _, known := rulings[u.image]; known {
			continue
		}
		ruled, name := j.byItself(namespace, u.image, pinning)
		rulings[u.image] = ruled
		if name != "" {
			questions = append(questions, question{u.image, name})
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return rulings
	}
	answers := j.verdicts.of(ctx, names)
	for _, q := range questions {
		rulings[q.written] = j.byHaven(q.written, answers[q.name])
	}
	return rulings
}

// byItself decides without Haven, or returns the name that Haven has to be asked about.
func (j *judge) byItself(namespace, written string, pinning bool) (ruled ruling, ask string) {
	img, err := parseImage(written)
	if err != nil {
		return refuse(reasonInvalid, "this is no image: %s", clean(err.Error(), maxReason)), ""
	}
	if reason := j.policy.exemption(namespace, img, j.clock()); reason != "" {
		return ruling{outcome: exempted, message: reason}, ""
	}
	registry, ok := j.policy.registry(img)
	switch {
	case !ok:
		return refuse(reasonUnlisted, "%s is no registry that images may come from here", img.host), ""
	case registry.By == ByDeny:
		return refuse(reasonDenied, "images from %s are denied: %s", registry.Prefix, registry.Reason), ""
	case img.digest == "" && !pinning && j.policy.demandsDigest(registry):
		return refuse(reasonTag, "a tag can be moved: name the image by its digest (%s@sha256:…)", img.name()), ""
	case registry.By == ByAllow:
		return ruling{outcome: passed}, ""
	}
	return ruling{}, registry.inHaven(img)
}

func (j *judge) byHaven(written string, a answered) ruling {
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
		ruled.message = "Haven refuses it"
	}
	return ruled
}
