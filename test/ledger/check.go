//go:build acceptance

package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// accept is what clients ask for; without it an index might be answered otherwise.
const accept = imageType + ", " + indexType

// Settle is for after a restart: it finds out what came of the change and the upload that
// were not answered, and checks what has changed since the last check.
func (w *Worker) Settle(ctx context.Context) error {
	if w.Pending != nil && w.Pending.DeleteRepository {
		w.forget()
	}
	fresh := w.fresh
	w.fresh = nil
	if err := w.settleChange(ctx, w.touched); err != nil {
		return err
	}
	if err := w.checkUnnamed(ctx, fresh); err != nil {
		return err
	}
	if err := w.takeStock(ctx); err != nil {
		return err
	}
	clear(w.touched)
	return nil
}

// Finish goes on with the uploads that were cut off, to their end.
func (w *Worker) Finish(ctx context.Context) error {
	w.ResumeAfter = 0
	return w.resume(ctx)
}

// CheckAll checks all that was ever acknowledged.
func (w *Worker) CheckAll(ctx context.Context) error { return w.settleChange(ctx, nil) }

// settleChange compares the repository with the state before and after the pending
// change; it must be one of the two, in every detail. only is nil for everything.
func (w *Worker) settleChange(ctx context.Context, only map[string]bool) error {
	candidates := []*State{w.State}
	if w.Pending != nil {
		candidates = append(candidates, w.State.After(*w.Pending))
	}
	seen, err := w.observe(ctx, candidates, only)
	if err != nil {
		return err
	}
	var reasons []string
	for i, s := range candidates {
		reason := seen.contradicts(s)
		if reason != "" {
			reasons = append(reasons, reason)
			continue
		}
		if w.Pending != nil {
			w.countCut(i)
		}
		w.State, w.Pending = s, nil
		return w.checkWhole(ctx, seen)
	}
	return fmt.Errorf("%s is in no state that was asked for: %q; unanswered: %+v", w.Repository, reasons, w.Pending)
}

func (w *Worker) countCut(which int) {
	if which == 0 {
		w.Counts.CutUndone.Add(1)
	} else {
		w.Counts.CutDone.Add(1)
	}
}

// observation is what the registry says of a repository.
type observation struct {
	tags    map[string]string
	present map[string]bool // of the digests that were asked for
}

func (w *Worker) observe(ctx context.Context, candidates []*State, only map[string]bool) (*observation, error) {
	seen := &observation{present: map[string]bool{}}
	var err error
	if seen.tags, err = w.observeTags(ctx); err != nil {
		return nil, err
	}
	for _, d := range w.digests(candidates, only) {
		a, err := w.Client.send(ctx, request{
			method: http.MethodHead, path: w.manifests(d), header: map[string]string{"Accept": accept},
		}, http.StatusOK, http.StatusNotFound)
		if err != nil {
			return nil, err
		}
		seen.present[d] = a.Status == http.StatusOK
	}
	return seen, nil
}

