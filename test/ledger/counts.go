//go:build acceptance

package ledger

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Counts says how much was done, acknowledged and checked. All workers share one.
type Counts struct {
	Images, Indexes, Notes, Moves                        atomic.Int64 // manifests pushed, and tags set anew
	Single, TwoStep, Chunked, Resumed, Mounted, Reused   atomic.Int64 // blobs: how they came in
	Cancelled, Refused                                   atomic.Int64
	TagDeletes, Deletes, RepositoryDeletes               atomic.Int64
	Cut, CutDone, CutUndone, Repushed, Healed            atomic.Int64 // changes without an answer, and what had come of them
	ManifestsChecked, BlobsChecked, GoneChecked, Unnamed atomic.Int64
}

// String lists the counts in one line.
func (c *Counts) String() string {
	var b strings.Builder
	for _, row := range []struct {
		name string
		n    *atomic.Int64
	}{
		{"images", &c.Images}, {"indexes", &c.Indexes}, {"notes", &c.Notes}, {"tag moves", &c.Moves},
		{"blobs in one request", &c.Single}, {"in two", &c.TwoStep}, {"in chunks", &c.Chunked},
		{"resumed", &c.Resumed}, {"mounted", &c.Mounted}, {"already there", &c.Reused}, {"cancelled", &c.Cancelled},
		{"tags deleted", &c.TagDeletes}, {"manifests deleted", &c.Deletes}, {"repositories deleted", &c.RepositoryDeletes},
		{"refused", &c.Refused}, {"changes cut off", &c.Cut}, {"of them done", &c.CutDone}, {"not done", &c.CutUndone},
		{"pushed again after reclaiming", &c.Repushed},
		{"cut off and pushed again", &c.Healed},
		{"checks of manifests", &c.ManifestsChecked}, {"of blobs", &c.BlobsChecked}, {"of deleted ones", &c.GoneChecked}, {"of unnamed blobs", &c.Unnamed},
	} {
		if n := row.n.Load(); n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, row.name)
		}
	}
	return strings.TrimPrefix(b.String(), ", ")
}
