package harborapi

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// A page of a listing takes as many statements with many rows as with few.
func TestListingsCostTheSameAtAnyLength(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		id := f.project("admin", "big", false)
		const artifact = "/projects/big/repositories/app/artifacts/v0"
		lists := []string{
			"/users", "/users/search?username=u", "/projects", "/projects/big/members", "/robots",
			"/robots?q=Level%3Dproject,ProjectID%3D" + id, "/repositories", "/projects/big/repositories",
			"/projects/big/repositories/app/artifacts?with_accessory=true&with_label=true", "/projects/big/artifacts?with_accessory=true&with_label=true",
			artifact + "/tags", artifact + "/accessories", "/auditlog-exts", "/audit-logs", "/projects/big/auditlog-exts",
			"/projects/big/logs", "/search?q=b", "/labels?scope=g", "/quotas",
			"/usergroups", "/usergroups/search?groupname=crew",
		}
		f.grow(id, 0, 3)
		few := map[string]int64{}
		for _, path := range lists {
			few[path], _ = f.cost(path)
		}
		f.grow(id, 3, 12)
		for _, path := range lists {
			statements, rows := f.cost(path)
			if statements > few[path] {
				t.Errorf("%s: %d statements for a few rows, %d for %d bytes of them", path, few[path], statements, rows)
			}
			if few[path] == 0 || rows < 100 {
				t.Errorf("%s: %d statements and %d bytes: nothing was listed", path, statements, rows)
			}
		}
	})
}

// cost is how many statements a page takes, when what can be remembered is remembered, and its length in
// bytes.
func (f *fixture) cost(path string) (statements int64, size int) {
	f.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for range 4 {
		before := f.db.Executed()
		w := f.do("admin", "GET", path+sep+"page_size=100", "")
		if w.Code != 200 {
			f.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if n := f.db.Executed() - before; statements == 0 || n < statements {
			statements = n
		}
		size = w.Body.Len()
	}
	return statements, size
}

// grow adds rows from to to of everything that is listed.
func (f *fixture) grow(projectID string, from, to int) {
	f.t.Helper()
	for i := from; i < to; i++ {
		user := fmt.Sprintf("user%d", i)
		f.user(user)
		f.member("big", user, authz.Developer)
		f.project("admin", fmt.Sprintf("more%d", i), i%2 == 0)
		f.robot("big", fmt.Sprintf("ci%d", i))
		f.must("admin", "POST", "/robots", fmt.Sprintf(`{"name":"sys%d","level":"system","duration":-1,"permissions":[
			{"kind":"system","namespace":"/","access":[{"resource":"project","action":"create"}]},
			{"kind":"project","namespace":"big","access":[{"resource":"repository","action":"pull"}]}]}`, i), 201, nil)
		crew := fmt.Sprintf(`{"group_name":"crew%d","group_type":3}`, i)
		f.must("admin", "POST", "/usergroups", crew, 201, nil)
		f.must("admin", "POST", "/projects/big/members", `{"role_id":3,"member_group":`+crew+`}`, 201, nil)
		f.push(fmt.Sprintf("big/repo%d", i), "v", "x")
		subject := f.push("big/app", fmt.Sprintf("v%d", i), fmt.Sprint(i))
		f.must("admin", "POST", "/projects/big/repositories/app/artifacts/v0/tags", fmt.Sprintf(`{"name":"more%d"}`, i), 201, nil)
		f.attach(projectID, subject, i)
		label := lastSegment(f.must("admin", "POST", "/labels", fmt.Sprintf(`{"name":"l%d","scope":"g"}`, i), 201, nil))
		f.must("admin", "POST", "/projects/big/repositories/app/artifacts/v0/labels", `{"id":`+label+`}`, 200, nil)
		f.attach(projectID, f.digestOf("v0"), 100+i)
	}
	ok(f.t, f.events.Drain(f.t.Context()))
}

func (f *fixture) digestOf(tag string) oci.Digest {
	f.t.Helper()
	var a struct{ Digest oci.Digest }
	f.must("admin", "GET", "/projects/big/repositories/app/artifacts/"+tag, "", 200, &a)
	return a.Digest
}

// attach puts an accessory of subject into big/app.
func (f *fixture) attach(projectID string, subject oci.Digest, seed int) {
	f.t.Helper()
	var id int64
	_, err := fmt.Sscan(projectID, &id)
	ok(f.t, err)
	ref := registry.Ref{ProjectID: id, Project: "big", Name: "app"}
	empty := []byte("{}")
	_, err = f.registry.PutBlob(f.t.Context(), ref, oci.SHA256Of(empty), bytes.NewReader(empty))
	ok(f.t, err)
	manifest := []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/x.note",
		"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[],"annotations":{"n":"%d"},
		"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":1}}`, oci.SHA256Of(empty), seed, subject))
	_, err = f.registry.PutManifest(f.t.Context(), authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true}, ref,
		oci.DigestReference(oci.SHA256Of(manifest)), "application/vnd.oci.image.manifest.v1+json", manifest)
	ok(f.t, err)
}
