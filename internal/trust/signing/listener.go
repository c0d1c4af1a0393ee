package signing

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

// target is a manifest of a project that wants to have such signed.
type target struct {
	manifestID   int64
	repositoryID int64
	ref          registry.Ref
	digest       oci.Digest
	policy       Policy
}

// What belongs to another manifest isn't signed, signatures among it.
const (
	targetFields = `SELECT m.id, m.repository_id, m.digest, p.id, p.name, r.name, s.formats, s.attest, s.require_trust
		FROM manifest m JOIN repository r ON r.id = m.repository_id JOIN project p ON p.id = r.project_id JOIN signing_policy s ON s.project_id = r.project_id`
	signable = ` AND NOT r.hidden AND s.enabled AND m.type = 'IMAGE' AND m.accessory_of = ''`

	targetNamed   = targetFields + ` WHERE r.project_id = $1 AND r.name = $2 AND m.digest = $3` + signable
	targetIn      = targetFields + ` WHERE m.repository_id = $1 AND m.digest = $2` + signable
	targetsOf     = targetFields + ` WHERE m.digest = $1 AND m.id > $2` + signable + ` ORDER BY m.id LIMIT $3`
	targetsAbove  = targetFields + ` WHERE m.id IN (SELECT mc.parent_id FROM manifest_child mc WHERE mc.child_id = $1) AND m.id > $2` + signable + ` ORDER BY m.id LIMIT $3`
	wantedAtAll   = `SELECT EXISTS (SELECT 1 FROM signing_policy WHERE enabled)`
	targetsAtOnce = 100
)

func scanTarget(r db.Row) (t target, err error) {
	var formats string
	err = r.Scan(&t.manifestID, &t.repositoryID, &t.digest, &t.ref.ProjectID, &t.ref.Project, &t.ref.Name, &formats, &t.policy.Attest, &t.policy.RequireTrust)
	t.policy.Enabled, t.policy.Formats = true, formatsOf(formats)
	return t, err
}

// hint is that a manifest may have passed.
type hint struct {
	digest oci.Digest
	in     registry.Ref // the zero value: wherever it lies, because a report speaks for a digest
}

// Handle begins to sign what may have passed by what happened: it is the event.Listener's. What is pushed may have been scanned
// before, as part of another repository; and an index comes after its images.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	var hints []hint
	first := map[hint]event.Event{}
	for _, e := range events {
		h := hint{digest: oci.Digest(e.Digest)}
		switch {
		case e.Kind == event.ScanArtifact:
		case e.Kind == event.CreateArtifact && e.Success:
			h.in = registry.RefOf(e)
		default:
			continue
		}
		if _, seen := first[h]; !seen {
			first[h] = e
			hints = append(hints, h)
		}
	}
	if len(hints) == 0 {
		return nil
	}
	wanted, err := db.Get(ctx, tx, db.ScanBool, wantedAtAll)
	if err != nil || !wanted {
		return err
	}
	for _, h := range hints {
		if err := s.follow(first[h].Context(ctx), tx, h); err != nil {
			return fmt.Errorf("begin to sign %s: %w", h.digest, err)
		}
	}
	return nil
}

// follow begins to sign one manifest, where some project wants that.
func (s *Service) follow(ctx context.Context, tx db.Tx, h hint) error {
	var found target
	var err error
	o := order{Digest: h.digest}
	if h.in.Name == "" {
		found, err = db.Get(ctx, tx, scanTarget, targetsOf, h.digest, 0, 1)
	} else {
		found, err = db.Get(ctx, tx, scanTarget, targetNamed, h.in.ProjectID, h.in.Name, h.digest)
		o.RepositoryID = found.repositoryID
	}
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t := found.task(o)
	t.Priority = 1 // before what a walk finds
	_, _, err = s.jobs.Begin(ctx, tx, job.NewExecution{Kind: Kind, VendorID: found.manifestID, Trigger: job.ByEvent, Extra: t.Extra}, t)
	return err
}

// task is the work of an order that the target is part of.
func (t target) task(o order) job.NewTask {
	return job.NewTask{Kind: Kind, Payload: o, Group: t.ref.ProjectID, Extra: map[string]string{"artifact": t.name()}}
}

func (t target) name() string { return t.ref.FullName() + "@" + string(t.digest) }
