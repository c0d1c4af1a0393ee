package registry

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

// Manifests of a repository form a graph: an index has children, a subject has accessories. What is
// deleted or copied is a part of it.

// maxGraph bounds the manifests of one deletion or copy.
const maxGraph = 20_000

var errGraph = fault.Invalidf("more than %d manifests hang together", maxGraph)

// node is a manifest in the graph.
type node struct {
	id, repositoryID int64
	digest           oci.Digest
	subjectID        int64 // what it is an accessory of, 0 when that isn't there
	accessory        bool  // it is an accessory, whether or not its subject is there
	tagged           bool
}

func scanNode(r db.Row) (n node, err error) {
	err = r.Scan(&n.id, &n.repositoryID, &n.digest, &n.subjectID, &n.accessory, &n.tagged)
	return n, err
}

const nodeFields = `SELECT m.id, m.repository_id, m.digest, COALESCE(s.id, 0), m.accessory_of <> '',
		EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)`

const withSubject = ` LEFT JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.accessory_of`

const (
	nodeByTag = nodeFields + ` FROM repository r
		JOIN tag n ON n.repository_id = r.id AND n.name = $3
		JOIN manifest m ON m.id = n.manifest_id` + withSubject + `
		WHERE r.project_id = $1 AND r.name = $2`
	nodeByDigest = nodeFields + ` FROM repository r
		JOIN manifest m ON m.repository_id = r.id AND m.digest = $3` + withSubject + `
		WHERE r.project_id = $1 AND r.name = $2`
)

var (
	childNodes = inQuery{nodeFields + ` FROM manifest_child c JOIN manifest m ON m.id = c.child_id` + withSubject + `
		WHERE c.parent_id IN `, ""}
	accessoryNodes = inQuery{nodeFields + ` FROM manifest s
		JOIN manifest m ON m.repository_id = s.repository_id AND m.accessory_of = s.digest AND m.accessory_of <> ''
		WHERE s.id IN `, ""}
	parentsOf = inQuery{`SELECT child_id, parent_id FROM manifest_child WHERE child_id IN `, ""}
)

// keeper is an edge of the graph: a manifest, and an index that needs it.
type keeper struct{ kept, keeper int64 }

func scanKeeper(r db.Row) (k keeper, err error) {
	err = r.Scan(&k.kept, &k.keeper)
	return k, err
}

func findNode(ctx context.Context, tx db.Tx, ref Ref, r oci.Reference) (node, error) {
	query := nodeByTag
	if r.IsDigest() {
		query = nodeByDigest
	}
	n, err := db.Get(ctx, tx, scanNode, query, ref.ProjectID, ref.Name, r.String())
	if errors.Is(err, db.ErrNotFound) {
		return n, ErrManifestUnknown
	}
	return n, err
}

// neighbours returns the children and the accessories of the nodes; some may come twice.
func neighbours(ctx context.Context, tx db.Tx, nodes []node) ([]node, error) {
	ids := nodeIDs(nodes)
	children, err := collectIn(ctx, tx, scanNode, childNodes, nil, ids)
	if err != nil {
		return nil, err
	}
	accessories, err := collectIn(ctx, tx, scanNode, accessoryNodes, nil, ids)
	return append(children, accessories...), err
}

// family returns root and everything below it.
func family(ctx context.Context, tx db.Tx, root node) ([]node, error) {
	seen := map[int64]bool{root.id: true}
	all := []node{root}
	for next := all; len(next) > 0; {
		below, err := neighbours(ctx, tx, next)
		if err != nil {
			return nil, err
		}
		next = nil
		for _, n := range below {
			if !seen[n.id] {
				seen[n.id] = true
				next = append(next, n)
			}
		}
		if all = append(all, next...); len(all) > maxGraph {
			return nil, errGraph
		}
	}
	return all, nil
}

func nodeIDs(nodes []node) []int64 {
	ids := make([]int64, len(nodes))
	for i, n := range nodes {
		ids[i] = n.id
	}
	return ids
}
