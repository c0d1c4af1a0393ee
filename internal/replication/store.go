package replication

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

const (
	policyFields = `id, name, description, src_registry, src_here, dest_registry, dest_namespace, replace_count, trigger_type, cron, filters,
		deletion, override, enabled, speed, copy_by_chunk, single_active, created_at, updated_at`
	policyByID   = `SELECT ` + policyFields + ` FROM replication_policy WHERE id = $1`
	policyInsert = `INSERT INTO replication_policy (name, description, src_registry, src_here, dest_registry, dest_namespace, replace_count, trigger_type, cron, filters,
			deletion, override, enabled, speed, copy_by_chunk, single_active, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17) ON CONFLICT (name) DO NOTHING RETURNING id`
	policyUpdate = `UPDATE replication_policy SET name = $1, description = $2, src_registry = $3, src_here = $4, dest_registry = $5, dest_namespace = $6, replace_count = $7,
		trigger_type = $8, cron = $9, filters = $10, deletion = $11, override = $12, enabled = $13, speed = $14, copy_by_chunk = $15, single_active = $16, updated_at = $17
		WHERE id = $18`
	policyDelete = `DELETE FROM replication_policy WHERE id = $1`
	policyNamed  = `SELECT EXISTS (SELECT 1 FROM replication_policy WHERE name = $1 AND id <> $2)`
	// Few: an administrator makes them.
	policyCount    = `SELECT COUNT(*) FROM replication_policy`
	policyOfEvents = `SELECT ` + policyFields + ` FROM replication_policy WHERE enabled AND src_here AND trigger_type = 'event_based' ORDER BY id LIMIT $1`
	policyUsing    = `SELECT name FROM replication_policy WHERE src_registry = $1 OR dest_registry = $1 ORDER BY id LIMIT 1`
)

// maxPolicies bounds the policies of a Haven: events are held against each.
const maxPolicies = 1000

func scanPolicy(r db.Row) (p Policy, err error) {
	var filters string
	err = r.Scan(&p.ID, &p.Name, &p.Description, &p.Source, &p.SourceHere, &p.Destination, &p.Namespace, &p.ReplaceCount, &p.Trigger, &p.Cron, &filters,
		&p.Deletion, &p.Override, &p.Enabled, &p.Speed, &p.CopyByChunk, &p.SingleActive, db.ScanTime(&p.CreatedAt), db.ScanTime(&p.UpdatedAt))
	if err == nil {
		err = json.Unmarshal([]byte(filters), &p.Filters)
	}
	return p, err
}

func policies() db.Listing {
	return db.Listing{
		Fields: policyFields,
		From:   "replication_policy",
		Columns: map[string]db.Column{
			"id":               {Expr: "id", Kind: db.Int},
			"name":             {Expr: "name"},
			"description":      {Expr: "description"},
			"enabled":          {Expr: "enabled", Kind: db.Bool},
			"trigger_type":     {Expr: "trigger_type"},
			"src_registry_id":  {Expr: "src_registry", Kind: db.Int},
			"dest_registry_id": {Expr: "dest_registry", Kind: db.Int},
			"creation_time":    {Expr: "created_at", Kind: db.Timestamp},
			"update_time":      {Expr: "updated_at", Kind: db.Timestamp},
		},
		Default: "id DESC",
		Tie:     "id DESC",
	}
}

// HasPolicyKey reports whether List filters and sorts by key.
func HasPolicyKey(key string) bool { return policies().Has(key) }

func getPolicy(ctx context.Context, tx db.Tx, id int64) (Policy, error) {
	p, err := db.Get(ctx, tx, scanPolicy, policyByID, id)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return p, fault.NotFoundf("replication policy %d not found", id)
	case err != nil:
		return p, fmt.Errorf("get replication policy %d: %w", id, err)
	}
	return p, nil
}

// insert writes a policy, with its ID if it has one.
func (p Policy) insert(ctx context.Context, tx db.Tx) (int64, error) {
	filters, err := filterText(p.Filters)
	if err != nil {
		return 0, err
	}
	id, err := db.Insert(ctx, tx, p.ID, policyInsert, p.Name, p.Description, p.Source, p.SourceHere, p.Destination, p.Namespace, p.ReplaceCount, p.Trigger, p.Cron, filters,
		p.Deletion, p.Override, p.Enabled, p.Speed, p.CopyByChunk, p.SingleActive, db.Micros(p.CreatedAt))
	if errors.Is(err, db.ErrNotFound) {
		return 0, fault.Conflictf("replication policy %s already exists", p.Name)
	}
	return id, err
}

