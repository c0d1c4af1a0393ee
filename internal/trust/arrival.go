package trust

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// checkKind is the kind of task that looks at the signatures of one subject.
const checkKind job.Kind = "SIGNATURE_CHECK"

// checkTask names a subject, some of whose signatures nobody has looked at.
type checkTask struct {
	registry.Ref
	Subject oci.Digest `json:"subject"`
}

const (
	// What a pushed manifest is an accessory of.
	accessoryOf = `SELECT m.accessory_of FROM manifest m JOIN repository r ON r.id = m.repository_id
		WHERE r.project_id = $1 AND r.name = $2 AND m.digest = $3
			AND m.accessory_type IN ('signature.cosign', 'signature.notation', 'subject.accessory')`
	forget = `DELETE FROM trust_check WHERE digest = $1`
)

// Handle has signatures looked at that were pushed, and forgets those that were deleted: it is the event.Listener's.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	seen := map[checkTask]bool{}
	for _, e := range events {
		switch {
		case !e.Success:
		case e.Kind == event.DeleteArtifact:
			if _, err := tx.Exec(ctx, forget, e.Digest); err != nil {
				return fmt.Errorf("forget what %s is worth: %w", e.Resource, err)
			}
		case e.Kind == event.CreateArtifact:
			if err := s.arrived(e.Context(ctx), tx, e, seen); err != nil {
				return fmt.Errorf("have the signatures of %s looked at: %w", e.Resource, err)
			}
		}
	}
	return nil
}

func (s *Service) arrived(ctx context.Context, tx db.Tx, e event.Event, seen map[checkTask]bool) error {
	ref := registry.RefOf(e)
	subject, err := db.Get(ctx, tx, db.ScanString, accessoryOf, ref.ProjectID, ref.Name, e.Digest)
	if errors.Is(err, db.ErrNotFound) {
		subject, err = string(oci.TaggedDigest(e.Tag, attestationEnd)), nil
	}
	t := checkTask{ref, oci.Digest(subject)}
	if err != nil || subject == "" || seen[t] {
		return err
	}
	seen[t] = true
	if own, system, err := s.documents(ctx, tx, ref.ProjectID); err != nil || own.Text == nil && system.Text == nil {
		return err // nobody asks what it is worth
	}
	_, _, err = s.jobs.Begin(ctx, tx, job.NewExecution{Kind: checkKind, VendorID: ref.ProjectID, Trigger: job.ByEvent, By: e.By},
		job.NewTask{Payload: t, Group: ref.ProjectID})
	return err
}

// atEase is how long a job may look at some signatures: at each of them as long as it takes (checkLimit).
const atEase = (maxAtOnce + 2) * checkLimit

// doCheck looks at a subject's signatures until none is left.
func (s *Service) doCheck(ctx context.Context, run *job.Run) error {
	var t checkTask
	if err := run.Decode(&t); err != nil {
		return job.Permanent(err)
	}
	n, err := s.lookAt(ctx, t.Ref, t.Subject)
	if err != nil {
		return fmt.Errorf("look at the signatures of %s: %w", t.Subject, err)
	}
	run.Logf("%d signatures of %s looked at", n, t.Subject)
	return nil
}

// lookAt checks all signatures of a subject that nobody has looked at by the policy in force, and returns how many.
func (s *Service) lookAt(ctx context.Context, in registry.Ref, subject oci.Digest) (n int, err error) {
	r, ok, err := s.rules(ctx, in.ProjectID)
	if err != nil || !ok || r.broken != "" {
		return 0, err
	}
	ref, err := oci.ParseReference(string(subject))
	if err != nil {
		return 0, err
	}
	m, err := s.contents.Manifest(ctx, in, ref)
	if errors.Is(err, registry.ErrManifestUnknown) {
		return 0, nil // it comes later, or was deleted: a pull looks
	}
	if err != nil {
		return 0, err
	}
	for more := true; more; {
		var checks []Check
		if checks, more, err = s.catchUp(ctx, in, m.RepositoryID, nodeOf(m).subject, r, atEase); err != nil {
			return n, err
		}
		if n += len(checks); more && len(checks) == 0 {
			return n, errors.New("nothing could be checked in time")
		}
	}
	return n, nil
}
