//go:build acceptance

package ledger

import (
	"maps"
	"slices"
)

// State is what a repository holds. It does not change once made.
type State struct {
	Manifests map[string]*Manifest // by digest
	Tags      map[string]string    // name to digest
	Gone      map[string]bool      // digests that were deleted and not pushed again
}

// Change is one request that changes a repository; one of its kinds is set.
type Change struct {
	Put              *Manifest
	Tag              string // that Put gets, "" for none
	DeleteTag        string
	DeleteManifest   string // digest
	DeleteRepository bool
}

// NewState is an empty repository.
func NewState() *State {
	return &State{Manifests: map[string]*Manifest{}, Tags: map[string]string{}, Gone: map[string]bool{}}
}

// After is the state once the registry has done the change.
func (s *State) After(c Change) *State {
	next := &State{maps.Clone(s.Manifests), maps.Clone(s.Tags), maps.Clone(s.Gone)}
	switch {
	case c.Put != nil:
		next.Manifests[c.Put.Digest] = c.Put
		delete(next.Gone, c.Put.Digest)
		if c.Tag != "" {
			next.Tags[c.Tag] = c.Put.Digest
		}
	case c.DeleteTag != "":
		delete(next.Tags, c.DeleteTag)
	case c.DeleteManifest != "":
		next.remove(s.doomed(c.DeleteManifest))
	case c.DeleteRepository:
		next.remove(slices.Collect(maps.Keys(s.Manifests)))
	}
	return next
}

func (s *State) remove(digests []string) {
	for _, d := range digests {
		delete(s.Manifests, d)
		s.Gone[d] = true
		maps.DeleteFunc(s.Tags, func(_, target string) bool { return target == d })
	}
}

// doomed is what goes with a manifest that is deleted: what belongs to it, and its
// children unless a tag, another index or a subject keeps them.
func (s *State) doomed(root string) []string {
	dead := []string{root}
	for grown := true; grown; {
		grown = false
		for d, m := range s.Manifests {
			if !slices.Contains(dead, d) && s.hangsOn(m, dead) && !s.kept(m, dead) {
				dead, grown = append(dead, d), true
			}
		}
	}
	return dead
}

func (s *State) hangsOn(m *Manifest, dead []string) bool {
	if slices.Contains(dead, m.Subject) {
		return true
	}
	for _, d := range dead {
		if slices.Contains(s.Manifests[d].Children, m.Digest) {
			return true
		}
	}
	return false
}

func (s *State) kept(m *Manifest, dead []string) bool {
	for _, parent := range s.parents(m.Digest) {
		if !slices.Contains(dead, parent) {
			return true
		}
	}
	if _, there := s.Manifests[m.Subject]; there {
		return !slices.Contains(dead, m.Subject)
	}
	return s.tagged(m.Digest)
}

// parents are the indexes that name the manifest.
func (s *State) parents(digest string) (found []string) {
	for d, m := range s.Manifests {
		if slices.Contains(m.Children, digest) {
			found = append(found, d)
		}
	}
	return found
}

func (s *State) tagged(digest string) bool {
	for _, target := range s.Tags {
		if target == digest {
			return true
		}
	}
	return false
}

// Blobs are all that the state's manifests name, by digest, with their sizes in bytes.
func (s *State) Blobs() map[string]int64 {
	all := map[string]int64{}
	for _, m := range s.Manifests {
		for _, b := range m.Blobs {
			all[b.Digest] = int64(len(b.Content))
		}
	}
	return all
}

// difference lists the digests that one of the states has and the other has not.
func difference(a, b *State) []string {
	var found []string
	for d := range a.Manifests {
		if b.Manifests[d] == nil {
			found = append(found, d)
		}
	}
	for d := range b.Manifests {
		if a.Manifests[d] == nil {
			found = append(found, d)
		}
	}
	return found
}

// pick returns a digest of the map, the same one for the same rng, or "".
func pick[V any](m map[string]V, n func(int) int) string {
	if len(m) == 0 {
		return ""
	}
	return slices.Sorted(maps.Keys(m))[n(len(m))]
}
