package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/trust/evidence"
)

func TestStanding(t *testing.T) {
	each(t, func(w world) {
		ours, theirs := w.key(), w.key()
		image := w.image(app, "one")
		if st, err := w.Standing(ctx, app, image); err != nil || st.Policy || st.Trusted || st.Cosign {
			t.Errorf("without a policy: %+v, %v", st, err)
		}
		w.trusts(alpha, "ci", ours)
		w.stands(app, image, false, `"ci"`)
		w.sign(app, image.Digest, w.signature(app, theirs, image.Digest))
		if st := w.stands(app, image, false, `"ci"`); !st.Cosign || !st.Policy {
			t.Errorf("signed by somebody else: %+v", st)
		}
		// Whoever signs after them adds to theirs.
		w.sign(app, image.Digest, w.signature(app, theirs, image.Digest), w.signature(app, ours, image.Digest))
		w.stands(app, image, true)
		checks, more, err := w.Signatures(ctx, app, image)
		w.ok(err)
		states := map[evidence.State]int{}
		for _, c := range checks {
			for _, p := range c.Pieces {
				states[p.State]++
			}
		}
		if more || states[evidence.Verified] != 1 || states[evidence.Unverified] == 0 || states[evidence.Invalid] != 0 {
			t.Errorf("signatures %v, more %v", states, more)
		}

		// Elsewhere nobody has signed it.
		w.trusts(Owner{ID: 2, Name: "beta"}, "ci", ours)
		w.stands(other, w.image(other, "one"), false)

		w.trusts(alpha, "release", theirs)
		w.stands(app, image, true)
		w.trusts(alpha, "release", w.key())
		w.stands(app, image, false, `"release"`)
		w.ok(w.Drop(ctx, ann, alpha))
		if told, ok := errors.AsType[*fault.Error](w.Drop(ctx, ann, alpha)); !ok || told.Kind != fault.NotFound {
			t.Errorf("dropped twice: %v", told)
		}
	})
}

// A job that looks at a signature while somebody asks how it stands doesn't hide it.
func TestStandingWhileAJobLooks(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		w.trusts(alpha, "ci", key)
		image := w.image(app, "one")
		w.sign(app, image.Digest, w.signature(app, key, image.Digest))
		asked := 0
		w.Service.clock = func() time.Time {
			if asked++; asked == 2 { // between what is good and what nobody has looked at
				if n, err := w.lookAt(ctx, app, image.Digest); n != 1 || err != nil {
					t.Errorf("%d signatures looked at, %v", n, err)
				}
			}
			return *w.now
		}
		w.stands(app, image, true)
	})
}

// A signature that goes takes the trust along; what it was worth is forgotten.
func TestSignatureGoes(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		w.trusts(alpha, "ci", key)
		image := w.image(app, "one")
		signature := w.sign(app, image.Digest, w.signature(app, key, image.Digest))
		w.stands(app, image, true)
		reference, err := oci.ParseReference(string(signature.Digest))
		w.ok(err)
		w.ok(w.registry.DeleteArtifact(ctx, ann, app, reference))
		w.stands(app, image, false)
		w.work()
		w.settled()
		if n := w.count(`SELECT COUNT(*) FROM trust_check WHERE digest = $1`, signature.Digest); n != 0 {
			t.Errorf("%d rows are left of a signature that was deleted", n)
		}
	})
}

// What signatures were worth goes by night when they are in no repository any more, however they went.
func TestTidy(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		w.trusts(alpha, "ci", key)
		image := w.image(app, "one")
		signature := w.sign(app, image.Digest, w.signature(app, key, image.Digest))
		w.stands(app, image, true)
		for i := range 2*tidyPage + 10 {
			w.exec(`INSERT INTO trust_check (digest, subject, policy, pieces, checked_at) VALUES ($1, $2, 'p', '[]', 1)`, fmt.Sprintf("sha256:%064d", i), image.Digest)
		}
		w.work()
		w.ok(w.db.Write(ctx, func(tx db.Tx) error {
			_, _, err := w.jobs.Begin(ctx, tx, job.NewExecution{Kind: job.ArtifactCleanup, Trigger: job.BySchedule, By: "schedule"}, job.NewTask{})
			return err
		}))
		w.settled()
		if n, kept := w.count(`SELECT COUNT(*) FROM trust_check`), w.count(`SELECT COUNT(*) FROM trust_check WHERE digest = $1`, signature.Digest); n != 1 || kept != 1 {
			t.Errorf("%d rows are left, %d of them of the signature that is there", n, kept)
		}
	})
}

func TestReplayedSignature(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		w.trusts(alpha, "ci", key)
		good, evil := w.image(app, "good"), w.image(app, "evil")
		w.sign(app, evil.Digest, w.signature(app, key, good.Digest))
		w.stands(app, evil, false)
		checks, _, err := w.Signatures(ctx, app, evil)
		w.ok(err)
		if len(checks) != 1 || len(checks[0].Pieces) != 1 || checks[0].Pieces[0].State != evidence.Invalid || !strings.Contains(checks[0].Pieces[0].Reason, string(good.Digest)) {
			t.Errorf("%+v", checks)
		}
	})
}

