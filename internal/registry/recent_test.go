package registry

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What one request has written about an upload the next one needn't read.
func TestUploadIsNotReadAgain(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.push(app, f.image(app, "1"), "v1")
	u, err := f.StartUpload(ctx, app)
	f.ok(err)
	before := f.db.Executed()
	_, err = f.Append(ctx, app, u.ID, 0, strings.NewReader("one"))
	f.ok(err)
	_, err = f.Append(ctx, app, u.ID, 3, strings.NewReader("two"))
	f.ok(err)
	if n := f.db.Executed() - before; n != 0 {
		t.Fatalf("two small chunks took %d statements, want none", n)
	}
	if _, err := f.Append(ctx, theirs, u.ID, 6, strings.NewReader("three")); !errors.Is(err, ErrUploadUnknown) {
		t.Fatalf("from another repository: got %v, want ErrUploadUnknown", err)
	}
	f.ok(f.Drain(ctx))
	f.reopen() // as another process it goes on
	_, err = f.Append(ctx, app, u.ID, 6, strings.NewReader("three"))
	f.ok(err)
	f.ok(f.DeleteRepository(ctx, pusher, app))
	if _, err := f.Append(ctx, app, u.ID, 11, strings.NewReader("four")); !errors.Is(err, ErrUploadUnknown) {
		t.Fatalf("its repository is deleted: got %v, want ErrUploadUnknown", err)
	}
}

func TestRecentsAreBounded(t *testing.T) {
	var r recents
	for i := range 2 * maxRecent {
		r.put(app, uploadRow{Upload: blob.Upload{ID: fmt.Sprint(i)}})
	}
	if len(r.byID) != maxRecent {
		t.Fatalf("%d remembered, at most %d", len(r.byID), maxRecent)
	}
}

// A limit that is set holds from the next request on, for a project that was known to have none.
func TestLimitIsNoticedAtOnce(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.blob(app, "application/octet-stream", []byte("content"))
	f.ok(f.CheckQuota(ctx, app, "", 1<<40))
	f.exec(`UPDATE project SET storage_limit = 10 WHERE id = 1`)
	if err := f.CheckQuota(ctx, app, "", 1<<40); !errors.Is(err, ErrQuota) {
		t.Fatalf("got %v, want ErrQuota", err)
	}
	f.exec(`UPDATE project SET storage_limit = -1 WHERE id = 1`)
	f.ok(f.CheckQuota(ctx, app, "", 1<<40))
}
