package registry

import (
	"errors"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

// there reports whether the repository serves the manifest.
func (f fixture) there(ref Ref, d oci.Descriptor) bool {
	_, err := f.ManifestInfo(ctx, ref, oci.DigestReference(d.Digest))
	if err != nil && !errors.Is(err, ErrManifestUnknown) {
		f.t.Error(err)
	}
	return err == nil
}

func TestDeleteTakesWhatBelongsToIt(t *testing.T) {
	each(t, func(f fixture) {
		amd, arm, shared := f.push(app, f.image(app, "amd"), ""), f.push(app, f.image(app, "arm"), ""), f.push(app, f.image(app, "shared"), "")
		tagged := f.push(app, f.image(app, "tagged"), "keep")
		ix := f.push(app, index(amd, arm, shared, tagged), "multi")
		f.push(app, index(amd, arm, shared, tagged), "again")
		second := f.push(app, index(shared), "second")
		signature := f.push(app, f.attach(app, ix, "application/vnd.cncf.notary.signature", "ix"), "sig")
		onSignature := f.push(app, f.attach(app, signature, "text/plain", "on it"), "")
		ofChild := f.push(app, f.attach(app, arm, "text/plain", "of arm"), "")
		ofTagged := f.push(app, f.attach(app, tagged, "text/plain", "of tagged"), "")
		attested := f.push(app, index(tagged, ofTagged), "attested")
		f.events()

		for name, d := range map[string]oci.Descriptor{"child": arm, "tagged child": tagged, "child of two": shared} {
			if err := f.DeleteManifest(ctx, pusher, app, d.Digest); !errors.Is(err, ErrReferenced) {
				f.t.Errorf("delete a %s: %v", name, err)
			}
		}
		f.ok(f.DeleteArtifact(ctx, pusher, app, oci.TagReference("multi")))
		for name, c := range map[string]struct {
			d    oci.Descriptor
			want bool
		}{
			"index": {ix, false}, "child": {amd, false}, "other child": {arm, false}, "child's accessory": {ofChild, false},
			"signature": {signature, false}, "its accessory": {onSignature, false},
			"child of two": {shared, true}, "tagged child": {tagged, true}, "its accessory that stays": {ofTagged, true}, "other index": {second, true},
		} {
			if f.there(app, c.d) != c.want {
				f.t.Errorf("%s there: %v, want %v", name, !c.want, c.want)
			}
		}
		if tags, _, err := f.Tags(ctx, app, "", -1); err != nil || !slices.Equal(tags, []string{"attested", "keep", "second"}) {
			f.t.Errorf("tags left: %q, %v", tags, err)
		}
		// An attestation that is a child as well stays as long as its subject does.
		f.ok(f.DeleteManifest(ctx, pusher, app, attested.Digest))
		if !f.there(app, ofTagged) || !f.there(app, tagged) {
			f.t.Error("deleting an index took the accessory of an artifact that stays")
		}
		if n := f.count(`SELECT COUNT(*) FROM manifest_content WHERE digest NOT IN (SELECT digest FROM manifest)`); n != 0 {
			f.t.Errorf("%d contents that no manifest needs", n)
		}
		if got, want := f.events(), []string{"delete_artifact alpha/app:again", "delete_artifact alpha/app:attested"}; !slices.Equal(got, want) {
			f.t.Errorf("events = %q, want %q", got, want)
		}
		if err := f.DeleteManifest(ctx, pusher, app, ix.Digest); !errors.Is(err, ErrManifestUnknown) {
			f.t.Errorf("delete twice: %v", err)
		}
		if _, err := f.Blob(ctx, app, f.image(app, "amd").Layers[0].Digest); err != nil {
			f.t.Errorf("blobs of a deleted artifact stay until they are reclaimed: %v", err)
		}
	})
}

func TestDeleteTagLeavesTheArtifact(t *testing.T) {
	each(t, func(f fixture) {
		d := f.push(app, f.image(app, "one"), "v1")
		a, err := f.GetArtifact(ctx, app, oci.TagReference("v1"), With{})
		f.ok(err)
		f.ok(f.CreateTag(ctx, pusher, app, a.ID, "stable"))
		if err := f.CreateTag(ctx, pusher, app, a.ID, "stable"); !errors.Is(err, ErrTagExists) {
			f.t.Errorf("create twice: %v", err)
		}
		var invalid *fault.Error
		if err := f.CreateTag(ctx, pusher, app, a.ID, "bad name"); !errors.As(err, &invalid) || invalid.Kind != fault.Invalid || invalid.Message != "invalid tag name: bad name" {
			f.t.Errorf("bad name: %v", err)
		}
		if err := f.CreateTag(ctx, pusher, theirs, a.ID, "mine"); !errors.Is(err, ErrManifestUnknown) {
			f.t.Errorf("tag an artifact of another project: %v", err)
		}
		if err := f.DeleteArtifactTag(ctx, pusher, app, a.ID+1, "stable"); !errors.Is(err, ErrTagUnknown) {
			f.t.Errorf("delete another artifact's tag: %v", err)
		}
		f.ok(f.DeleteArtifactTag(ctx, pusher, app, a.ID, "stable"))
		f.ok(f.DeleteTag(ctx, pusher, app, "v1"))
		if err := f.DeleteTag(ctx, pusher, app, "v1"); !errors.Is(err, ErrTagUnknown) {
			f.t.Errorf("delete twice: %v", err)
		}
		if !f.there(app, d) || len(f.list(app, ArtifactFilter{}, db.List{})) != 1 {
			f.t.Error("the artifact went with its tags")
		}
		want := []string{"create_artifact alpha/app:v1", "create_tag alpha/app:stable", "delete_tag alpha/app:stable", "delete_tag alpha/app:v1"}
		if got := f.events(); !slices.Equal(got, want) {
			f.t.Errorf("events = %q, want %q", got, want)
		}
	})
}

func TestDeleteBlob(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "one")
		d := f.push(app, image, "v1")
		layer := image.Layers[0].Digest
		if err := f.DeleteBlob(ctx, app, layer); !errors.Is(err, ErrReferenced) {
			f.t.Errorf("delete a layer in use: %v", err)
		}
		_, err := f.Mount(ctx, theirs, app, layer)
		f.ok(err)
		f.ok(f.DeleteManifest(ctx, pusher, app, d.Digest))
		f.ok(f.DeleteBlob(ctx, app, layer))
		if _, err := f.Blob(ctx, app, layer); !errors.Is(err, ErrBlobUnknown) {
			f.t.Errorf("deleted blob: %v", err)
		}
		if _, err := f.Blob(ctx, theirs, layer); err != nil {
			f.t.Errorf("the other repository's blob: %v", err)
		}
		if _, err := f.put(app, image, "v1"); !errors.Is(err, ErrBlobUnknown) {
			f.t.Errorf("push with a deleted blob: %v", err)
		}
	})
}

