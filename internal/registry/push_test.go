package registry

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

func TestPushAndPull(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "one")
		d := f.push(app, image, "v1")
		for _, r := range []oci.Reference{oci.TagReference("v1"), oci.DigestReference(d.Digest)} {
			m, err := f.Manifest(ctx, app, r)
			f.ok(err)
			if !bytes.Equal(m.Content, image.bytes()) || m.Digest != d.Digest || m.MediaType != oci.MediaTypeImageManifest || m.Size != d.Size || m.Tag != r.Tag() {
				f.t.Errorf("manifest by %s = %+v", r, m)
			}
			head, err := f.ManifestInfo(ctx, app, r)
			f.ok(err)
			if head.Content != nil || head.Digest != m.Digest || head.Size != m.Size {
				f.t.Errorf("manifest without content by %s = %+v", r, head)
			}
		}
		b, err := f.Blob(ctx, app, image.Layers[0].Digest)
		f.ok(err)
		content, err := f.OpenBlob(ctx, b)
		f.ok(err)
		defer content.Close()
		if got, err := io.ReadAll(content); err != nil || string(got) != "layer of one" || b.Size != int64(len(got)) {
			f.t.Errorf("layer = %q, %v, size %d", got, err, b.Size)
		}
		if got, want := f.events(), []string{"create_artifact alpha/app:v1"}; !slices.Equal(got, want) {
			f.t.Errorf("events = %q, want %q", got, want)
		}
	})
}

func TestNotFound(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "one")
		d := f.push(app, image, "v1")
		config := image.Config.Digest
		never := oci.SHA256Of([]byte("never"))
		for name, c := range map[string]struct {
			err  error
			want error
		}{
			"tag":                     {second(f.Manifest(ctx, app, oci.TagReference("v2"))), ErrManifestUnknown},
			"tag in other case":       {second(f.Manifest(ctx, app, oci.TagReference("V1"))), ErrManifestUnknown},
			"digest":                  {second(f.Manifest(ctx, app, oci.DigestReference(never))), ErrManifestUnknown},
			"manifest of another":     {second(f.Manifest(ctx, other, oci.DigestReference(d.Digest))), ErrManifestUnknown},
			"manifest elsewhere":      {second(f.ManifestInfo(ctx, theirs, oci.TagReference("v1"))), ErrManifestUnknown},
			"blob":                    {second(f.Blob(ctx, app, never)), ErrBlobUnknown},
			"blob of another":         {second(f.Blob(ctx, other, config)), ErrBlobUnknown},
			"blob of another project": {second(f.Blob(ctx, theirs, config)), ErrBlobUnknown},
			"manifest as a blob":      {second(f.Blob(ctx, app, d.Digest)), ErrBlobUnknown},
			"mount without a source":  {second(f.Mount(ctx, app, other, never)), ErrBlobUnknown},
			"mount of a non-member":   {second(f.Mount(ctx, app, theirs, config)), ErrBlobUnknown},
			"upload":                  {second(f.GetUpload(ctx, app, "0d0e")), ErrUploadUnknown},
			"delete of a blob":        {f.DeleteBlob(ctx, app, never), ErrBlobUnknown},
		} {
			if !errors.Is(c.err, c.want) {
				f.t.Errorf("%s: %v, want %v", name, c.err, c.want)
			}
		}
		if _, _, err := f.Tags(ctx, other, "", -1); !errors.Is(err, ErrRepositoryUnknown) {
			f.t.Errorf("tags of a repository that isn't there: %v", err)
		}
	})
}

func TestPutOverATagThatMoved(t *testing.T) {
	each(t, func(f fixture) {
		one, two, three := f.image(app, "one"), f.image(app, "two"), f.image(app, "three")
		over := func(was oci.Digest, m document) error {
			_, err := f.PutManifestOver(ctx, pusher, app, "v1", was, oci.MediaTypeImageManifest, m.bytes())
			return err
		}
		digest := func(m document) oci.Digest { return oci.SHA256Of(m.bytes()) }
		if err := over(digest(two), one); !errors.Is(err, ErrTagMoved) {
			f.t.Errorf("over a tag that isn't there: %v", err)
		}
		f.ok(over("", one))
		if err := over("", two); !errors.Is(err, ErrTagMoved) {
			f.t.Errorf("as new, where there is one: %v", err)
		}
		f.ok(over(digest(one), two))
		if err := over(digest(one), three); !errors.Is(err, ErrTagMoved) {
			f.t.Errorf("over what was there before: %v", err)
		}
		m, err := f.Manifest(ctx, app, oci.TagReference("v1"))
		f.ok(err)
		if m.Digest != digest(two) {
			f.t.Errorf("v1 is %s, want %s", m.Digest, digest(two))
		}
		if _, err := f.ManifestInfo(ctx, app, oci.DigestReference(digest(three))); !errors.Is(err, ErrManifestUnknown) {
			f.t.Errorf("what was refused is there: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestMountSharesAMember(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "one")
		for _, d := range []oci.Descriptor{*image.Config, image.Layers[0]} {
			b, err := f.Mount(ctx, theirs, app, d.Digest)
			f.ok(err)
			if b.Size != d.Size || b.Digest != d.Digest {
				f.t.Errorf("mounted %+v, want %+v", b, d)
			}
		}
		f.push(theirs, image, "v1")
		if n := f.count(`SELECT COUNT(*) FROM blob`); n != 2 {
			f.t.Errorf("%d blobs stored, want 2", n)
		}
	})
}

func TestPutManifestRefuses(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "one")
		elsewhere := f.image(theirs, "secret")
		wrongSize := image
		wrongSize.Layers = []oci.Descriptor{image.Layers[0]}
		wrongSize.Layers[0].Size++
		absent := oci.Descriptor{MediaType: oci.MediaTypeImageManifest, Digest: oci.SHA256Of([]byte("x")), Size: 1}

		_, err := f.put(app, elsewhere, "stolen")
		var missing *MissingError
		want := []oci.Digest{elsewhere.Config.Digest, elsewhere.Layers[0].Digest}
		if !errors.As(err, &missing) || !slices.Equal(missing.Digests, want) || !errors.Is(err, ErrBlobUnknown) {
			f.t.Errorf("blobs of another project: %v, want all of %v", err, want)
		}
		if _, err := f.put(app, index(absent), "x"); !errors.As(err, &missing) || !slices.Equal(missing.Digests, []oci.Digest{absent.Digest}) {
			f.t.Errorf("missing child: %v", err)
		}
		if _, err := f.put(app, wrongSize, "x"); !errors.Is(err, fault.Invalid) {
			f.t.Errorf("wrong size of a layer: %v", err)
		}
		_, err = f.PutManifest(ctx, pusher, app, oci.DigestReference(absent.Digest), image.MediaType, image.bytes())
		if !errors.Is(err, ErrDigestMismatch) {
			f.t.Errorf("other digest: %v", err)
		}
		_, err = f.PutManifest(ctx, pusher, app, oci.TagReference("x"), image.MediaType, []byte(`{"schemaVersion":2,"schemaVersion":2}`))
		if !errors.Is(err, oci.ErrManifestInvalid) {
			f.t.Errorf("duplicate key: %v", err)
		}
		if n := f.count(`SELECT COUNT(*) FROM manifest`) + f.count(`SELECT COUNT(*) FROM manifest_content`) + f.count(`SELECT COUNT(*) FROM tag`); n != 0 {
			f.t.Errorf("refused manifests left %d rows", n)
		}
		if got := f.events(); len(got) != 0 {
			f.t.Errorf("refused manifests left events %q", got)
		}
	})
}

