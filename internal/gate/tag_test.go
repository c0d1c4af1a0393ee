package gate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/trust"
)

const policyWithKey = `{"signers":[{"name":"ci","keys":["-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----"]}]`

// Where a project wants artifacts signed before they are tagged, only what is said about artifacts gets a tag by itself.
func TestSignedBeforeTag(t *testing.T) {
	each(t, func(w world) {
		held := w.manifest(string(w.pushImage("v1")))
		signature := w.manifest(string(w.attach(held.Digest, cosignType, cosignType)))
		list := w.manifest(string(w.pushIndex("list", held.Digest)))
		fresh := registry.Manifest{MediaType: held.MediaType, Content: []byte(strings.Replace(string(held.Content), "{", "{ ", 1))}
		fresh.Digest = oci.SHA256Of(fresh.Content)
		ofReferrers := held.Digest.ReferrersTag()
		cases := []struct {
			name      string
			m         registry.Manifest
			reference string
			tags      []string
			refused   string
		}{
			{name: "what is there, by tag", m: held, reference: "v2", refused: "a signature by any signer"},
			{name: "what is there, by digest", m: held, reference: string(held.Digest)},
			{name: "what is there, by digest with a tag", m: held, reference: string(held.Digest), tags: []string{"v2"}, refused: "a signature by any signer"},
			{name: "something new, by tag", m: fresh, reference: "v2", refused: "not there yet"},
			{name: "something new, by digest", m: fresh, reference: string(fresh.Digest)},
			{name: "something new in place of referrers", m: fresh, reference: ofReferrers, refused: "not there yet"},
			{name: "a signature", m: signature, reference: ofReferrers + ".sig"},
			{name: "an index", m: list, reference: "v2", refused: "a signature by any signer"},
			{name: "an index of referrers", m: list, reference: ofReferrers},
			{name: "an index of referrers with a tag", m: list, reference: ofReferrers, tags: []string{"v2"}, refused: "a signature by any signer"},
			{name: "no manifest", m: registry.Manifest{MediaType: held.MediaType, Content: []byte("{")}, reference: "v2", refused: "not there yet"},
		}
		for _, demanded := range []bool{false, true} {
			if demanded {
				w.must(w.trust.Set(t.Context(), ann, trust.Owner{ID: 1, Name: "library"}, []byte(policyWithKey+`,"signed_before_tag":true}`)))
				w.rested()
			}
			for _, c := range cases {
				r, err := oci.ParseReference(c.reference)
				w.must(err)
				err = w.MayPush(t.Context(), repo, r, c.m.MediaType, c.m.Content, c.tags...)
				refusal, refused := errors.AsType[*gate.TagRefusal](err)
				if err != nil && !refused || refused != (demanded && c.refused != "") || refused && !strings.Contains(refusal.Error(), c.refused) {
					t.Errorf("%s, demanded %v: %v, want %q", c.name, demanded, err, c.refused)
				}
			}
		}
		for reference, refused := range map[string]bool{"v1": true, string(held.Digest): true, "list": true, string(signature.Digest): false} {
			r, err := oci.ParseReference(reference)
			w.must(err)
			_, err = w.MayTag(t.Context(), 1, repo, r)
			if _, is := errors.AsType[*gate.TagRefusal](err); is != refused || err != nil && !is {
				t.Errorf("tag %s: %v, want a refusal: %v", reference, err, refused)
			}
		}

		if _, err := w.MayTag(t.Context(), 1, repo, oci.TagReference("nothing")); !errors.Is(err, registry.ErrManifestUnknown) {
			t.Errorf("tag nothing: %v", err)
		}

		// Bytes of another digest teach the gate nothing about that.
		w.must(w.MayPush(t.Context(), repo, oci.DigestReference(fresh.Digest), signature.MediaType, signature.Content, "v2"))
		err := w.MayPush(t.Context(), repo, oci.DigestReference(fresh.Digest), fresh.MediaType, fresh.Content, "v2")
		if _, is := errors.AsType[*gate.TagRefusal](err); !is {
			t.Errorf("an image by the digest that a signature was sent for: %v", err)
		}
	})
}

// rested waits for what is remembered of projects' demands to be forgotten.
func (w world) rested() {
	w.Helper()
	await.Until(w.T, "the demand is known", func() bool {
		demanded, err := w.trust.BeforeTag(w.Context(), 1)
		w.must(err)
		return demanded
	})
}
