package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

const (
	manifestNow = `SELECT m.id, m.media_type, m.pushed_at, c.content FROM project p
		JOIN repository r ON r.project_id = p.id AND r.name = $2
		JOIN manifest m ON m.repository_id = r.id AND m.digest = $3
		JOIN manifest_content c ON c.digest = m.digest
		WHERE p.name = $1`
	tagsNow    = `SELECT name, pushed_at FROM tag WHERE manifest_id = $1 ORDER BY name`
	projectNow = `SELECT p.name, p.public, a.username, p.storage_limit, p.created_at, COALESCE(w.items, ''), COALESCE(w.expires_at, 0)
		FROM project p JOIN account a ON a.id = p.owner_id LEFT JOIN cve_allowlist w ON w.project_id = p.id
		WHERE p.name = $1 AND p.deleted_at = 0`
	metadataNow = `SELECT m.name, m.value FROM project p JOIN project_metadata m ON m.project_id = p.id WHERE p.name = $1`
	cacheNow    = `SELECT r.name, r.kind, r.url, r.insecure, r.ca_certificate, COALESCE(o.freshness, ''), COALESCE(o.max_age, 0), COALESCE(o.minimum_age, 0),
			COALESCE(o.scan_before_serve, FALSE), COALESCE(o.keep_days, 0)
		FROM project p JOIN remote_registry r ON r.id = p.registry_id LEFT JOIN proxy_policy o ON o.project_id = p.id
		WHERE p.name = $1 AND p.deleted_at = 0`
)

// manifestRow is a manifest without its tags.
type manifestRow struct {
	id int64
	ManifestContent
}

func scanManifest(r db.Row) (m manifestRow, err error) {
	err = r.Scan(&m.id, &m.MediaType, db.ScanTime(&m.PushedAt), &m.Bytes)
	return m, err
}

func scanTag(r db.Row) (t TagContent, err error) {
	err = r.Scan(&t.Name, db.ScanTime(&t.PushedAt))
	return t, err
}

func scanProject(r db.Row) (p ProjectContent, err error) {
	var created time.Time
	var items string
	if err := r.Scan(&p.Name, &p.Public, &p.Owner, &p.StorageLimit, db.ScanTime(&created), &items, &p.AllowlistEnd); err != nil {
		return p, err
	}
	p.CreatedAt = created
	if items != "" && items != "[]" {
		p.Allowlist = json.RawMessage(items)
	}
	return p, nil
}

func scanCache(r db.Row) (c *CacheContent, err error) {
	c = &CacheContent{}
	err = r.Scan(&c.Registry, &c.Kind, &c.URL, &c.Insecure, &c.CACertificate, &c.Freshness, &c.MaxAge, &c.MinimumAge, &c.ScanBeforeServe, &c.KeepDays)
	return c, err
}

type pair struct{ name, value string }

func scanPair(r db.Row) (p pair, err error) {
	err = r.Scan(&p.name, &p.value)
	return p, err
}

// content is what the record should say now; nil when there should be none.
func content(ctx context.Context, tx db.Tx, n Name) (text []byte, err error) {
	switch n.Kind {
	case Manifest:
		var m manifestRow
		if m, err = db.Get(ctx, tx, scanManifest, manifestNow, n.Project, n.Repository, n.Digest); err != nil {
			break
		}
		if m.Tags, err = db.Collect(ctx, tx, scanTag, tagsNow, m.id); err == nil {
			text, err = m.encode()
		}
	case Project:
		var p ProjectContent
		if p, err = projectContent(ctx, tx, n.Project); err == nil {
			text, err = json.Marshal(p)
		}
	}
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what %s should say: %w", n, err)
	}
	return text, nil
}

func projectContent(ctx context.Context, tx db.Tx, name string) (ProjectContent, error) {
	p, err := db.Get(ctx, tx, scanProject, projectNow, name)
	if err != nil {
		return p, err
	}
	pairs, err := db.Collect(ctx, tx, scanPair, metadataNow, name)
	if err != nil {
		return p, err
	}
	p.Metadata = make(map[string]string, len(pairs))
	for _, m := range pairs {
		p.Metadata[m.name] = m.value
	}
	p.Cache, err = db.Get(ctx, tx, scanCache, cacheNow, name)
	if errors.Is(err, db.ErrNotFound) {
		p.Cache, err = nil, nil
	}
	return p, err
}