// digests are those to ask for: all that the states know, or those in only and those
// in which the states differ.
func (w *Worker) digests(candidates []*State, only map[string]bool) []string {
	all := maps.Clone(only)
	if only == nil {
		all = map[string]bool{}
		for _, s := range candidates {
			for d := range s.Manifests {
				all[d] = true
			}
			maps.Copy(all, s.Gone)
		}
	}
	for _, d := range difference(candidates[0], candidates[len(candidates)-1]) {
		all[d] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (w *Worker) observeTags(ctx context.Context) (map[string]string, error) {
	a, err := w.Client.send(ctx, request{method: http.MethodGet, path: "/v2/" + w.Repository + "/tags/list?n=100"}, http.StatusOK, http.StatusNotFound)
	if err != nil || a.Status == http.StatusNotFound {
		return map[string]string{}, err
	}
	var list struct{ Tags []string }
	if err := json.Unmarshal(a.Body, &list); err != nil {
		return nil, fmt.Errorf("tags of %s: %w", w.Repository, err)
	}
	tags := map[string]string{}
	for _, tag := range list.Tags {
		a, err := w.Client.send(ctx, request{
			method: http.MethodHead, path: w.manifests(tag), header: map[string]string{"Accept": accept},
		}, http.StatusOK)
		if err != nil {
			return nil, fmt.Errorf("tag %s is listed: %w", tag, err)
		}
		tags[tag] = a.Header.Get("Docker-Content-Digest")
	}
	return tags, nil
}

// contradicts says how the observation differs from the state, "" when it doesn't.
func (o *observation) contradicts(s *State) string {
	for _, tag := range slices.Sorted(maps.Keys(s.Tags)) {
		if o.tags[tag] != s.Tags[tag] {
			return fmt.Sprintf("tag %s is %q, want %q", tag, o.tags[tag], s.Tags[tag])
		}
	}
	for tag, d := range o.tags {
		if s.Tags[tag] == "" {
			return fmt.Sprintf("tag %s is %q and was deleted", tag, d)
		}
	}
	for d, present := range o.present {
		if wanted := s.Manifests[d] != nil; present != wanted {
			return fmt.Sprintf("manifest %s is there: %t, want %t", d, present, wanted)
		}
	}
	return ""
}

// checkWhole pulls each manifest that was seen, with all it names.
func (w *Worker) checkWhole(ctx context.Context, seen *observation) error {
	pulled := map[string]bool{}
	for d, present := range seen.present {
		if !present {
			w.Counts.GoneChecked.Add(1)
			continue
		}
		if err := w.checkManifest(ctx, w.State.Manifests[d], pulled); err != nil {
			return err
		}
	}
	return nil
}

// checkManifest pulls the manifest, its blobs but for those already pulled, and its
// children, and compares every byte.
func (w *Worker) checkManifest(ctx context.Context, m *Manifest, pulled map[string]bool) error {
	a, err := w.Client.send(ctx, request{
		method: http.MethodGet, path: w.manifests(m.Digest), header: map[string]string{"Accept": accept},
	}, http.StatusOK)
	if err != nil {
		return err
	}
	if !bytes.Equal(a.Body, m.Content) || a.Header.Get("Content-Type") != m.MediaType {
		return fmt.Errorf("manifest %s of %s is not what was pushed", m.Digest, w.Repository)
	}
	w.Counts.ManifestsChecked.Add(1)
	for _, b := range m.Blobs {
		if pulled[b.Digest] {
			continue
		}
		if err := w.checkBlob(ctx, w.Repository, b); err != nil {
			return fmt.Errorf("manifest %s: %w", m.Digest, err)
		}
		pulled[b.Digest] = true
	}
	for _, child := range m.Children {
		if w.State.Manifests[child] == nil {
			return fmt.Errorf("index %s is there and its child %s was deleted", m.Digest, child)
		}
		if err := w.checkManifest(ctx, w.State.Manifests[child], pulled); err != nil {
			return fmt.Errorf("index %s: %w", m.Digest, err)
		}
	}
	return nil
}

// checkBlob pulls a blob that must be there and compares every byte.
func (w *Worker) checkBlob(ctx context.Context, repository string, b Blob) error {
	a, err := w.Client.send(ctx, request{method: http.MethodGet, path: "/v2/" + repository + "/blobs/" + b.Digest}, http.StatusOK)
	if err != nil {
		return err
	}
	if !bytes.Equal(a.Body, b.Content) {
		return fmt.Errorf("blob %s of %s has wrong bytes: %d, want %d", b.Digest, repository, len(a.Body), len(b.Content))
	}
	w.Counts.BlobsChecked.Add(1)
	return nil
}

// checkUnnamed asks for blobs that were acknowledged. Within the grace they must be
// there; later they may be gone, but never half there.
func (w *Worker) checkUnnamed(ctx context.Context, blobs []unnamed) error {
	for _, u := range blobs {
		there, err := w.checkWholeOrAbsent(ctx, u.blob)
		if err != nil {
			return err
		}
		if !there && !w.Lossy && time.Since(u.begun) < w.Grace {
			return fmt.Errorf("blob %s of %s was acknowledged less than %s ago and is gone", u.blob.Digest, w.Repository, time.Since(u.begun).Round(time.Millisecond))
		}
		w.Counts.Unnamed.Add(1)
	}
	return nil
}

// checkWholeOrAbsent fails for a blob that HEAD promises and GET does not keep, or
// whose bytes are wrong.
func (w *Worker) checkWholeOrAbsent(ctx context.Context, b Blob) (there bool, err error) {
	a, err := w.Client.send(ctx, request{method: http.MethodHead, path: w.blobPath(b)}, http.StatusOK, http.StatusNotFound)
	if err != nil || a.Status == http.StatusNotFound {
		return false, err
	}
	return true, w.checkBlob(ctx, w.Repository, b)
}