func TestForeignLayerNeedNotBeThere(t *testing.T) {
	each(t, func(f fixture) {
		image := f.image(app, "windows")
		image.Layers = append(image.Layers, oci.Descriptor{MediaType: oci.MediaTypeDockerForeignLayer, Digest: oci.SHA256Of([]byte("base")), Size: 4, URLs: []string{"https://example.com/base"}})
		f.push(app, image, "v1")
	})
}

func TestEmptyIndexAndSHA512(t *testing.T) {
	each(t, func(f fixture) {
		f.push(app, index(), "nothing")
		content := []byte("blob by sha512")
		d, err := oci.FromBytes(oci.SHA512, content)
		f.ok(err)
		if _, err := f.PutBlob(ctx, app, d, bytes.NewReader(content)); err != nil {
			f.t.Fatal(err)
		}
		image := f.image(app, "one")
		image.Layers = append(image.Layers, oci.Descriptor{MediaType: "text/plain", Digest: d, Size: int64(len(content))})
		byDigest, err := oci.FromBytes(oci.SHA512, image.bytes())
		f.ok(err)
		put, err := f.PutManifest(ctx, pusher, app, oci.DigestReference(byDigest), "", image.bytes())
		f.ok(err)
		if m, err := f.Manifest(ctx, app, oci.DigestReference(byDigest)); err != nil || put.Digest != byDigest || !bytes.Equal(m.Content, image.bytes()) {
			f.t.Errorf("manifest by sha512: %+v, %v", m, err)
		}
		if _, err := f.PutBlob(ctx, app, d, strings.NewReader("something else")); !errors.Is(err, ErrDigestMismatch) {
			f.t.Errorf("other bytes under a sha512: %v", err)
		}
	})
}

func TestTagsMoveAndKeepTheirTime(t *testing.T) {
	each(t, func(f fixture) {
		one, two := f.image(app, "one"), f.image(app, "two")
		f.push(app, one, "latest")
		first := f.count(`SELECT pushed_at FROM tag`)
		f.push(app, one, "latest")
		if again := f.count(`SELECT pushed_at FROM tag`); again != first {
			f.t.Error("pushing the same again moved the tag's time")
		}
		f.push(app, two, "latest")
		if moved := f.count(`SELECT pushed_at FROM tag`); moved <= first {
			f.t.Error("the tag moved, its time did not")
		}
		if m, err := f.Manifest(ctx, app, oci.TagReference("latest")); err != nil || m.Digest != two.descriptor().Digest {
			f.t.Errorf("latest = %v, %v", m.Digest, err)
		}
		if _, err := f.Manifest(ctx, app, oci.DigestReference(one.descriptor().Digest)); err != nil {
			f.t.Errorf("the artifact that lost its tag: %v", err)
		}
		names := []string{"1", "10", "9", "B", "_", "a", "latest"}
		for _, name := range names {
			f.push(app, one, name)
		}
		for _, page := range []struct {
			last string
			n    int
			want []string
			more bool
		}{
			{"", -1, names, false},
			{"", 7, names, false},
			{"", 3, names[:3], true},
			{"9", 2, names[3:5], true},
			{"B", 3, names[4:], false},
			{"zz", 5, nil, false},
			{"", 0, nil, true},
		} {
			got, more, err := f.Tags(ctx, app, page.last, page.n)
			if err != nil || !slices.Equal(got, page.want) || more != page.more {
				f.t.Errorf("tags after %q, %d: %q, %v, %v; want %q, %v", page.last, page.n, got, more, err, page.want, page.more)
			}
		}
	})
}
