package registry

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

func (f fixture) limit(projectID, bytes int64) {
	f.t.Helper()
	f.exec(`UPDATE project SET storage_limit = $1 WHERE id = $2`, bytes, projectID)
}

// over checks that err refuses in Harbor's words.
func (f fixture) over(what string, err error, adding, used, limit int64) {
	f.t.Helper()
	var quota *QuotaError
	if !errors.As(err, &quota) || *quota != (QuotaError{adding, used, limit}) {
		f.t.Errorf("%s: %v, want a refusal of %d bytes by a quota of %d with %d used", what, err, adding, limit, used)
	}
}

func TestQuota(t *testing.T) {
	each(t, func(f fixture) {
		one := f.image(app, "one")
		f.push(app, one, "v1")
		size := one.Config.Size + one.Layers[0].Size + one.descriptor().Size
		if f.used(1) != size {
			t.Fatalf("an image of %d bytes counts %d", size, f.used(1))
		}
		f.limit(1, size+10)
		f.blob(app, "", []byte("0123456789"))
		f.blob(other, "", []byte("0123456789")) // counts once
		_, err := f.Mount(ctx, other, app, one.Config.Digest)
		f.ok(err)
		more := []byte("a")
		_, err = f.PutBlob(ctx, app, oci.SHA256Of(more), bytes.NewReader(more))
		f.over("push", err, 1, size+10, size+10)
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(more))
		f.ok(err)
		_, err = f.CommitUpload(ctx, app, u.ID, oci.SHA256Of(more))
		f.over("chunked push", err, 1, size+10, size+10)
		if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
			t.Errorf("the refused upload is kept: %v", err)
		}
		_, err = f.put(app, index(one.descriptor()), "multi")
		f.over("manifest", err, index(one.descriptor()).descriptor().Size, size+10, size+10)
		f.blob(theirs, "", more)
		_, err = f.Mount(ctx, app, theirs, oci.SHA256Of(more))
		f.over("mount", err, 1, size+10, size+10)
		two := f.image(theirs, "two!")
		f.push(theirs, two, "v1")
		err = f.Copy(ctx, pusher, app, theirs, oci.TagReference("v1"))
		f.over("copy", err, two.Config.Size+two.Layers[0].Size+two.descriptor().Size, size+10, size+10)
		if got := len(f.list(app, ArtifactFilter{}, db.List{})); got != 1 {
			t.Errorf("%d artifacts after refusals, want 1", got)
		}
		f.limit(1, 5)
		_, err = f.StartUpload(ctx, app)
		f.over("start above the limit", err, 0, size+10, 5)
		f.push(app, one, "v2") // adds nothing
		f.ok(f.DeleteManifest(ctx, pusher, app, one.descriptor().Digest))
		f.sound()
		if want := 10 + one.Config.Size; f.used(1) != want {
			t.Errorf("%d bytes after the delete, want %d: what was mounted elsewhere counts", f.used(1), want)
		}
		f.ok(f.DeleteBlob(ctx, other, one.Config.Digest))
		f.ok(f.DeleteBlob(ctx, app, oci.SHA256Of([]byte("0123456789"))))
		f.ok(f.DeleteBlob(ctx, other, oci.SHA256Of([]byte("0123456789"))))
		if f.used(1) != 0 {
			t.Errorf("%d bytes after all deletes, want 0", f.used(1))
		}
		f.ok(f.Copy(ctx, pusher, Ref{2, "beta", "copy"}, theirs, oci.TagReference("v1")))
		f.sound()
		f.pass()
		f.pass()
		f.sound()
		f.limit(1, 1000)
		f.ok(f.CheckQuota(ctx, app, "", 1000))
		f.over("check", f.CheckQuota(ctx, app, "", 1001), 1001, 0, 1000)
	})
}

func TestQuotaWords(t *testing.T) {
	err := &QuotaError{Adding: 2000, Used: 0, Limit: 600}
	if want := "adding 2.0 KiB of storage resource, which when updated to current usage of 0 B will exceed the configured upper limit of 600 B."; err.Error() != want {
		t.Errorf("got %q", err)
	}
	for n, want := range map[int64]string{1023: "1023 B", 1024: "1.0 KiB", 10 << 20: "10.0 MiB", 3 << 59: "1.5 EiB", 1 << 40: "1.0 TiB"} {
		if got := binarySize(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// However many push at a time, a project ends within its limit, and as full as can be.
func TestQuotaHoldsConcurrently(t *testing.T) {
	each(t, func(f fixture) {
		const clients, rounds = 8, 6
		f.limit(1, 100)
		var g errgroup.Group
		for client := range clients {
			g.Go(func() error {
				for round := range rounds {
					content := fmt.Appendf(nil, "%02d-%02d....", client, round) // 9 bytes
					_, err := f.PutBlob(ctx, app, oci.SHA256Of(content), bytes.NewReader(content))
					if err != nil && !errors.Is(err, ErrQuota) {
						return err
					}
				}
				return nil
			})
		}
		f.ok(g.Wait())
		f.sound()
		if used := f.used(1); used != 99 {
			t.Errorf("%d bytes of 100 are used, want 99", used)
		}
		f.pass()
		f.pass()
		f.sound()
		if blobs, uploads := f.files(); blobs+uploads != 0 {
			t.Errorf("%d blobs and %d uploads are left", blobs, uploads)
		}
	})
}
