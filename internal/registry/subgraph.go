package registry

import (
	"context"

	"github.com/havenregistry/haven/internal/db"
)

// subgraph is a part of the graph in memory: some manifests with all below them. What deletions of any of these would
// take is found out without asking the database for each.
type subgraph struct {
	nodes   map[int64]node
	parents map[int64][]int64 // of each, in the subgraph or not
	below   map[int64][]int64 // children and accessories
}

// loadGraph reads roots and everything below them.
func loadGraph(ctx context.Context, tx db.Tx, roots []node) (g subgraph, err error) {
	g = subgraph{map[int64]node{}, map[int64][]int64{}, map[int64][]int64{}}
	for next := roots; len(next) > 0; {
		var fresh []node
		for _, n := range next {
			if _, seen := g.nodes[n.id]; !seen {
				g.nodes[n.id] = n
				fresh = append(fresh, n)
			}
		}
		if len(g.nodes) > maxGraph {
			return g, errGraph
		}
		if next, err = neighbours(ctx, tx, fresh); err != nil {
			return g, err
		}
	}
	ids := make([]int64, 0, len(g.nodes))
	for id, n := range g.nodes {
		ids = append(ids, id)
		if n.subjectID != 0 {
			g.below[n.subjectID] = append(g.below[n.subjectID], id)
		}
	}
	keepers, err := collectIn(ctx, tx, scanKeeper, parentsOf, nil, ids)
	for _, k := range keepers {
		g.parents[k.kept] = append(g.parents[k.kept], k.keeper)
		g.below[k.keeper] = append(g.below[k.keeper], k.kept)
	}
	return g, err
}

// all are the manifests of the subgraph.
func (g subgraph) all() map[int64]bool {
	all := make(map[int64]bool, len(g.nodes))
	for id := range g.nodes {
		all[id] = true
	}
	return all
}

// under is a manifest with everything below it.
func (g subgraph) under(root int64) map[int64]bool {
	seen := map[int64]bool{root: true}
	for next := []int64{root}; len(next) > 0; {
		id := next[0]
		next = next[1:]
		for _, b := range g.below[id] {
			if !seen[b] {
				seen[b] = true
				next = append(next, b)
			}
		}
	}
	return seen
}

// toll is what deathToll would say of the roots, each deleted: themselves, and what nothing alive needs then. A root
// that an index names can't be deleted.
func (g subgraph) toll(roots []int64) map[int64]bool {
	dead := map[int64]bool{}
	var next []int64
	for _, id := range roots {
		if len(g.parents[id]) == 0 {
			dead[id] = true
			next = append(next, id)
		}
	}
	for len(next) > 0 {
		id := next[0]
		next = next[1:]
		for _, b := range g.below[id] {
			if !dead[b] && g.free(b, dead) {
				dead[b] = true
				next = append(next, b)
			}
		}
	}
	return dead
}

// free reports whether nothing keeps a manifest but what is dead.
func (g subgraph) free(id int64, dead map[int64]bool) bool {
	for _, p := range g.parents[id] {
		if !dead[p] {
			return false
		}
	}
	n := g.nodes[id]
	return (n.subjectID == 0 || dead[n.subjectID]) && !(n.tagged && n.subjectID == 0)
}
