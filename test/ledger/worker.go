//go:build acceptance

package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// most is how many manifests a repository holds before deletes get the upper hand.
const most = 12

// Shared is what workers know of each other: who may have which layer.
type Shared struct {
	mu     sync.Mutex
	layers []placed
}

type placed struct {
	repository string
	blob       Blob
}

// remember notes that a repository has got the blob, among the last hundred.
func (s *Shared) remember(repository string, b Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.layers = append(s.layers, placed{repository, b})
	if len(s.layers) > 100 {
		s.layers = s.layers[1:]
	}
}

func (s *Shared) pick(rng *rand.Rand) (placed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.layers) == 0 {
		return placed{}, false
	}
	return s.layers[rng.IntN(len(s.layers))], true
}

// Entry is a change and the request whose answer acknowledged it.
type Entry struct {
	Change  Change
	Request string
}

// Worker changes one repository. It is not safe for concurrent use.
type Worker struct {
	Client     *Client
	Repository string // PROJECT/NAME
	Shared     *Shared
	Counts     *Counts
	Grace      time.Duration // how long an unnamed blob stays, and an upload that nobody writes, at least
	LayerSize  int           // bytes, at most

	State   *State  // what was acknowledged
	Pending *Change // sent and not answered, or nil
	Journal []Entry

	// Forgotten is the most that an upload may hold, in bytes, which a killed server doesn't know any more: where small
	// ones are kept in memory. -1 for none.
	Forgotten int
	// ResumeAfter is how long the worker waits before it goes on with an upload that was
	// cut off. On PostgreSQL the claim of the server that was killed has to end first.
	ResumeAfter time.Duration
	// Lossy is after the loss of power, when what no manifest names may be lost.
	Lossy bool
	// Keep makes the worker write its journal.
	Keep bool

	rng       *rand.Rand
	fresh     []unnamed
	uploading *upload
	stalled   []*upload
	touched   map[string]bool // digests that changed since the last check
	marks     []mark          // if Keep is set
	known     map[string]Blob // that were perhaps pushed before the power was lost
}

// NewWorker returns a worker on an empty repository. Workers of one seed and stream do
// the same as long as they get the same answers.
func NewWorker(c *Client, repository string, shared *Shared, counts *Counts, grace time.Duration, seed, stream uint64) *Worker {
	return &Worker{
		Client: c, Repository: repository, Shared: shared, Counts: counts, Grace: grace, LayerSize: 48 << 10, Forgotten: -1,
		State: NewState(), rng: rand.New(rand.NewPCG(seed, stream)), touched: map[string]bool{},
	}
}

// Step does one thing at random. ErrCut means that the server is gone: Settle finds out
// what came of it.
func (w *Worker) Step(ctx context.Context) error {
	if err := w.resume(ctx); err != nil {
		return err
	}
	full := len(w.State.Manifests) >= most
	err := w.step(ctx, w.rng.IntN(100), full)
	if errors.Is(err, ErrRefused) {
		w.Counts.Refused.Add(1)
	}
	return err
}

func (w *Worker) step(ctx context.Context, dice int, full bool) error {
	switch {
	case dice < 45 && !full:
		return w.pushImage(ctx)
	case dice < 52 && !full:
		return w.pushIndex(ctx)
	case dice < 58 && !full:
		return w.pushNote(ctx)
	case dice < 70:
		return w.moveTag(ctx)
	case dice < 84:
		return w.deleteManifest(ctx)
	case dice < 92:
		return w.deleteTag(ctx)
	case dice < 93 && w.Client.Password != "":
		return w.change(ctx, Change{DeleteRepository: true}, &w.Counts.RepositoryDeletes)
	case dice < 96:
		return w.cancel(ctx)
	default:
		if d := pick(w.State.Manifests, w.rng.IntN); d != "" {
			return w.checkManifest(ctx, w.State.Manifests[d], map[string]bool{})
		}
		return w.pushImage(ctx)
	}
}

// layers are fresh ones, and some that other workers have.
func (w *Worker) layers() (blobs []Blob, from map[string]string) {
	from = map[string]string{}
	for range 1 + w.rng.IntN(3) {
		other, ok := w.Shared.pick(w.rng)
		if !ok || w.rng.IntN(3) == 0 {
			blobs = append(blobs, randomBlob(w.rng, w.LayerSize))
			continue
		}
		blobs = append(blobs, other.blob)
		if other.repository != w.Repository {
			from[other.blob.Digest] = other.repository
		}
	}
	return blobs, from
}

func (w *Worker) pushImage(ctx context.Context) error {
	layers, from := w.layers()
	return w.push(ctx, newImage(w.rng, layers), w.tag(), from, &w.Counts.Images)
}

func (w *Worker) pushIndex(ctx context.Context) error {
	var children []*Manifest
	for range 2 {
		layers, from := w.layers()
		child := newImage(w.rng, layers)
		if err := w.push(ctx, child, "", from, &w.Counts.Images); err != nil {
			return err
		}
		children = append(children, child)
	}
	return w.push(ctx, newIndex(w.rng, children), w.tag(), nil, &w.Counts.Indexes)
}