func TestDeleteRepository(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "one")
		d := f.push(app, image, "v1")
		f.push(app, index(d), "ix")
		copyOf := f.image(theirs, "one")
		f.push(theirs, copyOf, "v1")
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		f.events()
		f.ok(f.DeleteRepository(ctx, pusher, app))
		if err := f.DeleteRepository(ctx, pusher, app); !errors.Is(err, ErrRepositoryUnknown) {
			f.t.Errorf("delete twice: %v", err)
		}
		if _, err := f.GetRepository(ctx, app); !errors.Is(err, ErrRepositoryUnknown) {
			f.t.Errorf("deleted repository: %v", err)
		}
		if _, err := f.Blob(ctx, app, image.Config.Digest); !errors.Is(err, ErrBlobUnknown) || f.there(app, d) {
			f.t.Errorf("a deleted repository still serves: %v", err)
		}
		if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
			f.t.Errorf("upload into a deleted repository: %v", err)
		}
		if !f.there(theirs, d) {
			f.t.Error("the same manifest elsewhere went too")
		}
		if got, want := f.events(), []string{string(event.DeleteRepository) + " alpha/app"}; !slices.Equal(got, want) {
			f.t.Errorf("events = %q, want %q", got, want)
		}
		holders, err := f.Holders(ctx, image.Config.Digest, Scope{All: true}, 10)
		if err != nil || !slices.Equal(holders, []Ref{theirs}) {
			f.t.Errorf("repositories that hold the blob: %+v, %v", holders, err)
		}
		f.push(app, f.image(app, "two"), "v1")
		if r, err := f.GetRepository(ctx, app); err != nil || r.ArtifactCount != 1 || r.PullCount != 0 {
			f.t.Errorf("pushed again: %+v, %v", r, err)
		}
	})
}

