package signing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// order is what a task carries: a manifest that may have passed by now.
type order struct {
	Digest       oci.Digest `json:"digest"`
	RepositoryID int64      `json:"repository_id,omitempty"` // 0: wherever it lies
}

// refusal is why something can't be signed, which trying again doesn't change.
type refusal struct{ reason string }

func (e *refusal) Error() string { return e.reason }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// run is one try at an order.
type run struct {
	*Service
	*job.Run
	signers  map[Format]*signer
	tried    map[int64]bool // manifests
	failures []error
	again    bool // one of the failures may go by itself
}

func (s *Service) doSign(ctx context.Context, jr *job.Run) error {
	var o order
	if err := jr.Decode(&o); err != nil {
		return job.Permanent(err)
	}
	r := &run{Service: s, Run: jr, signers: map[Format]*signer{}, tried: map[int64]bool{}}
	if err := r.all(ctx, o); err != nil {
		return err
	}
	err := errors.Join(r.failures...)
	if r.again {
		return err
	}
	return job.Permanent(err)
}

// all tries what the order names, page by page.
func (r *run) all(ctx context.Context, o order) error {
	for after := int64(0); ; {
		query, args := targetsOf, []any{o.Digest, after, targetsAtOnce}
		if o.RepositoryID != 0 {
			query, args = targetIn, []any{o.RepositoryID, o.Digest}
		}
		page, err := db.Collect(ctx, r.db.Auto(), scanTarget, query, args...)
		if err != nil {
			return fmt.Errorf("find what is to be signed: %w", err)
		}
		for _, t := range page {
			if err := r.try(ctx, t, 0); err != nil {
				return err
			}
			after = t.manifestID
		}
		if o.RepositoryID != 0 || len(page) < targetsAtOnce {
			return nil
		}
	}
}

// maxNesting is how deep indexes are followed upwards.
const maxNesting = 4

// try signs a manifest if it has passed, and then the indexes that lead to it. A failure with one holds up no other; the
// error is one that ends the run.
func (r *run) try(ctx context.Context, t target, depth int) error {
	if r.tried[t.manifestID] {
		return nil
	}
	r.tried[t.manifestID] = true
	passed, err := r.signOne(ctx, t)
	if err := r.note(ctx, t, err); err != nil || !passed || depth == maxNesting {
		return err
	}
	for after := int64(0); ; {
		page, err := db.Collect(ctx, r.db.Auto(), scanTarget, targetsAbove, t.manifestID, after, targetsAtOnce)
		if err != nil {
			return fmt.Errorf("find the indexes that lead to %s: %w", t.name(), err)
		}
		for _, above := range page {
			if err := r.try(ctx, above, depth+1); err != nil {
				return err
			}
			after = above.manifestID
		}
		if len(page) < targetsAtOnce {
			return nil
		}
	}
}

// note keeps a failure for the end. It returns what ends the run at once.
func (r *run) note(ctx context.Context, t target, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, job.ErrLost):
		return err
	case ctx.Err() != nil:
		return errors.Join(context.Cause(ctx), err)
	}
	if _, ok := errors.AsType[*refusal](err); !ok {
		r.again = true
	}
	const most = 20
	if len(r.failures) < most {
		r.failures = append(r.failures, fmt.Errorf("sign %s: %w", t.name(), err))
	}
	return nil
}

// signer is the key that signs in a format, read once a run.
func (r *run) signer(ctx context.Context, format Format) (*signer, error) {
	key := format.key()
	if r.signers[key] == nil {
		s, err := r.Service.signer(ctx, key)
		if err != nil {
			return nil, err
		}
		r.signers[key] = s
	}
	return r.signers[key], nil
}

