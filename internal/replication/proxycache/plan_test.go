package proxycache

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What a pull from a cache asks of the database is found by indexes.
func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		for name, query := range map[string]string{
			"own policy": ownPolicy, "project": projectRow, "metadata": metadataRow,
			"tag": tagByName, "tags of a digest": tagsMeaning, "manifest that waits": waitingByDigest, "the same by id": waitingByID, "what it lacks": missingOf,
			"blob that is named": missingNamed, "what has come": arriveMissing, "anything lacking": anyMissing, "settled": notSettled,
			"repository": repositoryByName, "blocked": upstreamBlocked, "claim": claimFetch, "renew": renewFetch, "end": endFetch, "open": takeOpen,
			"stamp": stampPulled, "postpone": postpone, "forget": dropManifest, "forget a tag": dropTag, "tags to forget": dropTagsOf, "gone": endWait,
			"stale tags": staleTags, "registry of a repository that went": dropRepository,
		} {
			p := dbtest.PlanOf(t, d, query, true)
			if len(p.Scans) > 0 || len(p.Walks) > 0 {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
		for name, query := range map[string]string{"due": waitingDue, "stale": staleWaiting} {
			p := dbtest.PlanOf(t, d, query, false)
			if len(p.Scans) > 0 || p.Sorts {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}

// fill makes manifests that wait, with what they lack.
func fill(t *testing.T, d *db.DB) {
	t.Helper()
	empty := map[db.Dialect]string{db.SQLite: "CAST('' AS BLOB)", db.Postgres: "CAST('' AS BYTEA)"}[d.Dialect()]
	statements := []string{
		`INSERT INTO proxy_manifest (project_id, repository, digest, media_type, content, fetched_at, pulled_at, due_at)
			SELECT m.project_id, r.name, m.digest, m.media_type, ` + empty + `, m.id, m.id, 0 FROM manifest m JOIN repository r ON r.id = m.repository_id`,
		`INSERT INTO proxy_missing (manifest_id, digest, size, media_type) SELECT id, digest, 1, '' FROM proxy_manifest`,
		`INSERT INTO proxy_missing (manifest_id, digest, size, media_type) SELECT id, 'sha256:' || id, 1, '' FROM proxy_manifest`,
		`INSERT INTO proxy_tag (project_id, repository, name, digest, media_type, size, was, checked_at, first_at)
			SELECT project_id, repository, 't' || id, digest, media_type, 1, '', id, id FROM proxy_manifest`,
	}
	if d.Dialect() == db.Postgres {
		statements = append(statements, "ANALYZE proxy_manifest, proxy_missing, proxy_tag")
	}
	err := d.Write(t.Context(), func(tx db.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
