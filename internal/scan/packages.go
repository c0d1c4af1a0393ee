package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

const (
	insertPackage = `INSERT INTO scan_package (key, scope, name, version, subject, evaluation_id) VALUES `
	butKnownOnes  = ` ON CONFLICT (key) DO NOTHING`
)

var (
	packagesByKey = inQuery{`SELECT id, key FROM scan_package WHERE key IN `, ""}
	contentOf     = `SELECT package_id FROM scan_content WHERE report_id = $1`
	insertContent = `INSERT INTO scan_content (report_id, package_id) VALUES `
	dropContent   = inQuery{`DELETE FROM scan_content WHERE report_id = $1 AND package_id IN `, ""}
)

type keyed struct {
	id  int64
	key string
}

func scanKeyed(r db.Row) (k keyed, err error) {
	err = r.Scan(&k.id, &k.key)
	return k, err
}

// distinct is the packages of an image by key, each once.
func distinct(packages []inventory.Package) map[string]inventory.Subject {
	all := make(map[string]inventory.Subject, len(packages))
	for _, p := range packages {
		all[p.Key()] = p.Subject
	}
	return all
}

// putPackages makes sure that there are rows for the packages, and returns their ids by key. evaluationID is of
// those that are new: 0 but for packages that nobody has to judge.
func putPackages(ctx context.Context, tx db.Tx, packages map[string]inventory.Subject, evaluationID int64) (map[string]int64, error) {
	keys := slices.Sorted(maps.Keys(packages)) // an order for all, so that two writers don't wait for each other
	ids, err := packageIDs(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	var added []string
	for _, key := range keys {
		if _, known := ids[key]; known {
			continue
		}
		p := packages[key]
		subject, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode package %s: %w", p.Name, err)
		}
		added = append(added, key)
		rows = append(rows, []any{key, clean(p.Scope, maxField), clean(p.Name, maxName), clean(p.Installed(), maxName), string(subject), evaluationID})
	}
	if len(rows) == 0 {
		return ids, nil
	}
	if err := insertRows(ctx, tx, insertPackage, butKnownOnes, rows); err != nil {
		return nil, fmt.Errorf("insert packages: %w", err)
	}
	more, err := packageIDs(ctx, tx, added)
	if err != nil {
		return nil, err
	}
	maps.Copy(ids, more)
	return ids, nil
}

func packageIDs(ctx context.Context, tx db.Tx, keys []string) (map[string]int64, error) {
	rows, err := collectIn(ctx, tx, scanKeyed, packagesByKey, nil, keys)
	if err != nil {
		return nil, fmt.Errorf("look packages up: %w", err)
	}
	ids := make(map[string]int64, len(rows))
	for _, k := range rows {
		ids[k.key] = k.id
	}
	return ids, nil
}

// putContent makes a report hold exactly these packages.
func putContent(ctx context.Context, tx db.Tx, reportID int64, ids map[string]int64) error {
	held, err := db.Collect(ctx, tx, db.ScanInt, contentOf, reportID)
	if err != nil {
		return fmt.Errorf("read what report %d holds: %w", reportID, err)
	}
	wanted := make(map[int64]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var gone []int64
	for _, id := range held {
		if !wanted[id] {
			gone = append(gone, id)
		}
		delete(wanted, id)
	}
	var rows [][]any
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		rows = append(rows, []any{reportID, id})
	}
	if err := insertRows(ctx, tx, insertContent, "", rows); err != nil {
		return fmt.Errorf("write what report %d holds: %w", reportID, err)
	}
	if _, err := execIn(ctx, tx, dropContent, []any{reportID}, gone); err != nil {
		return fmt.Errorf("write what report %d no longer holds: %w", reportID, err)
	}
	return nil
}
