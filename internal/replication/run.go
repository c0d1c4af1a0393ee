package replication

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// order is what a task of Kind carries: a repository to be compared and copied.
type order struct {
	Policy     int64  `json:"policy"`
	Repository string `json:"repository"`
	Public     bool   `json:"public,omitempty"` // every project that the destination's is made of is
	Due        bool   `json:"due,omitempty"`    // by an event: what replication_due says
}

// shown is what a task shows, in Harbor's words.
type shown struct {
	Operation    string `json:"operation"` // copy or deletion
	ResourceType string `json:"resource_type"`
	Source       string `json:"src_resource"`
	Destination  string `json:"dst_resource"`
}

// comparison prepares to hold a repository against the destination's.
func (s *Service) comparison(p Policy, chosen selection, src, dst side, repository string, note func(string, ...any)) (comparison, error) {
	name, err := p.DestinationName(repository)
	if err == nil {
		err = fits(dst.kind, name)
	}
	return comparison{Service: s, policy: p, chosen: chosen, src: src, dst: dst, repository: repository, name: name, note: note}, err
}

// sides opens source and destination.
func (s *Service) sides(ctx context.Context, p Policy) (src, dst side, err error) {
	if src, err = s.open(ctx, p.Source); err != nil {
		return src, dst, fmt.Errorf("open the source: %w", err)
	}
	if dst, err = s.open(ctx, p.Destination); err != nil {
		return src, dst, fmt.Errorf("open the destination: %w", err)
	}
	dst.destination = true
	return src, dst, nil
}

// doCopy compares a repository and brings over what is missing.
func (s *Service) doCopy(ctx context.Context, r *job.Run) error {
	var o order
	if err := r.Decode(&o); err != nil {
		return job.Permanent(err)
	}
	p, err := s.Get(ctx, o.Policy)
	if errors.Is(err, fault.NotFound) {
		r.Logf("the policy is gone")
		return nil
	}
	if err != nil {
		return err
	}
	var d due
	if o.Due {
		if d, err = s.findDue(ctx, o.Policy, o.Repository); err != nil {
			return err
		}
	}
	if !p.Enabled {
		r.Logf("the policy is disabled")
		return r.Finish(ctx, func(tx db.Tx) error { return s.settleDue(ctx, tx, d) })
	}
	t, err := s.prepare(ctx, r, p, o, d)
	if errors.Is(err, fault.Invalid) && d.policy != 0 { // it would be no less so later
		err = errors.Join(err, r.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, dueDrop, d.policy, d.repository, d.version)
			return err
		}))
	}
	if err != nil {
		return final(err)
	}
	if err := t.apply(ctx); err != nil {
		return final(err)
	}
	return s.finish(ctx, r, t, d)
}

// prepare compares, and says in the task what there is to do.
func (s *Service) prepare(ctx context.Context, r *job.Run, p Policy, o order, d due) (*transfer, error) {
	chosen, err := p.selection()
	if err != nil {
		return nil, err
	}
	src, dst, err := s.sides(ctx, p)
	if err != nil {
		return nil, err
	}
	c, err := s.comparison(p, chosen, src, dst, o.Repository, r.Logf)
	if err != nil {
		return nil, err
	}
	r.Logf("comparing %s of %s with %s of %s", c.repository, src.name, c.name, dst.name)
	t := newTransfer(c, pair{src.id, dst.id})
	t.where, t.limit, t.public, t.again = s, newLimit(p.Speed), o.Public, r.Task().Runs > 1 || o.Due
	if src.id == dst.id && c.repository == c.name {
		return t, nil // it is the same one
	}
	if o.Due && len(d.tags) > 0 {
		t.changes, err = t.named(ctx, d.tags)
	} else {
		t.changes, err = t.whole(ctx)
	}
	if err != nil {
		return nil, err
	}
	if o.Due && p.Namespace == "" {
		t.public = isPublic(ctx, src, o.Repository)
	}
	for _, words := range t.changes.skipped {
		r.Logf("%s", words)
	}
	r.Logf("%d are as they should be, %d are to be copied, %d to be deleted", t.changes.unchanged, t.changes.items()-len(t.changes.deletions), len(t.changes.deletions))
	return t, r.WriteRelaxed(ctx, func(tx db.Tx) error { return s.Jobs.SetTaskExtra(ctx, tx, r.Task().ID, c.shown(t.changes)) })
}

