package havenapi

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

func TestSpaceAPI(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.project("alpha", false)
	f.push("alpha/app", "v1", "one")
	f.push("alpha/app", "v2", "two")
	f.push("alpha/other", "v1", "one")
	var v gen.ProjectSpace
	f.must("admin", http.MethodGet, "/projects/alpha/space?page_size=1", "", 200, &v)
	if v.Limit != -1 || !v.More || len(v.Repositories) != 1 || v.Repositories[0].Name != "app" || v.Repositories[0].Artifacts != 2 {
		t.Fatalf("the first page is %+v", v)
	}
	app := v.Repositories[0]
	f.must("admin", http.MethodGet, "/projects/alpha/space?after=app", "", 200, &v)
	if v.More || len(v.Repositories) != 1 || v.Repositories[0].Name != "other" {
		t.Fatalf("the second page is %+v", v)
	}
	// What both hold counts once.
	if other := v.Repositories[0]; app.Shared == 0 || v.Used != app.Total+other.OnlyHere || app.Total != app.Shared+app.OnlyHere {
		t.Errorf("%+v and %+v of %d", app, other, v.Used)
	}
	var r gen.RepositorySpace
	f.must("admin", http.MethodGet, "/projects/alpha/repositories/app/space", "", 200, &r)
	if r.More || len(r.Tags) != 2 || r.Tags[0].Name != "v1" || r.Tags[0].Tags != 1 || r.Tags[0].Shared == 0 || r.Tags[1].OnlyHere == 0 {
		t.Errorf("tags are %+v", r)
	}
	f.must("admin", http.MethodGet, "/projects/alpha/repositories/none/space", "", 404, nil)
	f.must("admin", http.MethodGet, "/projects/alpha/space?page_size=26", "", 422, nil)
}

// push makes an image of its own for the seed in project/repository, and returns its digest.
func (f *fixture) push(repository, tag, seed string) oci.Digest {
	f.t.Helper()
	ctx := f.t.Context()
	name, rest, _ := strings.Cut(repository, "/")
	p, err := f.projects.ByName(ctx, name)
	ok(f.t, err)
	ref := registry.Ref{ProjectID: p.ID, Project: name, Name: rest}
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Labels":{"seed":%q}}}`, seed)
	digest := oci.SHA256Of(config)
	_, err = f.registry.PutBlob(ctx, ref, digest, bytes.NewReader(config))
	ok(f.t, err)
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`, oci.MediaTypeImageManifest, oci.MediaTypeImageConfig, digest, len(config))
	put, err := f.registry.PutManifest(ctx, f.admin, ref, oci.TagReference(tag), oci.MediaTypeImageManifest, manifest)
	ok(f.t, err)
	return put.Digest
}