func TestCopy(t *testing.T) {
	each(t, func(f fixture) {
		amd, arm := f.push(app, f.image(app, "amd"), "amd"), f.push(app, f.image(app, "arm"), "")
		ix := f.push(app, index(amd, arm), "v1")
		f.push(app, index(amd, arm), "latest")
		signature := f.attach(app, ix, "text/plain", "about")
		f.push(app, signature, "")
		cosign := f.cosign(app)
		tag := "sha256-" + ix.Digest.Hex() + ".sig"
		f.push(app, cosign, tag)
		overtaken := f.push(theirs, f.image(theirs, "old"), "v1")
		f.events()

		if err := f.Copy(ctx, pusher, theirs, app, oci.TagReference("none")); !errors.Is(err, ErrManifestUnknown) {
			f.t.Errorf("copy nothing: %v", err)
		}
		if err := f.Copy(ctx, pusher, theirs, app, oci.TagReference(tag)); !errors.Is(err, ErrIsAccessory) {
			f.t.Errorf("copy an accessory: %v", err)
		}
		f.ok(f.Copy(ctx, pusher, theirs, app, oci.DigestReference(ix.Digest)))
		f.ok(f.Copy(ctx, pusher, theirs, app, oci.DigestReference(ix.Digest)))
		f.ok(f.Copy(ctx, pusher, app, app, oci.DigestReference(ix.Digest)))
		got, err := f.GetArtifact(ctx, theirs, oci.TagReference("latest"), all)
		f.ok(err)
		if got.Digest != ix.Digest || len(got.Tags) != 2 || len(got.References) != 2 || len(got.Accessories) != 2 || got.Accessories[1].Type != AccessoryCosign {
			f.t.Errorf("copy = %+v", got)
		}
		if m, err := f.Manifest(ctx, theirs, oci.TagReference(tag)); err != nil || m.Digest != cosign.descriptor().Digest {
			f.t.Errorf("signature by its tag: %v", err)
		}
		if _, err := f.Blob(ctx, theirs, f.image(app, "arm").Layers[0].Digest); err != nil {
			f.t.Errorf("layer of a copied child: %v", err)
		}
		if got, want := f.list(theirs, ArtifactFilter{}, db.List{}), []oci.Digest{ix.Digest, overtaken.Digest}; !slices.Equal(got, want) {
			f.t.Errorf("listed after the copy: %v, want %v", got, want)
		}
		if got, want := f.events()[0], "create_artifact beta/app:latest"; got != want {
			f.t.Errorf("event = %q, want %q", got, want)
		}
	})
}

// cosign makes a signature as Cosign tags it, without a subject.
func (f fixture) cosign(ref Ref) document {
	f.t.Helper()
	config := f.blob(ref, oci.MediaTypeImageConfig, []byte(`{"architecture":"","os":"","config":{}}`))
	layer := f.blob(ref, "application/vnd.dev.cosign.simplesigning.v1+json", []byte(`{"critical":{}}`))
	return document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []oci.Descriptor{layer}}
}

func TestAccessoryOfALaterSubject(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "one")
		signature := f.cosign(app)
		f.push(app, signature, "") // by digest first: nothing yet says what it is
		if got := f.list(app, ArtifactFilter{}, db.List{}); len(got) != 1 {
			f.t.Errorf("listed: %v", got)
		}
		f.push(app, signature, "sha256-"+image.descriptor().Digest.Hex()+".sig")
		if got := f.list(app, ArtifactFilter{}, db.List{}); len(got) != 0 {
			f.t.Errorf("the signature is listed: %v", got)
		}
		d := f.push(app, image, "v1")
		a, err := f.GetArtifact(ctx, app, oci.DigestReference(d.Digest), all)
		f.ok(err)
		if len(a.Accessories) != 1 || a.Accessories[0].Type != AccessoryCosign {
			f.t.Errorf("accessories = %+v", a.Accessories)
		}
		// Nothing is its own accessory.
		self := f.image(app, "self")
		self.Layers[0].MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
		f.push(app, self, "sha256-"+self.descriptor().Digest.Hex()+".sig")
		if got := f.list(app, ArtifactFilter{}, db.List{}); len(got) != 2 {
			f.t.Errorf("listed with one that claims to sign itself: %v", got)
		}
	})
}
