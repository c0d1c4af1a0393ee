package registry

import (
	"context"
	"sync"

	"github.com/havenregistry/haven/internal/oci"
)

// digestLocks keeps the commits of a digest and its deletion apart, in this process: where a location follows
// from the digest, a deletion that comes late would take what a commit has just put there. Commits go side
// by side. The zero value is ready.
type digestLocks struct {
	mu   sync.Mutex
	used map[oci.Digest]*digestUse
}

type digestUse struct {
	commits int
	deleted chan struct{} // not nil while it is being deleted, closed when that is over
}

// commit waits until nobody deletes the digest, and keeps it so until leave is called.
func (u *digestLocks) commit(ctx context.Context, d oci.Digest) (leave func(), err error) {
	for {
		busy := u.tryCommit(d)
		if busy == nil {
			return func() { u.leave(d) }, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (u *digestLocks) tryCommit(d oci.Digest) (busy <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	use := u.used[d]
	if use == nil {
		if u.used == nil {
			u.used = map[oci.Digest]*digestUse{}
		}
		use = &digestUse{}
		u.used[d] = use
	}
	if use.deleted != nil {
		return use.deleted
	}
	use.commits++
	return nil
}

func (u *digestLocks) leave(d oci.Digest) {
	u.mu.Lock()
	defer u.mu.Unlock()
	use := u.used[d]
	if use.commits--; use.commits == 0 {
		delete(u.used, d)
	}
}

// delete takes those of the digests that nobody commits or deletes, and keeps commits from them until done is
// called.
func (u *digestLocks) delete(all []oci.Digest) (taken map[oci.Digest]bool, done func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.used == nil {
		u.used = map[oci.Digest]*digestUse{}
	}
	over := make(chan struct{})
	taken = make(map[oci.Digest]bool, len(all))
	for _, d := range all {
		if u.used[d] == nil {
			u.used[d] = &digestUse{deleted: over}
			taken[d] = true
		}
	}
	return taken, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		for d := range taken {
			delete(u.used, d)
		}
		close(over)
	}
}