// isPublic reports whether everybody may read a repository; where a source doesn't tell, nobody may.
func isPublic(ctx context.Context, src side, repository string) bool {
	p, ok := src.Registry.(publicly)
	if !ok {
		return false
	}
	public, err := p.Public(ctx, repository)
	return err == nil && public
}

// shown is how a task looks that makes the changes.
func (c comparison) shown(ch changes) shown {
	items := fmt.Sprintf(" [%d item(s) in total]", ch.items())
	v := shown{Operation: "copy", ResourceType: AllArtifacts, Source: c.repository + items, Destination: c.name + items}
	if len(ch.deletions) > 0 && len(ch.deletions) == ch.count() {
		v.Operation = "deletion"
	}
	return v
}

// recordAtOnce is how many rows one transaction writes about what was copied.
const recordAtOnce = 500

// finish ends a task that has done everything.
func (s *Service) finish(ctx context.Context, r *job.Run, t *transfer, d due) error {
	r.Logf("done: %d artifacts copied, %d manifests, %d blobs of %d bytes sent and %d mounted, %d deleted, %d refused",
		t.sums.artifacts, t.sums.manifests, t.sums.blobs, t.sums.bytes, t.sums.mounted, t.sums.deleted, t.sums.refused)
	if t.policy.Deletion {
		if err := s.remember(ctx, r, t); err != nil {
			return err
		}
	}
	return r.Finish(ctx, func(tx db.Tx) error { return s.settleDue(ctx, tx, d) })
}

// remember writes down which tags are the policy's, to be deleted when the source loses them; unless the policy copies from or to elsewhere
// by now.
func (s *Service) remember(ctx context.Context, r *job.Run, t *transfer) error {
	recorded, err := s.allCopied(ctx, t.policy.ID, t.repository)
	if err != nil {
		return err
	}
	var changed []string
	for tag, digest := range t.changes.same {
		if before, known := recorded[tag]; !known || before.digest != string(digest) || before.destination != t.name {
			changed = append(changed, tag)
		}
	}
	slices.Sort(changed)
	for batch := range slices.Chunk(append(changed, t.changes.forget...), recordAtOnce) {
		err := r.WriteRelaxed(ctx, func(tx db.Tx) error {
			if now, err := getPolicy(ctx, tx, t.policy.ID); err != nil || !now.sameEnds(t.policy) {
				return err
			}
			for _, tag := range batch {
				digest, held := t.changes.same[tag]
				var err error
				if held {
					_, err = tx.Exec(ctx, copiedPut, t.policy.ID, t.repository, tag, digest, t.name)
				} else {
					_, err = tx.Exec(ctx, copiedDrop, t.policy.ID, t.repository, tag)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("write down what was copied: %w", err)
		}
	}
	return nil
}

// ofOne reports whether an error is about one repository alone: else a registry can't be asked, or nothing more is to be done.
func ofOne(ctx context.Context, err error) bool {
	_, limited := errors.AsType[*remote.LimitError](err)
	return ctx.Err() == nil && !errors.Is(err, context.Canceled) && !limited && !isUnreachable(err)
}

// final marks errors that trying again doesn't mend.
func final(err error) error {
	var quota *registry.QuotaError
	switch _, limited := errors.AsType[*remote.LimitError](err); {
	case err == nil, limited, isUnreachable(err):
		return err
	case errors.Is(err, fault.Invalid), errors.Is(err, fault.Forbidden), errors.Is(err, fault.NotFound), errors.As(err, &quota), errors.Is(err, remote.ErrDenied):
		return job.Permanent(err)
	}
	return err
}
