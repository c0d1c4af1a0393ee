package havenapi

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
)

func (f *fixture) search(who, q string) (found gen.Found) {
	f.t.Helper()
	f.must(who, http.MethodGet, "/search?q="+url.QueryEscape(q), "", 200, &found)
	return found
}

func (f *fixture) count(who, q string) int {
	f.t.Helper()
	v := f.search(who, q)
	return len(v.Projects) + len(v.Repositories) + len(v.Tags) + len(v.Artifacts) + len(v.Labels) + len(v.Packages) + len(v.Vulnerabilities) + len(v.Users)
}

// What many repositories hold is found in the one that was named.
func TestSearchFindsADigestWhereItWasPasted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		f.project("open", true)
		var digest string
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "has", "h"} {
			digest = string(f.push("open/"+name, "1", "same"))
		}
		if found := f.search("", "open/h@"+digest); len(found.Artifacts) != 2 || found.Artifacts[0].Repository != "h" || found.Artifacts[1].Repository != "has" {
			t.Errorf("%+v", found.Artifacts)
		}
		if found := f.search("", "open/gone@"+digest); len(found.Artifacts) != 6 {
			t.Errorf("of a repository that isn't there: %+v", found.Artifacts)
		}
	})
}

// Who may see a project finds it and what is in it, by whatever they paste; nobody else learns that it is there.
func TestSearchFindsWhatTheCallerMaySee(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		secret := f.project("secret", false)
		f.project("open", true)
		for _, name := range []string{"developer", "limited", "stranger"} {
			f.user(name)
		}
		f.member(secret, "developer", authz.Developer)
		f.member(secret, "limited", authz.LimitedGuest)
		digest := string(f.push("secret/back/hidden-app", "v1.0", "one"))
		f.push("open/shown-app", "v1.0", "two")
		lists := []identity.Access{{Resource: "repository", Action: "list"}, {Resource: "repository", Action: "pull"}, {Resource: "tag", Action: "list"}, {Resource: "artifact", Action: "list"}}
		robot := f.robot("ci", "project", in("secret", lists...))
		pulling := f.robot("pulls", "project", in("secret", lists[1]))

		pasted := []string{"hidden", "hidden-app", "back/hidden-app", "secret/back/hidden-app", "docker pull example.com/secret/back/hidden-app:v1.0", digest, digest[7:20], "hidden-app:v1", "other.example/secret/back/hidden-app:v1.0"}
		for _, q := range pasted {
			for _, who := range []string{"admin", "developer", "limited", robot} {
				if f.count(who, q) == 0 {
					t.Errorf("%s finds nothing by %q", who, q)
				}
			}
			for _, who := range []string{"", "stranger", pulling} {
				if found := f.search(who, q); len(found.Repositories)+len(found.Tags)+len(found.Artifacts) > 0 {
					t.Errorf("%q finds %+v by %q", who, found, q)
				}
			}
		}
		if f.count("", "secret") != 0 || f.count("stranger", "secret") != 0 {
			t.Error("a private project is found by its name")
		}
		want := gen.FoundTag{Project: "secret", Repository: "back/hidden-app", Name: "v1.0", Digest: digest}
		if found := f.search("developer", pasted[4]); len(found.Tags) != 1 || found.Tags[0] != want || len(found.Repositories) != 1 {
			t.Errorf("a pasted command finds %+v", found)
		}
		if found := f.search("developer", digest[:20]); len(found.Artifacts) != 1 || found.Artifacts[0].Tag != "v1.0" || found.Artifacts[0].Digest != digest {
			t.Errorf("a digest's beginning finds %+v", found)
		}
		if found := f.search("developer", "v1"); len(found.Tags) != 2 {
			t.Errorf("tags by their beginning: %+v", found)
		}
		if found := f.search("", "v1"); len(found.Tags) != 1 || found.Tags[0].Project != "open" {
			t.Errorf("tags of what is public: %+v", found)
		}
		if found := f.search("", "SHOWN"); len(found.Repositories) != 1 {
			t.Errorf("a part of a name in capitals: %+v", found)
		}
		for _, q := range []string{"", " ", "%", "_", `\`, "'", ":", "@", "/", "sha256:", "//:@"} {
			f.count("", q)
			f.count("admin", q)
		}
		if n := f.count("", "%"); n != 0 {
			t.Errorf("a sign of patterns finds %d", n)
		}
	})
}

// Labels lead to what carries them. Users, packages and vulnerabilities are found by administrators only.
func TestSearchFindsLabelsAndUsers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		alpha := f.project("alpha", false)
		f.user("developer")
		f.user("stranger")
		f.member(alpha, "developer", authz.Developer)
		f.push("alpha/app", "v1", "one")
		err := d.Write(t.Context(), func(tx db.Tx) error {
			for _, statement := range []string{
				`INSERT INTO label (id, project_id, name, created_at, updated_at) SELECT 71, id, 'Production-ready', 1, 1 FROM project WHERE name = 'alpha'`,
				`INSERT INTO label (id, project_id, name, created_at, updated_at) VALUES (72, 0, 'production-all', 1, 1)`,
				`INSERT INTO artifact_label (manifest_id, label_id, created_at) SELECT MAX(id), 71, 1 FROM manifest`,
				`INSERT INTO scan_package (key, scope, name, version, subject) VALUES ('k', 's', 'openssl', '1', '{}')`,
				`INSERT INTO scan_vulnerability (name, source, data_source, cvss_v3, detail) VALUES ('CVE-2024-0001', 'a', 'b', 98, '{}'), ('CVE-2024-0001', 'c', 'd', 75, '{}')`,
			} {
				if _, err := tx.Exec(t.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		})
		ok(t, err)
		found := f.search("developer", "product")
		if len(found.Labels) != 2 || found.Labels[1].On == nil || found.Labels[1].On.Tag != "v1" || found.Labels[1].Project != "alpha" || found.Labels[0].On != nil {
			t.Errorf("labels: %+v", found.Labels)
		}
		if found := f.search("stranger", "product"); len(found.Labels) != 1 || found.Labels[0].Project != "" {
			t.Errorf("labels of a stranger: %+v", found.Labels)
		}
		if v := f.search("admin", "cve-2024"); len(v.Vulnerabilities) != 1 || v.Vulnerabilities[0].Cvss != 9.8 {
			t.Errorf("vulnerabilities: %+v", v)
		}
		if v := f.search("admin", "opens"); len(v.Packages) != 1 {
			t.Errorf("packages: %+v", v)
		}
		if v := f.search("admin", "devel"); len(v.Users) != 1 || v.Users[0].Username != "developer" {
			t.Errorf("users: %+v", v)
		}
		for _, q := range []string{"cve-2024", "opens", "devel"} {
			for _, who := range []string{"", "developer"} {
				if n := f.count(who, q); n != 0 {
					t.Errorf("%q finds %d by %q", who, n, q)
				}
			}
		}
	})
}

func TestTrendsAPI(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.project("alpha", false)
	f.push("alpha/app", "v1", "one")
	var days []gen.TrendSample
	f.must("admin", http.MethodGet, "/trends?days=30", "", 200, &days)
	if len(days) != 1 || days[0].Artifacts != 1 || days[0].Bytes == 0 || days[0].Critical != 2 {
		t.Errorf("got %+v", days)
	}
	f.must("admin", http.MethodGet, "/trends?days=0", "", 422, nil)
}
