package signing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/trust/sigstore"
)

func TestWhatHasPassedIsSigned(t *testing.T) {
	each(t, func(w world) {
		w.want(app, all)
		d := w.image(app, "v1")
		w.settled()
		w.signed(app, d, true)
		// Nothing of it is signed in turn, and Harbor's clients see it where they look.
		found := slices.Sorted(maps.Values(w.accessories(app, d)))
		if want := []string{"signature.cosign", "signature.cosign", "signature.notation"}; !slices.Equal(found, want) {
			w.Errorf("accessories %q, want %q", found, want)
		}
		if n := w.count(`SELECT COUNT(*) FROM job_execution WHERE kind = 'SIGN'`); n != 1 {
			w.Errorf("%d executions, want 1", n)
		}
		if w.failed() != 0 {
			w.Error("a job failed")
		}
	})
}

func TestNothingElseIsSigned(t *testing.T) {
	each(t, func(w world) {
		w.want(app, Policy{Enabled: false, Formats: Formats(), Attest: true})
		off, none := w.image(app, "v1"), w.image(theirs, "v1")
		w.settled()
		w.want(app, Policy{Enabled: true, Formats: Formats(), RequireTrust: true})
		w.signed(app, off, true) // from now on
		w.signed(theirs, none, false)
		if !w.judge.trusting {
			w.Error("the judge wasn't told to require trust")
		}

		refused := w.prepare("refused")
		w.judge.refuse(refused)
		if got := w.image(app, "refused"); got != refused {
			w.Fatalf("%s, want %s", got, refused)
		}
		w.settled()
		w.signed(app, refused, false)
		if w.judge.asked[refused] == 0 {
			w.Error("nobody asked the judge")
		}
		statements := w.put(app, "statements", oci.MediaTypeImageManifest, map[string]any{
			"config": w.blob(app, oci.MediaTypeImageConfig, []byte(`{"architecture":"unknown"}`)),
			"layers": []oci.Descriptor{w.blob(app, "application/vnd.in-toto+json", []byte(`{}`))},
		})
		empty := w.index(app, "empty")
		w.settled()
		for _, d := range []oci.Digest{statements, empty} {
			w.signed(app, d, false)
		}
		if w.failed() != 0 {
			w.Error("a job failed")
		}
	})
}

// prepare is the digest that an image will have.
func (w world) prepare(tag string) oci.Digest {
	content, err := json.Marshal(map[string]any{
		"config": oci.Describe(oci.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux","tag":"`+tag+`"}`)),
		"layers": []oci.Descriptor{oci.Describe("application/vnd.oci.image.layer.v1.tar+gzip", []byte("layer of "+tag))}, "schemaVersion": 2, "mediaType": oci.MediaTypeImageManifest,
	})
	w.ok(err)
	return oci.SHA256Of(content)
}

// An error of the judge is no pass, whatever else it says, and is tried again.
func TestJudgeThatFails(t *testing.T) {
	each(t, func(w world) {
		w.want(app, all)
		d := w.prepare("v1")
		w.judge.fail(d, errors.New("no connection"))
		w.image(app, "v1")
		w.until("the task waits for another try", func() bool {
			return w.count(`SELECT COUNT(*) FROM job_task WHERE kind = 'SIGN' AND status = 'Scheduled' AND message LIKE '%no connection%'`) > 0
		})
		w.signed(app, d, false)
		w.exec(`UPDATE job_task SET due_at = 1 WHERE status = 'Scheduled'`) // its pause is over
		w.settled()
		w.signed(app, d, true)
	})
}

func TestSignedOnce(t *testing.T) {
	each(t, func(w world) {
		w.want(app, Policy{Enabled: true, Formats: Formats(), Attest: true})
		d := w.image(app, "v1")
		w.scanned(app, d, scan.Success, 2)
		w.signed(app, d, true)
		manifests := w.count(`SELECT COUNT(*) FROM manifest`)
		for range 3 {
			w.now.pass(time.Hour)
			w.hint(d)
			w.settled()
		}
		w.signed(app, d, true)
		if n := w.count(`SELECT COUNT(*) FROM manifest`); n != manifests {
			w.Errorf("%d manifests, before %d", n, manifests)
		}
		if w.judge.asked[d] < 4 {
			w.Errorf("the judge was asked %d times", w.judge.asked[d])
		}
	})
}

// hint has an image looked at as after a scan.
func (w world) hint(d oci.Digest) {
	w.Helper()
	w.ok(w.db.Write(ctx, func(tx db.Tx) error { return w.follow(ctx, tx, hint{digest: d}) }))
}

// What a process leaves that is killed anywhere between writing down the moment and noting the digest.
func TestCutOff(t *testing.T) {
	for name, left := range map[string]func(w world, d oci.Digest){
		"between push and note": func(w world, _ oci.Digest) { w.exec(`UPDATE signing_made SET digest = ''`) },
		"before the push": func(w world, d oci.Digest) {
			for made := range w.accessories(app, d) {
				w.ok(w.registry.DeleteManifest(ctx, pusher, app, made))
			}
			w.exec(`UPDATE signing_made SET digest = ''`)
		},
		"some were deleted later": func(w world, d oci.Digest) {
			for made := range w.accessories(app, d) {
				w.ok(w.registry.DeleteManifest(ctx, pusher, app, made))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w world) {
				w.want(app, Policy{Enabled: true, Formats: Formats(), Attest: true})
				d := w.image(app, "v1")
				w.scanned(app, d, scan.Success, 1)
				before := w.accessories(app, d)
				if len(before) != 4 {
					w.Fatalf("accessories %v, want 4", before)
				}
				left(w, d)
				w.now.pass(time.Hour)
				w.restart("")
				w.hint(d)
				w.settled()
				w.signed(app, d, true)
				if after := w.accessories(app, d); !maps.Equal(before, after) {
					w.Errorf("after: %v, before: %v", after, before)
				}
				if w.failed() != 0 {
					w.Error("a job failed")
				}
			})
		})
	}
}

