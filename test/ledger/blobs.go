//go:build acceptance

package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// fewest is the size of the smallest blob and chunk, in bytes. Of an upload that holds one byte a registry
// says "0-0", and clients expect the same of an empty one.
const fewest = 2

// maxStalled is how many uploads that were cut off a worker goes on with.
const maxStalled = 3

// upload is a blob on its way in.
type upload struct {
	repository string
	location   string
	blob       Blob
	acked      int       // bytes that the registry has acknowledged
	sent       int       // bytes that it may have got
	ending     bool      // the request that ends it was sent
	ackedAt    time.Time // when the registry answered last
	cutAt      time.Time
}

// unnamed is a blob that was acknowledged and that no manifest names yet.
type unnamed struct {
	blob  Blob
	begun time.Time // before the request that was acknowledged was sent
}

// putBlob makes the blob a member of the worker's repository in one of the ways that
// clients have. from, if not "", is a repository that may have it.
func (w *Worker) putBlob(ctx context.Context, b Blob, from string) error {
	if w.rng.IntN(10) < 8 {
		a, err := w.Client.send(ctx, request{method: http.MethodHead, path: w.blobPath(b)}, http.StatusOK, http.StatusNotFound)
		if err != nil {
			return err
		}
		if a.Status == http.StatusOK {
			w.Counts.Reused.Add(1)
			return nil
		}
	}
	begun := time.Now()
	if err := w.sendBlob(ctx, b, from); err != nil {
		return err
	}
	w.fresh = append(w.fresh, unnamed{b, begun})
	return nil
}

func (w *Worker) sendBlob(ctx context.Context, b Blob, from string) error {
	if from == "" && w.rng.IntN(3) == 0 {
		_, err := w.Client.send(ctx, request{
			method: http.MethodPost, path: w.uploadsPath() + "?digest=" + b.Digest, body: b.Content,
		}, http.StatusCreated)
		return w.count(&w.Counts.Single, err)
	}
	query := ""
	if from != "" {
		query = "?mount=" + b.Digest + "&from=" + from
	}
	a, err := w.Client.send(ctx, request{method: http.MethodPost, path: w.uploadsPath() + query}, http.StatusCreated, http.StatusAccepted)
	if err != nil {
		return err
	}
	if a.Status == http.StatusCreated {
		if from == "" {
			return fmt.Errorf("an upload of nothing was answered with 201 (request %s)", a.ID)
		}
		return w.count(&w.Counts.Mounted, nil)
	}
	u := &upload{repository: w.Repository, location: a.Header.Get("Location"), blob: b, ackedAt: time.Now()}
	w.uploading = u
	w.note(a.ID, u)
	if w.rng.IntN(2) == 0 {
		return w.count(&w.Counts.TwoStep, w.endUpload(ctx, u, b.Content))
	}
	if err := w.sendChunks(ctx, u); err != nil {
		return err
	}
	return w.count(&w.Counts.Chunked, w.endUpload(ctx, u, nil))
}

// sendChunks sends what is left of the blob in two or three requests.
func (w *Worker) sendChunks(ctx context.Context, u *upload) error {
	for u.acked < len(u.blob.Content) {
		n := min(len(u.blob.Content)-u.acked, fewest+w.rng.IntN(len(u.blob.Content)))
		u.sent = max(u.sent, u.acked+n)
		a, err := w.Client.send(ctx, request{
			method: http.MethodPatch, path: u.location, body: u.blob.Content[u.acked : u.acked+n],
			header: map[string]string{"Content-Range": fmt.Sprintf("%d-%d", u.acked, u.acked+n-1)},
		}, http.StatusAccepted)
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("0-%d", u.acked+n-1); a.Header.Get("Range") != want {
			return fmt.Errorf("after a chunk the upload %s holds %q, want %q", u.location, a.Header.Get("Range"), want)
		}
		u.acked, u.ackedAt = u.acked+n, time.Now()
		if location := a.Header.Get("Location"); location != "" {
			u.location = location
		}
		w.note(a.ID, u)
	}
	return nil
}

// endUpload sends the last bytes, if any, and the digest.
func (w *Worker) endUpload(ctx context.Context, u *upload, last []byte) error {
	separator := "?"
	if strings.Contains(u.location, "?") {
		separator = "&"
	}
	u.ending, u.sent = true, len(u.blob.Content)
	a, err := w.Client.send(ctx, request{
		method: http.MethodPut, path: u.location + separator + "digest=" + u.blob.Digest, body: last,
	}, http.StatusCreated)
	if err == nil {
		w.uploading = nil
		w.note(a.ID, nil)
	}
	return err
}

