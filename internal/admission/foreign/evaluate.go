package foreign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/evidence"
)

// Image is one of the registry, by a tag, a digest or both: then the digest says which.
type Image struct {
	Repository string
	Tag        string
	Digest     oci.Digest
}

// Verdict says whether an image is signed as the policy demands.
type Verdict struct {
	Digest  oci.Digest // of what was looked at, "" where the image isn't there
	Signed  bool
	Message string    // why it isn't, for people
	Until   time.Time // then it has to be found out again; zero for never
}

// The ends of the tags by which Cosign puts signatures and attestations beside what they are about.
const (
	signatureEnd   = ".sig"
	attestationEnd = ".att"
)

// Evaluate finds out about an image. known says what was found out about the digest that a tag means, if that still counts. An error
// is a Failure: then nothing is known.
func (r *Registry) Evaluate(ctx context.Context, image Image, known func(d oci.Digest) (Verdict, bool)) (Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, r.settings.Timeout)
	defer cancel()
	s, err := r.begin(image.Repository)
	if err != nil {
		return refuseUnless(err)
	}
	reference := image.Tag
	if image.Digest != "" {
		reference = image.Digest.String()
	}
	subject, _, err := s.manifest(ctx, reference)
	if errors.Is(err, errAbsent) {
		return Verdict{Message: r.settings.Host + " has no such image"}, nil
	}
	if err != nil {
		return refuseUnless(err)
	}
	if v, ok := known(subject.Digest); ok && image.Digest == "" {
		return v, nil
	}
	v, err := s.judge(ctx, subject)
	if err == nil && !v.Signed && image.Digest != "" && image.Tag != "" {
		v, err = s.judgeByTag(ctx, image, v)
	}
	if failed, ok := errors.AsType[*Failure](err); ok && failed.Kind == Timeout && s.manifests+s.blobs > plenty {
		return Verdict{Digest: subject.Digest, Message: "it has more signatures than can be looked at in time"}, nil
	}
	return v, err
}

// refuseUnless makes a verdict of what can't be used, and passes on a Failure.
func refuseUnless(err error) (Verdict, error) {
	if bad, ok := errors.AsType[*unreadable](err); ok {
		return Verdict{Message: "its manifest can't be used: " + bad.words}, nil
	}
	return Verdict{}, err
}

// judgeByTag lets an image have the signature of the index that its tag means, where that names it.
func (s *session) judgeByTag(ctx context.Context, image Image, own Verdict) (Verdict, error) {
	index, m, err := s.manifest(ctx, image.Tag)
	if _, failed := errors.AsType[*Failure](err); failed {
		return own, err
	}
	if err != nil || !slices.ContainsFunc(m.Children(), func(d oci.Descriptor) bool { return d.Digest == image.Digest }) {
		return own, nil
	}
	v, err := s.judge(ctx, index)
	if err != nil || !v.Signed {
		return own, err
	}
	v.Digest = image.Digest
	return v, nil
}

// judge is the verdict by what is said about one manifest.
func (s *session) judge(ctx context.Context, subject oci.Descriptor) (Verdict, error) {
	l := look{session: s, subject: subject, satisfied: map[int]bool{}, now: s.settings.Clock()}
	v := Verdict{Digest: subject.Digest}
	for _, source := range []func(ctx context.Context) error{l.underTag(signatureEnd), l.referring, l.underTag(attestationEnd)} {
		if err := source(ctx); err != nil {
			return v, err
		}
		if v.Signed, v.Message = s.settings.Verifier.Decide(l.satisfied); v.Signed {
			v.Until = l.until
			return v, nil
		}
	}
	v.Message = l.words(v.Message)
	return v, nil
}

// look is at what is said about one manifest.
type look struct {
	*session
	subject   oci.Descriptor
	now       time.Time
	satisfied map[int]bool
	until     time.Time
	verified  int
	wrong     []string // what was found and isn't verified, in words
}

// underTag looks at what Cosign has put beside the manifest.
func (l *look) underTag(end string) func(ctx context.Context) error {
	return func(ctx context.Context) error { return l.at(ctx, l.subject.Digest.ReferrersTag()+end) }
}

// referring looks at what refers to the manifest, until the policy is fulfilled.
func (l *look) referring(ctx context.Context) error {
	all, err := l.referrers(ctx, l.subject)
	if bad, ok := errors.AsType[*unreadable](err); ok {
		l.wrong = append(l.wrong, "a list of what refers to it: "+bad.words)
		return nil
	}
	if err != nil && !errors.Is(err, errAbsent) {
		return err
	}
	for _, d := range all {
		if err := l.at(ctx, d.String()); err != nil {
			return err
		}
		if done, _ := l.settings.Verifier.Decide(l.satisfied); done {
			return nil
		}
	}
	return nil
}

// at looks at one manifest. An error is a Failure.
func (l *look) at(ctx context.Context, reference string) error {
	_, m, err := l.manifest(ctx, reference)
	if bad, ok := errors.AsType[*unreadable](err); ok {
		l.wrong = append(l.wrong, reference+": "+bad.words)
		return nil
	}
	if errors.Is(err, errAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if left := maxBlobs - l.blobs; len(m.Layers) > left { // Cosign adds the latest signature at the end
		m.Layers, l.more = m.Layers[len(m.Layers)-left:], true
	}
	pieces, err := l.settings.Verifier.Pieces(ctx, l.subject, m, l.blob, l.now)
	if err != nil {
		return l.judging(ctx, err)
	}
	for _, leaf := range l.settings.Verifier.Satisfies(pieces) {
		l.satisfied[leaf] = true
	}
	for _, p := range pieces {
		l.add(p)
	}
	return nil
}

// judging sorts an error of a verifier: one of reading, or the end of the time.
func (l *look) judging(ctx context.Context, err error) error {
	if failed := l.failure(ctx, err); failed != nil {
		return failed
	}
	return &Failure{Connection, l.settings.Host + " doesn't answer"}
}

func (l *look) add(p evidence.Piece) {
	if p.State == evidence.Verified {
		l.verified++
		l.until = evidence.Earlier(l.until, p.Until)
		return
	}
	what := "a signature"
	if p.PredicateType != "" {
		what = "an attestation " + p.PredicateType
	}
	if p.By != "" {
		what += " by " + p.By
	}
	l.wrong = append(l.wrong, what+": "+p.Reason)
}

// maxTold is how many of the signatures that don't count a message tells of.
const maxTold = 3

// words are a refusal's: what is missing, and what was found instead.
func (l *look) words(missing string) string {
	var b strings.Builder
	b.WriteString("it isn't signed as is demanded here: " + missing)
	switch {
	case len(l.wrong) > 0:
		fmt.Fprintf(&b, "; found is %s", strings.Join(l.wrong[:min(len(l.wrong), maxTold)], "; "))
		if n := len(l.wrong) - maxTold; n > 0 {
			fmt.Fprintf(&b, "; and %d more", n)
		}
	case l.verified == 0:
		b.WriteString("; no signature was found")
	}
	if l.more {
		b.WriteString("; there are more, which aren't looked at")
	}
	return b.String()
}
