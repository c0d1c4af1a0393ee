//go:build acceptance

package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// mark is what an upload had come to when a request was answered; nil at its end.
type mark struct {
	request string
	upload  *upload
}

// note enters what the answer said about the upload into the journal.
func (w *Worker) note(request string, u *upload) {
	if !w.Keep {
		return
	}
	if u != nil {
		now := *u
		u = &now
	}
	w.marks = append(w.marks, mark{request, u})
}

// At returns the worker as it was at a moment when just those of its requests had been
// answered for which answered says so; the change after them may have been sent. It
// talks to a server that has lost its power then. w itself must have Keep set.
func (w *Worker) At(c *Client, answered func(request string) bool, seed uint64) *Worker {
	then := NewWorker(c, w.Repository, &Shared{}, w.Counts, w.Grace, seed, 0)
	then.Lossy, then.known = true, map[string]Blob{}
	for _, e := range w.Journal {
		if e.Change.Put != nil {
			for _, b := range e.Change.Put.Blobs {
				then.known[b.Digest] = b
			}
		}
		if !answered(e.Request) {
			then.Pending = &e.Change
			break
		}
		then.State = then.State.After(e.Change)
	}
	for _, m := range w.marks {
		if !answered(m.request) {
			break
		}
		then.uploading = m.upload
	}
	if u := then.uploading; u != nil {
		now := *u // several servers lose their power at this moment
		now.sent, now.ending = len(now.blob.Content), true
		then.uploading = &now
	}
	return then
}

// CheckAfterPowerLoss checks what design promises: each manifest acknowledged is there
// with all it names, what was deleted is gone, the rest is whole or absent, and pushing
// again heals it.
func (w *Worker) CheckAfterPowerLoss(ctx context.Context) error {
	unanswered := w.Pending
	if err := w.settleChange(ctx, nil); err != nil {
		return err
	}
	for _, d := range slices.Sorted(maps.Keys(w.known)) {
		if _, err := w.checkWholeOrAbsent(ctx, w.known[d]); err != nil {
			return fmt.Errorf("a blob that may be lost: %w", err)
		}
		w.Counts.Unnamed.Add(1)
	}
	if err := w.takeStock(ctx); err != nil {
		return err
	}
	if err := w.resume(ctx); err != nil {
		return err
	}
	return w.heal(ctx, unanswered)
}

// heal pushes what was cut off once more, as its client would.
func (w *Worker) heal(ctx context.Context, unanswered *Change) error {
	if unanswered == nil || unanswered.Put == nil {
		return nil
	}
	m := unanswered.Put
	for _, need := range append([]string{m.Subject}, m.Children...) {
		if need != "" && w.State.Manifests[need] == nil {
			return nil
		}
	}
	if err := w.push(ctx, m, unanswered.Tag, nil, &w.Counts.Healed); err != nil {
		return fmt.Errorf("push again: %w", err)
	}
	return w.checkManifest(ctx, m, map[string]bool{})
}