// cancel begins an upload and gives it up.
func (w *Worker) cancel(ctx context.Context) error {
	a, err := w.Client.send(ctx, request{method: http.MethodPost, path: w.uploadsPath()}, http.StatusAccepted)
	if err != nil {
		return err
	}
	location := a.Header.Get("Location")
	content := randomBlob(w.rng, 5000).Content
	if _, err := w.Client.send(ctx, request{method: http.MethodPatch, path: location, body: content}, http.StatusAccepted); err != nil {
		return err
	}
	_, err = w.Client.send(ctx, request{method: http.MethodDelete, path: location}, http.StatusNoContent)
	return w.count(&w.Counts.Cancelled, err)
}

// takeStock is for after a restart: it asks what the upload that was cut off holds, and
// checks that nothing acknowledged is lost and nothing claimed that was never sent.
func (w *Worker) takeStock(ctx context.Context) error {
	u := w.uploading
	if u == nil {
		return nil
	}
	a, err := w.Client.send(ctx, request{method: http.MethodGet, path: u.location}, http.StatusNoContent, http.StatusNotFound)
	if err != nil {
		return err
	}
	w.uploading = nil
	if a.Status == http.StatusNotFound {
		return w.gone(ctx, u)
	}
	held, err := heldBy(a, u)
	if err != nil {
		return err
	}
	if held < u.acked && !w.Lossy || held > u.sent {
		return fmt.Errorf("upload %s holds %d bytes; acknowledged were %d, sent %d", u.location, held, u.acked, u.sent)
	}
	u.acked, u.cutAt = held, time.Now()
	if w.stalled = append(w.stalled, u); len(w.stalled) > maxStalled {
		w.stalled = w.stalled[1:] // a client that never comes back
	}
	return nil
}

// heldBy reads how many bytes the upload has.
func heldBy(a Answer, u *upload) (int, error) {
	text := a.Header.Get("Range")
	if text == "" {
		return 0, nil
	}
	last := 0
	if _, err := fmt.Sscanf(text, "0-%d", &last); err != nil {
		return 0, fmt.Errorf("upload %s: Range %q", u.location, text)
	}
	if last == 0 {
		return 0, nil // see fewest
	}
	return last + 1, nil
}

// resume goes on with the uploads whose time has come.
func (w *Worker) resume(ctx context.Context) error {
	for len(w.stalled) > 0 && time.Since(w.stalled[0].cutAt) >= w.ResumeAfter {
		u := w.stalled[0]
		w.stalled = w.stalled[1:]
		w.uploading = u
		err := w.sendChunks(ctx, u)
		if err == nil {
			err = w.endUpload(ctx, u, nil)
		}
		var unexpected *Unexpected
		switch {
		case errors.As(err, &unexpected) && w.mayBeGone(u, unexpected.Answer.Status):
			w.uploading = nil // the client sends the blob again
			continue
		case err != nil:
			return fmt.Errorf("resume upload: %w", err)
		}
		w.Counts.Resumed.Add(1)
		if err := w.checkBlob(ctx, w.Repository, u.blob); err != nil {
			return err
		}
	}
	return nil
}

// mayBeGone says whether the registry may refuse to go on with the upload: when nobody
// has touched it for long, or when the power was lost and it noticed that bytes are.
func (w *Worker) mayBeGone(u *upload, status int) bool {
	if w.Lossy {
		return status < http.StatusInternalServerError
	}
	return status == http.StatusNotFound && time.Since(u.ackedAt) > w.Grace
}

// gone checks that an upload which is unknown had ended, was as small as may be forgotten, or was left alone for long.
func (w *Worker) gone(ctx context.Context, u *upload) error {
	there, err := w.checkWholeOrAbsent(ctx, u.blob)
	if err != nil || there && u.ending || w.Lossy || u.acked <= w.Forgotten || time.Since(u.ackedAt) > w.Grace {
		return err
	}
	return fmt.Errorf("upload %s is unknown, and %d bytes of it were acknowledged", u.location, u.acked)
}

func (w *Worker) uploadsPath() string       { return "/v2/" + w.Repository + "/blobs/uploads/" }
func (w *Worker) blobPath(b Blob) string    { return "/v2/" + w.Repository + "/blobs/" + b.Digest }
func (w *Worker) manifests(r string) string { return "/v2/" + w.Repository + "/manifests/" + r }