// another adds a signature to those under Cosign's tag as Cosign does: it reads, appends, and pushes.
func (w world) another(d oci.Digest, name string) oci.Digest {
	w.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"image":{"docker-manifest-digest":%q}},"by":%q}`, d, name)
	layer := w.blob(app, mediaTypeSimpleSigning, payload)
	layer.Annotations = map[string]string{annotationSignature: "bm90aGluZw==", "dev.sigstore.cosign/bundle": `{"by":"<` + name + `>"}`}
	tag := "sha256-" + d.Hex() + ".sig"
	for {
		was, s := oci.Digest(""), noSignatures()
		s.config = []byte(`{"architecture":"","by":"` + name + `"}`)
		s.text = fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[],"annotations":{"by":%q}}`, oci.MediaTypeImageManifest,
			encoded(oci.Describe(oci.MediaTypeImageConfig, s.config)), name)
		m, err := w.registry.Manifest(ctx, app, oci.TagReference(tag))
		if err == nil {
			parsed, err := oci.ParseManifest(m.MediaType, m.Content)
			w.ok(err)
			was, s.text, s.layers = m.Digest, m.Content, parsed.Layers
			s.config, err = w.registry.ReadBlob(ctx, app, parsed.Config.Digest, 1<<20)
			w.ok(err)
		}
		text, config, err := s.with(layer)
		w.ok(err)
		w.blob(app, oci.MediaTypeImageConfig, config)
		_, err = w.registry.PutManifestOver(ctx, pusher, app, tag, was, oci.MediaTypeImageManifest, text)
		if !errors.Is(err, registry.ErrTagMoved) {
			w.ok(err)
			return layer.Digest
		}
	}
}