func (p Policy) update(ctx context.Context, tx db.Tx, now int64) error {
	filters, err := filterText(p.Filters)
	if err != nil {
		return err
	}
	taken, err := db.Get(ctx, tx, db.ScanBool, policyNamed, p.Name, p.ID)
	if err != nil {
		return err
	}
	if taken {
		return fault.Conflictf("replication policy %s already exists", p.Name)
	}
	_, err = tx.Exec(ctx, policyUpdate, p.Name, p.Description, p.Source, p.SourceHere, p.Destination, p.Namespace, p.ReplaceCount, p.Trigger, p.Cron, filters,
		p.Deletion, p.Override, p.Enabled, p.Speed, p.CopyByChunk, p.SingleActive, now, p.ID)
	return err
}

const (
	blobPut = `INSERT INTO replication_blob (source, destination, digest, repository, put_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (source, destination, digest) DO UPDATE SET repository = excluded.repository, put_at = excluded.put_at`
	blobOld = `DELETE FROM replication_blob WHERE put_at < $1`

	copiedOf  = `SELECT tag, digest, destination FROM replication_copied WHERE policy_id = $1 AND repository = $2 AND tag > $3 ORDER BY tag LIMIT $4`
	copiedPut = `INSERT INTO replication_copied (policy_id, repository, tag, digest, destination) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (policy_id, repository, tag) DO UPDATE SET digest = excluded.digest, destination = excluded.destination
		WHERE replication_copied.digest <> excluded.digest OR replication_copied.destination <> excluded.destination`
	copiedDrop    = `DELETE FROM replication_copied WHERE policy_id = $1 AND repository = $2 AND tag = $3`
	copiedDropAll = `DELETE FROM replication_copied WHERE policy_id = $1`
	// The repositories that a policy brought something over from, whether they are still there or not.
	copiedFrom = `SELECT DISTINCT repository FROM replication_copied WHERE policy_id = $1 AND repository > $2 ORDER BY repository LIMIT $3`
)

// forget drops what is known of a policy's source and of what it copied from there: it is about other registries from now on.
func forget(ctx context.Context, tx db.Tx, policy int64) error {
	for _, statement := range []string{copiedDropAll, seenDropAll} {
		if _, err := tx.Exec(ctx, statement, policy); err != nil {
			return fmt.Errorf("forget what policy %d has copied: %w", policy, err)
		}
	}
	return nil
}

// blobsAt asks which repositories got some blobs.
func blobsAt(p pair, some []oci.Digest) (query string, args []any) {
	marks, digests := db.In(2, some)
	return `SELECT digest, repository FROM replication_blob WHERE source = $1 AND destination = $2 AND digest IN (` + marks + `)`,
		append([]any{p.source, p.destination}, digests...)
}

func scanArrival(r db.Row) (v arrival, err error) {
	err = r.Scan(&v.digest, &v.at)
	return v, err
}

// copied is a tag that a policy brought over, or found there.
type copied struct {
	tag, destination string
	digest           string
}

func scanCopied(r db.Row) (c copied, err error) {
	err = r.Scan(&c.tag, &c.digest, &c.destination)
	return c, err
}

// rowsAtOnce is how many rows of these tables are read at once.
const rowsAtOnce = 1000

// allCopied are the tags of a source's repository that a policy brought over.
func (s *Service) allCopied(ctx context.Context, policy int64, repository string) (map[string]copied, error) {
	all := map[string]copied{}
	for after := ""; ; {
		page, err := db.Collect(ctx, s.DB.Auto(), scanCopied, copiedOf, policy, repository, after, rowsAtOnce)
		if err != nil {
			return nil, fmt.Errorf("read what policy %d has copied: %w", policy, err)
		}
		for _, c := range page {
			all[c.tag], after = c, c.tag
		}
		if len(page) < rowsAtOnce {
			return all, nil
		}
	}
}