// signOne makes what is missing beside a manifest that has passed, and reports whether it has.
func (r *run) signOne(ctx context.Context, t target) (passed bool, err error) {
	m, err := r.registry.Manifest(ctx, t.ref, oci.DigestReference(t.digest))
	if isGone(err) {
		r.Logf("%s is gone", t.name())
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if why := unsignable(m); why != "" {
		r.Logf("%s is not signed: %s", t.name(), why)
		return false, nil
	}
	ok, why, err := r.judge.MaySign(ctx, t.ref, m, t.policy.RequireTrust)
	if err != nil {
		return false, fmt.Errorf("find out whether it has passed: %w", err)
	}
	if !ok {
		r.Logf("%s is not signed: %s", t.name(), why)
		return false, nil
	}
	rows, err := r.begin(ctx, t)
	if isGone(err) {
		r.Logf("%s is gone", t.name())
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, format := range t.policy.wants() {
		key, err := r.signer(ctx, format)
		if err == nil {
			err = r.make(ctx, work{t, m, format, key, rows[madeKey{format, key.id}]})
		}
		if isGone(err) {
			r.Logf("%s is gone", t.name())
			return false, nil
		}
		if err != nil {
			err = r.note(ctx, t, fmt.Errorf("%s: %w", format, err))
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func isGone(err error) bool {
	return errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown)
}

// unsignable says why nobody asks the judge about a manifest: it holds statements and no image, or leads to nothing. "" where
// somebody does.
func unsignable(m registry.Manifest) string {
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	switch {
	case err != nil:
		return "it can't be read: " + err.Error()
	case parsed.IsIndex() && len(parsed.Children()) == 0:
		return "it is an index that leads to no image"
	case !parsed.IsIndex() && parsed.Runnable() != oci.Always:
		return "it is no image"
	}
	return ""
}

// work is one thing to be made.
type work struct {
	target
	manifest registry.Manifest
	format   Format
	key      *signer
	row      madeRow
}

// make makes one thing, unless it is there.
func (r *run) make(ctx context.Context, w work) error {
	switch w.format {
	case Cosign:
		return r.addSignature(ctx, w)
	case CosignBundle:
		return r.once(ctx, w, func() (accessory, error) { return signatureBundle(w) })
	case Notation:
		return r.once(ctx, w, func() (accessory, error) { return envelope(w) })
	case attestation:
		return r.attest(ctx, w)
	}
	return refuse("this version of Haven doesn't know the format")
}

// once pushes an accessory, unless it was.
func (r *run) once(ctx context.Context, w work, build func() (accessory, error)) error {
	if there, err := r.there(ctx, w.ref, w.row.digest); err != nil || there {
		return err
	}
	a, err := build()
	if err != nil {
		return err
	}
	d, err := r.push(ctx, w, a)
	if err != nil {
		return err
	}
	r.Logf("%s is signed in the format %s by key %d: %s", w.name(), w.format, w.key.id, d)
	return r.made(ctx, w, d)
}

// there reports whether the repository holds a manifest; "" is none.
func (r *run) there(ctx context.Context, in registry.Ref, d oci.Digest) (bool, error) {
	if d == "" {
		return false, nil
	}
	_, err := r.registry.ManifestInfo(ctx, in, oci.DigestReference(d))
	if isGone(err) {
		return false, nil
	}
	return err == nil, err
}

type madeKey struct {
	format Format
	keyID  int64
}

type madeRow struct {
	madeKey
	digest oci.Digest
	at     time.Time
}

const (
	madeOf    = `SELECT form, key_id, digest, made_at FROM signing_made WHERE manifest_id = $1`
	madeBegin = `INSERT INTO signing_made (manifest_id, form, key_id, made_at) SELECT id, $1, $2, $3 FROM manifest WHERE id = $4
		ON CONFLICT (manifest_id, form, key_id) DO NOTHING`
	madeNote = `UPDATE signing_made SET digest = $1 WHERE manifest_id = $2 AND form = $3 AND key_id = $4`
)

func scanMade(r db.Row) (v madeRow, err error) {
	err = r.Scan(&v.format, &v.keyID, &v.digest, db.ScanTime(&v.at))
	return v, err
}

// begin writes down when it was begun to make what is wanted beside a manifest, and returns the rows. The push that follows is durable, and
// makes these rows so.
func (r *run) begin(ctx context.Context, t target) (map[madeKey]madeRow, error) {
	rows, err := readMade(ctx, r.db.Auto(), t.manifestID)
	if err != nil {
		return nil, err
	}
	var missing []madeKey
	for _, format := range t.policy.wants() {
		if format == Cosign {
			continue // it has no moment, and what lies under the tag says whether it was made
		}
		key, err := r.signer(ctx, format)
		if err != nil {
			return nil, err
		}
		if k := (madeKey{format, key.id}); rows[k].at.IsZero() {
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return rows, nil
	}
	err = r.WriteRelaxed(ctx, func(tx db.Tx) error {
		for _, k := range missing {
			if _, err := tx.Exec(ctx, madeBegin, k.format, k.keyID, db.Micros(r.clock()), t.manifestID); err != nil {
				return err
			}
		}
		rows, err = readMade(ctx, tx, t.manifestID)
		return err
	})
	if err == nil && rows[missing[0]].at.IsZero() {
		err = registry.ErrManifestUnknown // no row could be written for it
	}
	return rows, err
}

func readMade(ctx context.Context, tx db.Tx, manifestID int64) (map[madeKey]madeRow, error) {
	all, err := db.Collect(ctx, tx, scanMade, madeOf, manifestID)
	if err != nil {
		return nil, fmt.Errorf("read what was made: %w", err)
	}
	rows := make(map[madeKey]madeRow, len(all))
	for _, row := range all {
		rows[row.madeKey] = row
	}
	return rows, nil
}

// made notes which manifest it is.
func (r *run) made(ctx context.Context, w work, d oci.Digest) error {
	return r.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, madeNote, d, w.manifestID, w.format, w.key.id)
		return err
	})
}