func encoded(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func TestSignaturesOfOthersStay(t *testing.T) {
	each(t, func(w world) {
		d := w.image(app, "v1")
		first := w.another(d, "theirs")
		before := w.tagged(app, d)
		w.want(app, all)
		w.signed(app, d, true)
		after := w.tagged(app, d)
		if len(after) != 2 || !bytes.Equal(encoded(after[:1]), encoded(before)) || after[0].Digest != first {
			w.Errorf("after: %s, before: %s", encoded(after), encoded(before))
		}
		m := w.manifest(app, oci.TagReference("sha256-"+d.Hex()+".sig"))
		parsed, err := oci.ParseManifest(m.MediaType, m.Content)
		w.ok(err)
		if parsed.Annotations["by"] != "theirs" {
			w.Errorf("the manifest's annotations are %v", parsed.Annotations)
		}
		w.another(d, "later")
		w.hint(d)
		w.settled()
		w.signed(app, d, true)
		if n := len(w.tagged(app, d)); n != 3 {
			w.Errorf("%d signatures, want 3", n)
		}
	})
}

// Others sign in the same moments, and each signature of all of them is there in the end.
func TestSignaturesOfOthersThatComeMeanwhile(t *testing.T) {
	each(t, func(w world) {
		const images, others = 6, 3
		w.want(app, Policy{Enabled: true, Formats: []Format{Cosign}})
		var pushed []oci.Digest
		for n := range images {
			pushed = append(pushed, w.image(app, fmt.Sprint("v", n)))
		}
		var wait sync.WaitGroup
		for n := range others {
			wait.Go(func() {
				for _, d := range pushed {
					w.another(d, fmt.Sprint("other ", n))
				}
			})
		}
		w.settled()
		wait.Wait()
		w.settled()
		for _, d := range pushed {
			if n := len(w.tagged(app, d)); n != others+1 {
				w.Errorf("%s has %d signatures, want %d", d, n, others+1)
			}
			if n := w.cosignSigned(app, d, w.key(Cosign)); n != 1 {
				w.Errorf("%s has %d of Haven's, want 1", d, n)
			}
		}
	})
}

func TestTagThatHoldsSomethingElse(t *testing.T) {
	each(t, func(w world) {
		d := w.image(app, "v1")
		child := w.image(app, "v2")
		index := w.index(app, "sha256-"+d.Hex()+".sig", child)
		full := w.image(app, "v3")
		layer := w.blob(app, mediaTypeSimpleSigning, []byte("payload"))
		layer.Annotations = map[string]string{annotationSignature: "eA=="}
		layers := slices.Repeat([]oci.Descriptor{layer}, maxSignatures)
		w.put(app, "sha256-"+full.Hex()+".sig", oci.MediaTypeImageManifest, map[string]any{"config": w.blob(app, oci.MediaTypeImageConfig, []byte(`{}`)), "layers": layers})
		w.settled()
		w.want(app, all)
		if m := w.manifest(app, oci.TagReference("sha256-"+d.Hex()+".sig")); m.Digest != index {
			w.Errorf("the tag is %s now, was %s", m.Digest, index)
		}
		if n := len(w.tagged(app, full)); n != maxSignatures {
			w.Errorf("%d signatures, were %d", n, maxSignatures)
		}
		for _, d := range []oci.Digest{d, full} { // the other formats don't suffer
			if w.notationSigned(app, d, w.key(Notation)) != 1 {
				w.Errorf("%s isn't signed in Notation's format", d)
			}
		}
		w.signed(app, child, true)
		if n := w.count(`SELECT COUNT(*) FROM job_task WHERE kind = 'SIGN' AND status = 'Error'`); n != 2 {
			w.Errorf("%d tasks say so, want 2", n)
		}
	})
}

func TestIndexAfterItsImages(t *testing.T) {
	each(t, func(w world) {
		w.want(app, all)
		one, two := w.prepare("one"), w.prepare("two")
		w.judge.refuse(one)
		w.judge.refuse(two)
		w.image(app, "one")
		w.image(app, "two")
		inner := w.index(app, "inner", one, two)
		w.judge.refuse(inner)
		outer := w.index(app, "outer", inner)
		w.judge.refuse(outer)
		w.settled()

		w.judge.pass(one)
		w.scanned(app, one, scan.Success, 0)
		w.signed(app, one, true)
		w.signed(app, inner, false)

		for _, d := range []oci.Digest{two, inner, outer} {
			w.judge.pass(d)
		}
		w.scanned(app, two, scan.Success, 0)
		for _, d := range []oci.Digest{one, two, inner, outer} {
			w.signed(app, d, true)
		}
	})
}

// An index that comes when its images were signed already, and an image that was scanned as another repository's.
func TestPushedLater(t *testing.T) {
	each(t, func(w world) {
		w.want(app, all)
		one := w.image(app, "one")
		w.scanned(app, one, scan.Success, 0)
		index := w.index(app, "index", one)
		w.settled()
		w.signed(app, index, true)

		w.want(theirs, all)
		w.judge.refuse(one)
		w.image(theirs, "one")
		w.settled()
		w.signed(theirs, one, false)
		w.judge.pass(one)
		w.scanned(app, one, scan.Success, 0) // a report speaks for a digest, wherever it lies
		w.signed(theirs, one, true)
	})
}

// What lies in a project when signing is switched on, in several repositories, and more than a page of it.
func TestWalk(t *testing.T) {
	each(t, func(w world) {
		second, third := app, app
		second.Name, third.Name = "team/other", "z"
		var pushed []oci.Digest
		for n := range walkPage + 5 {
			pushed = append(pushed, w.image(second, fmt.Sprint("v", n)))
		}
		first, last, foreign := w.image(app, "first"), w.image(third, "last"), w.image(theirs, "foreign")
		w.settled()
		w.want(app, Policy{Enabled: true, Formats: []Format{Cosign}})
		key := w.key(Cosign)
		for _, d := range pushed {
			if w.cosignSigned(second, d, key) != 1 {
				w.Errorf("%s isn't signed", d)
			}
		}
		if w.cosignSigned(app, first, key) != 1 || w.cosignSigned(third, last, key) != 1 || w.cosignSigned(theirs, foreign, key) != 0 {
			w.Error("what lies in other repositories isn't signed, or what lies in another project is")
		}
		if n := w.count(`SELECT COUNT(*) FROM job_task WHERE kind = 'SIGN'`); n != int64(len(pushed)+2) {
			w.Errorf("%d tasks for %d images", n, len(pushed)+2)
		}
	})
}

// Cosign has no tag for such a digest; the other formats don't need one.
func TestSHA512(t *testing.T) {
	each(t, func(w world) {
		w.want(app, all)
		content := encoded(map[string]any{
			"schemaVersion": 2, "mediaType": oci.MediaTypeImageManifest, "config": w.blob(app, oci.MediaTypeImageConfig, []byte(`{}`)),
			"layers": []oci.Descriptor{w.blob(app, "application/vnd.oci.image.layer.v1.tar+gzip", []byte("layer"))},
		})
		d, err := oci.FromBytes(oci.SHA512, content)
		w.ok(err)
		_, err = w.registry.PutManifest(ctx, pusher, app, oci.DigestReference(d), oci.MediaTypeImageManifest, content)
		w.ok(err)
		w.settled()
		if len(w.bundles(app, d, w.key(Cosign), sigstore.PredicateSigned)) != 1 || w.notationSigned(app, d, w.key(Notation)) != 1 {
			w.Error("it isn't signed")
		}
		if w.failed() != 0 {
			w.Error("a job failed")
		}
	})
}

func TestRotationSignsAnew(t *testing.T) {
	each(t, func(w world) {
		w.want(app, all)
		d := w.image(app, "v1")
		w.settled()
		old := map[Format]Key{Cosign: w.key(Cosign), Notation: w.key(Notation)}
		for format := range old {
			_, err := w.Rotate(ctx, pusher, string(format))
			w.ok(err)
		}
		w.settled()
		w.signed(app, d, true)
		if w.cosignSigned(app, d, old[Cosign]) != 1 || len(w.bundles(app, d, old[Cosign], sigstore.PredicateSigned)) != 1 || w.notationSigned(app, d, old[Notation]) != 1 {
			w.Error("the signatures by the former keys are gone")
		}
	})
}

func TestAttestation(t *testing.T) {
	each(t, func(w world) {
		w.want(app, Policy{Enabled: true, Formats: []Format{CosignBundle}, Attest: true})
		d := w.image(app, "v1")
		w.settled()
		attested := func() []map[string]any { return w.bundles(app, d, w.key(Cosign), predicateVulnerabilities) }
		if got := attested(); len(got) != 0 {
			w.Errorf("without a report: %v", got)
		}
		w.scanned(app, d, scan.Failed, 0)
		if got := attested(); len(got) != 0 {
			w.Errorf("of a scan that failed: %v", got)
		}
		w.scanned(app, d, scan.Success, 2)
		got := attested()
		if len(got) != 1 {
			w.Fatalf("attestations %v, want 1", got)
		}
		scanner, metadata := got[0]["scanner"].(map[string]any), got[0]["metadata"].(map[string]any)
		result := scanner["result"].(map[string]any)
		if metadata["scanFinishedOn"] != "2026-11-28T12:00:00Z" || scanner["version"] != "1.2.3" || result["severity"] != "Critical" ||
			result["summary"].(map[string]any)["critical"] != 2.0 || len(result["images"].([]any)[0].(map[string]any)["findings"].([]any)) != 2 {
			w.Errorf("attested: %s", encoded(got[0]))
		}
		// The next one comes in its place.
		w.now.pass(24 * time.Hour)
		w.scanned(app, d, scan.Success, 0)
		got = attested()
		if len(got) != 1 || got[0]["metadata"].(map[string]any)["scanFinishedOn"] != "2026-11-29T12:00:00Z" {
			w.Errorf("after another scan: %s", encoded(got))
		}
		if n := len(w.bundles(app, d, w.key(Cosign), sigstore.PredicateSigned)); n != 1 {
			w.Errorf("%d signatures, want 1", n)
		}
		// What hasn't passed any more isn't attested anew: who trusts the key would take it for a pass.
		w.judge.refuse(d)
		w.now.pass(24 * time.Hour)
		w.scanned(app, d, scan.Success, 5)
		if again := attested(); len(again) != 1 || fmt.Sprint(again) != fmt.Sprint(got) {
			w.Errorf("attested what was refused: %s", encoded(again))
		}
		index := w.index(app, "index", d)
		w.settled()
		if n := len(w.bundles(app, index, w.key(Cosign), predicateVulnerabilities)); n != 1 {
			w.Errorf("the index has %d attestations, want 1", n)
		}
	})
}

// In a project without room nothing is signed, and trying again wouldn't help.
func TestNoRoom(t *testing.T) {
	each(t, func(w world) {
		d := w.image(app, "v1")
		w.settled()
		w.exec(`UPDATE project SET storage_limit = 1 WHERE id = 1`)
		w.want(app, all)
		w.signed(app, d, false)
		if n := w.count(`SELECT COUNT(*) FROM job_task WHERE kind = 'SIGN' AND status = 'Error' AND message LIKE '%no room%'`); n != 1 {
			w.Errorf("%d tasks say that there is no room, want 1", n)
		}
	})
}

func TestPolicy(t *testing.T) {
	each(t, func(w world) {
		p, err := w.Policy(ctx, 1)
		w.ok(err)
		if p.Enabled || len(p.Formats) > 0 || p.Attest || p.RequireTrust {
			w.Errorf("without one: %+v", p)
		}
		w.ok(w.SetPolicy(ctx, pusher, 1, "alpha", Policy{Enabled: true, Formats: []Format{Notation, Cosign, Notation}, Attest: true, RequireTrust: true}))
		p, err = w.Policy(ctx, 1)
		w.ok(err)
		if want := (Policy{true, []Format{Cosign, Notation}, true, true}); !p.equal(want) {
			w.Errorf("policy %+v, want %+v", p, want)
		}
		if n := w.count(`SELECT COUNT(*) FROM event WHERE kind = 'update_project' AND body LIKE '%"by":"ann"%cosign notation%'`); n != 1 {
			w.Errorf("%d events, want 1", n)
		}
		for _, bad := range []Policy{{Enabled: true}, {Enabled: true, Attest: true}, {Formats: []Format{"pgp"}}, {Enabled: true, Formats: []Format{Cosign, attestation}}} {
			if err := w.SetPolicy(ctx, pusher, 1, "alpha", bad); !errors.Is(err, fault.Invalid) {
				w.Errorf("%+v: %v, want fault.Invalid", bad, err)
			}
		}
		w.ok(w.SetPolicy(ctx, pusher, 1, "alpha", Policy{}))
		if p, err = w.Policy(ctx, 1); err != nil || p.Enabled {
			w.Errorf("switched off: %+v, %v", p, err)
		}
	})
}

// Where no project wants anything signed, events cost one statement.
func TestEventsOfOthersAreCheap(t *testing.T) {
	each(t, func(w world) {
		for n := range 5 {
			w.image(app, fmt.Sprint("v", n))
		}
		w.settled()
		if n := w.count(`SELECT COUNT(*) FROM job_execution`); n != 0 {
			w.Errorf("%d executions, want none", n)
		}
	})
}

func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, query := range map[string]string{
			"current key":          keyCurrent,
			"policy":               policySelect,
			"manifest by name":     targetNamed,
			"manifest in":          targetIn,
			"manifests of digest":  targetsOf,
			"indexes above":        targetsAbove,
			"next repository":      nextRepository,
			"manifests in a walk":  walkedTargets,
			"what was made":        madeOf,
			"what is made":         madeNote,
			"somebody wants":       wantedAtAll,
			"who wants":            wantedByAny,
			"when it was pushed":   pushTime,
			"there is a key":       keyIsCurrent,
			"the key before":       keyRetire,
			"the moment of making": madeBegin,
		} {
			if p := dbtest.PlanOf(t, d, query, false); len(p.Scans) > 0 {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}
