package havenapi

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// noRecords is a store that forgets.
type noRecords struct{}

func (noRecords) PutRecord(context.Context, string, []byte) error           { return nil }
func (noRecords) ReadRecord(context.Context, string) ([]byte, error)        { return nil, blob.ErrNotFound }
func (noRecords) DeleteRecord(context.Context, string) error                { return nil }
func (noRecords) EachRecord(context.Context, func(name string) error) error { return nil }

// anything takes every database for whole: this test binary is no program that could look through one.
type anything struct{}

func (anything) Verify(context.Context, string) (vulndb.Metadata, error) {
	return vulndb.Metadata{Version: 2, UpdatedAt: scantest.UpdatedAt(1), NextUpdate: scantest.UpdatedAt(1).Add(24 * time.Hour)}, nil
}

func TestVulnerabilityDatabase(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	var state struct {
		Current, Previous *struct {
			Version        int
			UpdatedAt      time.Time `json:"updated_at"`
			Digest, Source string
			AgeSeconds     int64 `json:"age_seconds"`
		}
		Sources     []string
		Confinement string
	}
	f.must("admin", http.MethodGet, "/vulndb", "", http.StatusOK, &state)
	if state.Current != nil || state.Sources == nil || state.Confinement != "not at all" {
		t.Errorf("before the first import: %+v", state)
	}
	dir := t.TempDir()
	ok(t, scantest.WriteDatabase(dir, 1))
	var archive bytes.Buffer
	ok(t, vulndb.Pack(&archive, dir))
	if archive.Len() < 100_000 {
		t.Fatalf("the archive has %d bytes", archive.Len())
	}
	var change struct{ Changed bool }
	f.must("admin", http.MethodPost, "/vulndb/import", archive.String(), http.StatusOK, &change)
	if !change.Changed {
		t.Error("nothing changed")
	}
	if body, err := db.Get(t.Context(), f.db.Auto(), db.ScanString, `SELECT body FROM event WHERE kind = 'update_vulndb'`); err != nil || !strings.Contains(body, `"by":"admin"`) {
		t.Errorf("the audit log is told: %s, %v", body, err)
	}
	f.must("admin", http.MethodGet, "/vulndb", "", http.StatusOK, &state)
	if state.Current == nil || state.Current.Digest != scantest.Digest(archive.Bytes()) || state.Current.Source != "upload" || !state.Current.UpdatedAt.Equal(scantest.UpdatedAt(1)) {
		t.Errorf("after it: %+v", state.Current)
	}
	// Other operations' bodies are as short as ever, and this one's may be longer.
	long := strings.Repeat(" ", 2<<20)
	if w := f.do("admin", http.MethodPost, "/vulndb/import", long); w.Code != http.StatusBadRequest {
		t.Errorf("no archive: %d %s", w.Code, w.Body)
	}
	if w := f.do("admin", http.MethodPost, "/tokens", long); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body elsewhere: %d %s", w.Code, w.Body)
	}
	if w := f.do("admin", http.MethodPost, "/vulndb/refresh", ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "no source") {
		t.Errorf("without a source: %d %s", w.Code, w.Body)
	}
}
