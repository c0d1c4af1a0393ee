package registry

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// Every statement finds its rows by an index, however large the tables are. SQLite tells how.
func TestStatementsUseIndexes(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	page := func(l db.Listing, where string) string {
		return "SELECT " + l.Fields + " FROM " + l.From + " WHERE " + where + " ORDER BY " + l.Default + ", " + l.Tie + " LIMIT 10"
	}
	for name, query := range map[string]string{
		"manifest by tag":      manifestWithContent + manifestByTag,
		"manifest by digest":   manifestWithContent + manifestByDigest,
		"blob":                 memberBlob,
		"holders of a blob":    holdersOfBlob + "1 = 1",
		"tags":                 tagsAfter,
		"referrers":            referrersOf,
		"upload":               uploadByID,
		"claim":                claimUpload,
		"members":              membersAmong.with("$2, $3"),
		"children by digest":   manifestsAmong.with("$2, $3"),
		"children":             childNodes.with("$1, $2"),
		"accessories":          accessoryNodes.with("$1, $2"),
		"parents":              parentsOf.with("$1, $2"),
		"node":                 nodeByTag,
		"relist":               relisting.with("$1, $2"),
		"named blob":           blobNamed,
		"contents to delete":   deleteContents.with("$1, $2"),
		"tags to delete":       deleteTags.with("$1, $2"),
		"children to delete":   deleteChildren.with("$1, $2"),
		"manifests to delete":  deleteRows.with("$1, $2"),
		"repository to delete": emptyManifests,
		"children of it":       emptyChildren,
		"copy of children":     copyChildren.with("$2, $3"),
		"copy of tags":         copyTags.with("$3, $4"),
		"copy of blobs":        copyBlobs.with("$2, $3"),
		"copy of members":      copyMembers.with("$3, $4"),
		"tags that move":       overtaken.with("$2, $3"),
		"references":           referencesOf.with("$1, $2"),
		"newest tags":          newestTags.with("$1, $2"),
		"first accessories":    firstAccessories.with("$1, $2"),
		"page of artifacts":    page(artifactListing, "m.listed AND m.repository_id = $1"),
		"count of artifacts":   "SELECT COUNT(*) FROM manifest m WHERE m.listed AND m.repository_id = $1",
		"page with children":   page(artifactListing, "m.accessory_of = '' AND m.repository_id = $1"),
		"page of tags":         page(tagListing, inRepository("t.repository_id")+" AND t.manifest_id = $3"),
		"page of repositories": "SELECT " + repositoryListing.Fields + " FROM " + repositoryListing.From + " WHERE r.project_id = $1 AND r.name = $2",
	} {
		for _, step := range f.plan(query) {
			// What a window function has ranked is no table.
			if strings.HasPrefix(step, "SCAN") && !strings.HasPrefix(step, "SCAN (subquery") && step != "SCAN ranked" && step != "SCAN CONSTANT ROW" {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
	for name, query := range map[string]string{
		"page of artifacts": page(artifactListing, "m.listed AND m.repository_id = $1"),
		"tags":              tagsAfter,
		"referrers":         referrersOf,
	} {
		for _, step := range f.plan(query) {
			if strings.Contains(step, "USE TEMP B-TREE") {
				t.Errorf("%s is sorted instead of read in order: %q", name, f.plan(query))
			}
		}
	}
	if steps := strings.Join(f.plan("SELECT COUNT(*) FROM manifest m WHERE m.listed AND m.repository_id = $1"), " "); !strings.Contains(steps, "COVERING INDEX manifest_listed") {
		t.Errorf("artifacts are counted by %s", steps)
	}
}

// plan returns the steps that SQLite would take, whatever the parameters are.
func (f fixture) plan(query string) []string {
	f.t.Helper()
	last := 0
	for _, found := range placeholder.FindAllStringSubmatch(query, -1) {
		n, err := strconv.Atoi(found[1])
		f.ok(err)
		last = max(last, n)
	}
	steps, err := db.Collect(ctx, f.db.Auto(), func(r db.Row) (detail string, err error) {
		var id, parent, unused int64
		err = r.Scan(&id, &parent, &unused, &detail)
		return detail, err
	}, "EXPLAIN QUERY PLAN "+query, make([]any, last)...)
	f.ok(err)
	return steps
}

var placeholder = regexp.MustCompile(`\$([0-9]+)`)

// Names are listed in byte order whatever the locale of the database is.
func TestNamesSortByBytes(t *testing.T) {
	f := newFixture(t, dbtest.Postgres(t))
	n := f.count(`SELECT COUNT(*) FROM information_schema.columns
		WHERE column_name = 'name' AND table_name IN ('project', 'repository', 'tag') AND collation_name = 'C'`)
	if n != 3 {
		t.Errorf("%d of 3 columns of names sort by bytes", n)
	}
}
