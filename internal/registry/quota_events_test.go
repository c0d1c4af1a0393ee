package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
)

// It is told once when little of a limit is left, and once a minute that the limit refuses something.
func TestQuotaIsTold(t *testing.T) {
	each(t, func(f fixture) {
		f.limit(1, 101)
		told := func(want ...event.Kind) {
			t.Helper()
			kinds, err := db.Collect(ctx, f.db.Auto(), db.ScanString, `SELECT kind FROM event WHERE kind IN ('warn_quota', 'exceed_quota') ORDER BY id`)
			f.ok(err)
			got := make([]event.Kind, len(kinds))
			for i, k := range kinds {
				got[i] = event.Kind(k)
			}
			if !slices.Equal(got, want) {
				t.Errorf("told %v, want %v", got, want)
			}
		}
		f.blob(app, "", bytes.Repeat([]byte("a"), 84))
		told()
		f.blob(app, "", []byte("b")) // 85 of 101 bytes: the bar is at 85.85, rounded down
		told(event.WarnQuota)
		f.blob(app, "", []byte("cc"))
		told(event.WarnQuota)
		refused := func() {
			t.Helper()
			more := bytes.Repeat([]byte("d"), 50)
			if _, err := f.PutBlob(ctx, app, oci.SHA256Of(more), bytes.NewReader(more)); !errors.Is(err, ErrQuota) {
				t.Fatalf("got %v", err)
			}
		}
		refused()
		refused()
		told(event.WarnQuota, event.ExceedQuota)
		f.clock.skip(2 * time.Minute)
		refused()
		told(event.WarnQuota, event.ExceedQuota, event.ExceedQuota)
		bodies, err := db.Collect(ctx, f.db.Auto(), db.ScanString, `SELECT body FROM event WHERE kind = 'warn_quota'`)
		f.ok(err)
		var e struct {
			Project string            `json:"project"`
			Detail  event.QuotaDetail `json:"detail"`
		}
		f.ok(json.Unmarshal([]byte(bodies[0]), &e))
		if e.Project != "alpha" || e.Detail.Used != 85 || e.Detail.Limit != 101 || e.Detail.Reason == "" {
			t.Errorf("got %+v", e)
		}
	})
}