// An index's signature covers what it leads to, and nothing covers an index but its own.
func TestIndex(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		w.trusts(alpha, "ci", key)
		one, two := w.image(app, "one"), w.image(app, "two")
		inner := w.index(app, "inner", one)
		outer := w.index(app, "outer", inner, two)
		w.sign(app, one.Digest, w.signature(app, key, one.Digest))
		w.stands(app, one, true)
		w.stands(app, inner, false)
		w.stands(app, outer, false)
		w.sign(app, outer.Digest, w.signature(app, key, outer.Digest))
		w.stands(app, outer, true)
		w.stands(app, inner, true)
		w.stands(app, two, true)
	})
}

// What the system's policy says holds where a project has none, and its roots may be named.
func TestSystemPolicy(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		image := w.image(app, "one")
		w.sign(app, image.Digest, w.signature(app, key, image.Digest))
		w.trusts(Owner{}, "house", key)
		w.stands(app, image, true)
		w.trusts(alpha, "ci", w.key())
		w.stands(app, image, false)
		w.ok(w.Drop(ctx, ann, alpha))
		w.stands(app, image, true)

		// One that holds roots alone is for others to name, and is no policy by itself.
		roots := []byte(`{"roots":{"shared":{"ca":` + strconv.Quote(w.authority()) + `}}}`)
		if told, ok := errors.AsType[*fault.Error](w.Set(ctx, ann, alpha, roots)); !ok || told.Kind != fault.Invalid || !strings.Contains(told.Message, "signers") {
			t.Errorf("a project's policy of nobody: %v", told)
		}
		named := []byte(`{"signers":[{"name":"ci","identities":[{"root":"shared","issuer":"https://ci.example.org","subject":"build@example.org"}]}]}`)
		if told, ok := errors.AsType[*fault.Error](w.Set(ctx, ann, alpha, named)); !ok || told.Kind != fault.Invalid || !strings.Contains(told.Message, "shared") {
			t.Errorf("a root that nobody has: %v", told)
		}
		w.ok(w.Set(ctx, ann, Owner{}, roots))
		if st, err := w.Standing(ctx, app, image); err != nil || st.Policy {
			t.Errorf("by roots alone: %+v, %v", st, err)
		}
		w.ok(w.Set(ctx, ann, alpha, bytes.Replace(named, []byte("{"), []byte(`{"signed_before_tag":true,`), 1)))
		if st := w.stands(app, image, false); !st.Policy {
			t.Errorf("by a root of the system's: %+v", st)
		}
		// Without it the project's policy can't be applied, and trusts nobody; what it demands of tags it demands yet.
		w.ok(w.Drop(ctx, ann, Owner{}))
		w.stands(app, image, false, "can't be applied", "shared")
		if demanded, err := w.BeforeTag(ctx, alpha.ID); err != nil || !demanded {
			t.Errorf("signed before it gets a tag: %v, %v", demanded, err)
		}
	})
}

// Where there is no policy, signatures are shown with what they claim.
func TestWithoutPolicy(t *testing.T) {
	each(t, func(w world) {
		image := w.image(app, "one")
		w.sign(app, image.Digest, w.signature(app, w.key(), image.Digest))
		if st, err := w.Standing(ctx, app, image); err != nil || st.Policy || !st.Cosign || st.Notation {
			t.Errorf("it stands as %+v, %v", st, err)
		}
		checks, _, err := w.Signatures(ctx, app, image)
		w.ok(err)
		if len(checks) != 1 || len(checks[0].Pieces) != 1 || checks[0].Pieces[0].State != evidence.Unverified || checks[0].Pieces[0].Reason == "" {
			t.Errorf("its signatures are %+v", checks)
		}
	})
}

// Bad documents are refused with the name of what is wrong.
func TestBadPolicy(t *testing.T) {
	each(t, func(w world) {
		for text, word := range map[string]string{
			`{`: "", `{}`: "signers", `{"signer":[]}`: "signer", `{"signers":[{"name":"ci","keys":["no key"]}]}`: "signers[0].keys[0]",
			`{"require":{"signed_by":"nobody"}}`: "nobody", `{"signers":[{"name":"ci"}]}`: "signers[0]",
		} {
			told, ok := errors.AsType[*fault.Error](w.Set(ctx, ann, alpha, []byte(text)))
			if !ok || told.Kind != fault.Invalid || !strings.Contains(told.Message, word) {
				t.Errorf("%s: %v", text, told)
			}
		}
		if d, err := w.InForce(ctx, 1); err != nil || d.Text != nil {
			t.Errorf("a bad policy is in force: %s, %v", d.Text, err)
		}
	})
}

