package registry

import (
	"sync"
	"time"
)

// maxRecent bounds the uploads that are remembered, about 500 bytes each.
const maxRecent = 4096

// recents remembers rows of uploads between two requests of a client, where no other process changes them:
// most uploads are begun, written and ended by three requests in a row. Database and store stay the truth, but for
// uploads that are kept in memory (kept.go): a row is taken out while somebody holds the upload, and put back when it
// is as it was written. The zero value is ready.
type recents struct {
	mu   sync.Mutex
	byID map[string]recent
	kept int // of byID
}

type recent struct {
	ref Ref
	row uploadRow
}

// put remembers the row of an upload into ref.
func (r *recents) put(ref Ref, row uploadRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = map[string]recent{}
	}
	if len(r.byID) >= maxRecent {
		for id, v := range r.byID { // any: it is read again
			if v.row.kept == nil {
				r.remove(id)
				break
			}
		}
	}
	r.remove(row.ID)
	r.byID[row.ID] = recent{ref, row}
	if row.kept != nil {
		r.kept++
	}
}

func (r *recents) remove(id string) {
	if r.byID[id].row.kept != nil {
		r.kept--
	}
	delete(r.byID, id)
}

// mayKeep reports whether another upload may be kept.
func (r *recents) mayKeep() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept < maxKept
}

// keptBefore returns the uploads that are kept and weren't written since.
func (r *recents) keptBefore(before time.Time) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == 0 {
		return nil
	}
	for id, v := range r.byID {
		if v.row.kept != nil && v.row.kept.since.Before(before) {
			ids = append(ids, id)
		}
	}
	return ids
}

// take returns the row of an upload into ref, if it is remembered, and forgets it.
func (r *recents) take(ref Ref, id string) (uploadRow, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.byID[id]
	if !ok || found.ref != ref {
		return uploadRow{}, false
	}
	r.remove(id)
	return found.row, true
}

// takeKept returns an upload if it is kept, and forgets it, kept or not.
func (r *recents) takeKept(id string) (found recent, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found = r.byID[id]
	r.remove(id)
	return found, found.row.kept != nil
}

// peek returns the row of an upload into ref, if it is remembered.
func (r *recents) peek(ref Ref, id string) (uploadRow, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.byID[id]
	return found.row, ok && found.ref == ref
}

// clear forgets all that isn't kept, and returns the ids of the uploads into ref.
func (r *recents) clear(ref Ref) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, v := range r.byID {
		if v.ref == ref {
			ids = append(ids, id)
		}
		if v.row.kept == nil {
			delete(r.byID, id)
		}
	}
	return ids
}

// unlimited remembers which projects had no storage limit at a version of their table. The zero value is
// ready.
type unlimited struct {
	mu      sync.Mutex
	version int64
	ids     map[int64]bool // at most as many as there are projects
}

// has reports whether the project is known to have no limit.
func (u *unlimited) has(projectID, version int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.version == version && u.ids[projectID]
}

// add notes that the project had no limit when the table was at least at the version.
func (u *unlimited) add(projectID, version int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids == nil || u.version != version {
		u.version, u.ids = version, map[int64]bool{}
	}
	u.ids[projectID] = true
}

// maxHomes bounds the repositories that are remembered.
const maxHomes = 4096

// knownHomes remembers where uploads into a repository go, at a version of the projects' table and while no
// repository is deleted. One that is remembered too long does no harm: a blob's own transaction looks again.
// The zero value is ready.
type knownHomes struct {
	mu       sync.Mutex
	version  int64
	deletion int64
	byRef    map[Ref]home
}

// get returns the home of uploads into ref, if it is remembered; else the deletion that put wants to be told.
func (h *knownHomes) get(ref Ref, version int64) (at home, deletion int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok = h.byRef[ref]
	return at, h.deletion, ok && h.version == version
}

// put remembers what was read after get, at the version, unless a repository was deleted since.
func (h *knownHomes) put(ref Ref, version, deletion int64, at home) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deletion != deletion {
		return
	}
	if h.byRef == nil || h.version != version || len(h.byRef) >= maxHomes {
		h.version, h.byRef = version, map[Ref]home{}
	}
	h.byRef[ref] = at
}

// clear forgets all.
func (h *knownHomes) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deletion++
	clear(h.byRef)
}
