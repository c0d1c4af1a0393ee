package scan

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Whichever table a search begins with, it finds the same in the same order.
func TestWaysOfSearchAgree(t *testing.T) {
	each(t, func(w world) {
		verdicts := map[string][]inventory.Finding{}
		for i := range 8 {
			for j := range 3 {
				f := finding(fmt.Sprintf("CVE-%d", (i+j)%6), inventory.Severity((i+j)%6), "")
				f.Detail.CVSS = map[string]inventory.CVSS{"nvd": {V3Score: float64((i + j) % 6)}}
				verdicts[fmt.Sprintf("p%d", i)] = append(verdicts[fmt.Sprintf("p%d", i)], f)
			}
		}
		w.edition("one", verdicts)
		for i := range 6 {
			ref := app
			if i%3 == 0 {
				ref = theirs
			}
			w.scanned(ref, w.push(ref, fmt.Sprintf("v%d", i%2), layer{OS: debian, Packages: []string{fmt.Sprintf("p%d@1", i), fmt.Sprintf("p%d@1", i+1), "p7@1"}, Salt: fmt.Sprint(i)}))
		}
		own, err := w.scanners.InForce(ctx, 0)
		w.ok(err)
		equal := func(key, value string) db.Filter { return db.Filter{Key: key, Op: db.Equal, Values: []string{value}} }
		for name, filters := range map[string][]db.Filter{
			"everything":     nil,
			"project":        {equal("project_id", "1")},
			"repository":     {equal("repository_name", "alpha/app"), equal("severity", "High")},
			"tag":            {equal("tag", "v1"), {Key: "cvss_score_v3", Op: db.Between, Values: []string{"1", "4"}}},
			"package":        {equal("package", "p7")},
			"package, place": {equal("package", "p7"), equal("project_id", "2"), equal("severity", "Low")},
		} {
			q, err := hubSearch(own.ID, filters)
			w.ok(err)
			var want []HubFinding
			for i, from := range []string{hubByScore, hubByPlace, hubByPackage, hubByDigest} {
				q.from = from
				got, err := db.Collect(ctx, w.db.Auto(), scanHub, q.page(), append(append([]any(nil), q.args...), 1000, 0)...)
				w.ok(err)
				n, err := db.Get(ctx, w.db.Auto(), db.ScanInt, q.count(), append(append([]any(nil), q.args...), 1000)...)
				w.ok(err)
				if i == 0 {
					want = got
				}
				if len(got) == 0 || int(n) != len(got) || !reflect.DeepEqual(got, want) {
					w.Errorf("%s, %.40s: %d found, %d counted, want %d", name, from, len(got), n, len(want))
				}
			}
		}
	})
}

// What few images have is gathered; what many have is met soon enough on the way by score.
func TestSearchChoosesItsWay(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}})
		d := w.scanned(app, w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})).Reports[0].Digest
		begins := func(filters ...db.Filter) (from string) {
			q, err := hubSearch("own", filters)
			w.ok(err)
			w.ok(w.db.Read(ctx, func(tx db.Tx) error { return q.narrow(ctx, tx) }))
			return q.from
		}
		place := db.Filter{Key: "project_id", Op: db.Equal, Values: []string{"1"}}
		pack := db.Filter{Key: "package", Op: db.Equal, Values: []string{"bash"}}
		digest := db.Filter{Key: "digest", Op: db.Equal, Values: []string{string(d)}}
		if begins() != hubByScore || begins(place) != hubByPlace || begins(pack) != hubByPackage || begins(place, pack) != hubByPlace || begins(place, digest) != hubByDigest {
			w.Error("little is not gathered")
		}
		const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) `
		w.exec(`INSERT INTO scan_report (uuid, digest, scanner, status, created_at, updated_at) ` + numbers + `SELECT 'u' || i, 'sha256:' || i, 'own', 'Success', 1, 1 FROM n`)
		w.exec(`INSERT INTO scan_content (report_id, package_id) SELECT r.id, p.id FROM scan_report r CROSS JOIN scan_package p WHERE p.name = 'bash' AND r.digest <> '` + string(d) + `'`)
		if begins(pack) != hubByScore || begins(place, pack) != hubByPlace {
			w.Error("much is gathered")
		}
	})
}