// Signatures are looked at when they come and when the policy changes, before anybody pulls; what they were worth
// by policies of before goes.
func TestLookedAtInTime(t *testing.T) {
	each(t, func(w world) {
		w.work()
		ours, theirs := w.key(), w.key()
		w.trusts(alpha, "ci", ours)
		w.settled()
		image := w.image(app, "one")
		w.sign(app, image.Digest, w.signature(app, ours, image.Digest))
		w.settled()
		if n := w.count(`SELECT COUNT(*) FROM trust_check WHERE satisfies <> ''`); n != 1 {
			t.Errorf("%d signatures are found to be good, want 1", n)
		}
		w.trusts(alpha, "release", theirs)
		w.settled()
		if n := w.count(`SELECT COUNT(*) FROM trust_check WHERE satisfies <> ''`); n != 0 {
			t.Errorf("%d signatures are good by a policy that nobody has any more", n)
		}
		if n := w.count(`SELECT COUNT(*) FROM trust_check`); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
		w.trusts(Owner{}, "system", ours)
		w.ok(w.Drop(ctx, ann, alpha))
		w.settled()
		if n := w.count(`SELECT COUNT(*) FROM trust_check WHERE satisfies <> ''`); n != 1 {
			t.Errorf("%d signatures are good by the system's policy, want 1", n)
		}
	})
}

// Ten thousand signatures by somebody else neither hide the good one nor make a pull long.
func TestManySignatures(t *testing.T) {
	each(t, func(w world) {
		ours := w.key()
		w.trusts(alpha, "ci", ours)
		image := w.image(app, "one")
		w.crowd(image, 10_000)
		started, before := time.Now(), w.db.Executed()
		w.stands(app, image, false, `"ci"`, "not all of its signatures")
		if n := w.db.Executed() - before; n > 150 {
			t.Errorf("%d statements for one answer", n)
		}
		if took := time.Since(started); took > defaultPatience {
			t.Errorf("an answer took %s", took)
		}
		// The good one is among the last that came, and then among those that are known to be good.
		w.sign(app, image.Digest, w.signature(app, ours, image.Digest))
		w.stands(app, image, true)
		w.crowd(image, 100)
		w.stands(app, image, true)
		if checks, more, err := w.Signatures(ctx, app, image); err != nil || len(checks) > MaxListed || !more {
			t.Errorf("%d signatures are listed, more %v, %v", len(checks), more, err)
		}
	})
}

// crowd attaches signatures by somebody whom nobody knows, without the way of a push.
func (w world) crowd(image registry.Manifest, n int) {
	w.Helper()
	some := w.put(app, "", oci.MediaTypeImageManifest, map[string]any{
		"config": w.blob(app, oci.MediaTypeEmpty, []byte(`{}`)), "layers": []any{w.signature(app, w.key(), image.Digest)},
		"artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json",
		"subject":      map[string]any{"mediaType": image.MediaType, "digest": image.Digest, "size": image.Size},
	})
	w.ok(w.db.Write(ctx, func(tx db.Tx) error {
		for i := range n {
			d := oci.SHA256Of(fmt.Append(some.Content, i))
			if _, err := tx.Exec(ctx, `INSERT INTO manifest_content (digest, content) SELECT $1, content FROM manifest_content WHERE digest = $2`, d, some.Digest); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO manifest (repository_id, digest, media_type, type, size, content_size, subject, accessory_of, accessory_type, pushed_at, listed, tagged, project_id)
				SELECT repository_id, $1, media_type, type, size, content_size, subject, accessory_of, accessory_type, pushed_at, listed, tagged, project_id FROM manifest WHERE id = $2`, d, some.ID); err != nil {
				return err
			}
		}
		return nil
	}))
}

// slow are contents whose blobs don't come.
type slow struct{ Contents }

func (slow) ReadBlob(ctx context.Context, _ registry.Ref, _ oci.Digest, _ int64) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A signature that can't be checked in time counts as none, and says so; nobody waits for long.
func TestTooLong(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		w.trusts(alpha, "ci", key)
		image := w.image(app, "one")
		w.sign(app, image.Digest, w.signature(app, key, image.Digest))
		w.patience, w.contents = 50*time.Millisecond, slow{w.registry}
		w.stands(app, image, false, "try again in a while")
		w.contents = w.registry
		w.stands(app, image, true)
	})
}

// What rests on a certificate is looked at again when that ends.
func TestUntil(t *testing.T) {
	each(t, func(w world) {
		key := w.key()
		w.trusts(alpha, "ci", key)
		image := w.image(app, "one")
		w.sign(app, image.Digest, w.signature(app, key, image.Digest))
		w.stands(app, image, true)
		w.exec(`UPDATE trust_check SET valid_until = $1`, w.now.Add(time.Hour).UnixMicro())
		w.exec(`UPDATE project SET updated_at = updated_at + 1`) // nothing is remembered
		w.stands(app, image, true)
		*w.now = w.now.Add(2 * time.Hour)
		before := w.count(`SELECT MAX(checked_at) FROM trust_check`)
		w.stands(app, image, true)
		if after := w.count(`SELECT MAX(checked_at) FROM trust_check`); after <= before {
			t.Error("nobody has looked again")
		}
	})
}