func (w *Worker) pushNote(ctx context.Context) error {
	subject := w.State.Manifests[pick(w.State.Manifests, w.rng.IntN)]
	if subject == nil {
		return w.pushImage(ctx)
	}
	return w.push(ctx, newNote(w.rng, subject), "", nil, &w.Counts.Notes)
}

// push sends blobs and manifest. Blobs that were reclaimed between are sent again, as
// clients do.
func (w *Worker) push(ctx context.Context, m *Manifest, tag string, from map[string]string, counter *atomic.Int64) error {
	for try := 1; ; try++ {
		for _, b := range m.Blobs {
			if err := w.putBlob(ctx, b, from[b.Digest]); err != nil {
				return fmt.Errorf("push blob %s: %w", b.Digest, err)
			}
		}
		err := w.change(ctx, Change{Put: m, Tag: tag}, counter)
		var unexpected *Unexpected
		if errors.As(err, &unexpected) && strings.Contains(string(unexpected.Answer.Body), "BLOB_UNKNOWN") && try < 10 {
			w.Counts.Repushed.Add(1)
			w.Pending = nil
			continue
		}
		if err == nil {
			for _, b := range m.Blobs {
				w.Shared.remember(w.Repository, b)
			}
		}
		return err
	}
}

func (w *Worker) moveTag(ctx context.Context) error {
	m := w.State.Manifests[pick(w.State.Manifests, w.rng.IntN)]
	if m == nil {
		return w.pushImage(ctx)
	}
	return w.change(ctx, Change{Put: m, Tag: w.tag()}, &w.Counts.Moves)
}

func (w *Worker) deleteTag(ctx context.Context) error {
	tag := pick(w.State.Tags, w.rng.IntN)
	if tag == "" {
		return w.pushImage(ctx)
	}
	return w.change(ctx, Change{DeleteTag: tag}, &w.Counts.TagDeletes)
}

func (w *Worker) deleteManifest(ctx context.Context) error {
	d := pick(w.State.Manifests, w.rng.IntN)
	if d == "" {
		return w.pushImage(ctx)
	}
	if len(w.State.parents(d)) > 0 {
		_, err := w.Client.send(ctx, request{method: http.MethodDelete, path: w.manifests(d)}, http.StatusPreconditionFailed)
		return err
	}
	return w.change(ctx, Change{DeleteManifest: d}, &w.Counts.Deletes)
}

// change sends the request of the change and enters its answer.
func (w *Worker) change(ctx context.Context, c Change, counter *atomic.Int64) error {
	r, want := w.requestOf(c)
	w.Pending = &c
	a, err := w.Client.send(ctx, r, want...)
	switch {
	case errors.Is(err, ErrCut):
		w.Counts.Cut.Add(1)
		return err
	case err != nil:
		if errors.Is(err, ErrRefused) {
			w.Pending = nil
		}
		return err
	}
	w.acknowledge(c)
	if w.Keep {
		w.Journal = append(w.Journal, Entry{c, a.ID})
	}
	return w.count(counter, nil)
}

func (w *Worker) acknowledge(c Change) {
	after := w.State.After(c)
	for _, d := range difference(w.State, after) {
		w.touched[d] = true
	}
	if c.Put != nil {
		w.touched[c.Put.Digest] = true
	}
	if c.DeleteRepository {
		w.forget()
	}
	w.State, w.Pending = after, nil
}

// forget gives up what went along with the repository: blobs that nothing named, and
// uploads.
func (w *Worker) forget() { w.fresh, w.stalled, w.uploading = nil, nil, nil }

func (w *Worker) requestOf(c Change) (request, []int) {
	switch {
	case c.Put != nil:
		reference := c.Tag
		if reference == "" {
			reference = c.Put.Digest
		}
		return request{
			method: http.MethodPut, path: w.manifests(reference), body: c.Put.Content,
			header: map[string]string{"Content-Type": c.Put.MediaType},
		}, []int{http.StatusCreated}
	case c.DeleteTag != "":
		return request{method: http.MethodDelete, path: w.manifests(c.DeleteTag)}, []int{http.StatusAccepted}
	case c.DeleteManifest != "":
		return request{method: http.MethodDelete, path: w.manifests(c.DeleteManifest)}, []int{http.StatusAccepted}
	}
	project, name, _ := strings.Cut(w.Repository, "/")
	path := "/api/v2.0/projects/" + project + "/repositories/" + name
	return request{method: http.MethodDelete, path: path, basic: true}, []int{http.StatusOK, http.StatusNotFound}
}

func (w *Worker) tag() string { return fmt.Sprintf("t%d", w.rng.IntN(8)) }

func (w *Worker) count(counter *atomic.Int64, err error) error {
	if err == nil {
		counter.Add(1)
	}
	return err
}
