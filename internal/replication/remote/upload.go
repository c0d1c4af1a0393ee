package remote

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// whole is the size up to which a blob goes in one request with its digest. Larger ones go in two, so that what arrived before a line
	// broke is kept by registries that would forget an unfinished commit.
	whole = 1 << 20
	// maxIdleTries is how often an upload goes on without a byte more than before, with pauses of half a minute together; maxBegins
	// how often one is begun of which nothing arrived. maxTries is how often at all.
	maxIdleTries = 6
	maxBegins    = 3
	maxTries     = 200
	firstPause   = 500 * time.Millisecond
	// lastWords is how long an upload that isn't wanted any more is told so, whoever has gone meanwhile.
	lastWords = 5 * time.Second
	// longestWait is the longest that an upload waits in the middle when the registry asks for time.
	longestWait = time.Minute
)

// ErrDigest: the bytes of a blob don't have its digest.
var ErrDigest = errors.New("the blob's bytes don't have its digest")

// upload is one blob on its way to the registry.
type upload struct {
	*client
	repository string
	blob       oci.Descriptor
	open       func(ctx context.Context, offset int64) (io.ReadCloser, error)
	chunk      int64 // 0: all in one request

	at     *url.URL // of the session; nil before there is one
	offset int64    // what the registry has
	sent   *summed
}

// PutBlob implements Registry.
func (c *client) PutBlob(ctx context.Context, repository string, d oci.Descriptor, open func(context.Context, int64) (io.ReadCloser, error), o PutOptions) error {
	u := &upload{client: c, repository: repository, blob: d, open: open, chunk: max(o.Chunk, 0), sent: &summed{hash: d.Digest.NewHash(), blob: d}}
	idle, last := 0, int64(0)
	for try := 1; ; try++ {
		err := u.try(ctx)
		if err == nil {
			return nil
		}
		if u.offset > last {
			idle, last = 0, u.offset
		} else {
			idle++
		}
		wait, again := u.again(err)
		if !again || try == maxTries || idle == maxIdleTries || u.offset == 0 && idle == maxBegins || ctx.Err() != nil {
			u.giveUp(ctx)
			return err
		}
		if wait == 0 { // at once, the registry still believes in the line that broke, and doesn't count what came by it
			wait = firstPause << idle
		}
		if !pause.For(ctx, wait) {
			u.giveUp(ctx)
			return err
		}
	}
}

// again says whether an upload may succeed after an error, and how long to wait before: a line that broke, on either side; a
// registry that can't just now. One that wants to be left alone is waited for only where much is there already.
func (u *upload) again(err error) (time.Duration, bool) {
	if limited, ok := errors.AsType[*LimitError](err); ok {
		return max(limited.RetryAfter, firstPause), u.offset > 0 && limited.RetryAfter <= longestWait
	}
	_, away := errors.AsType[*UnreachableError](err)
	return 0, away || errors.Is(err, errLost)
}

// errLost: the registry doesn't know the upload any more.
var errLost = errors.New("the registry has lost the upload")

// try goes as far as it can.
func (u *upload) try(ctx context.Context) error {
	if u.at != nil {
		if err := u.resume(ctx); err != nil {
			return err
		}
	}
	if u.at == nil && u.kind == Harbor && u.blob.Size <= whole && !u.noSingle.Load() {
		if done, err := u.single(ctx); done || err != nil {
			return err
		}
	}
	if u.at == nil {
		if err := u.begin(ctx); err != nil {
			return err
		}
	}
	if u.offset == 0 && u.blob.Size <= whole && (u.chunk == 0 || u.chunk >= u.blob.Size) {
		return u.commit(ctx, u.blob.Size)
	}
	for u.offset < u.blob.Size {
		if err := u.append(ctx); err != nil {
			return err
		}
	}
	return u.commit(ctx, 0)
}

// single sends a small blob with the request that would begin a session ("Single POST"), which Haven takes. A registry that begins one
// instead, or refuses, isn't asked so again.
func (u *upload) single(ctx context.Context) (done bool, err error) {
	at, err := u.in(u.repository, "/blobs/uploads/")
	if err != nil {
		return false, err
	}
	said, err := u.transmit(ctx, http.MethodPost, withQuery(at, "digest", u.blob.Digest.String()), http.Header{"Content-Type": {"application/octet-stream"}}, u.blob.Size, http.StatusCreated, http.StatusAccepted)
	if err != nil {
		return u.singleFailed(ctx, err)
	}
	if !strings.Contains(said.Get("Location"), "/blobs/uploads/") {
		return true, nil
	}
	u.noSingle.Store(true)
	u.offset = 0
	u.at, err = u.location(at, said)
	return false, err
}

func (u *upload) singleFailed(ctx context.Context, err error) (done bool, _ error) {
	if _, refused := errors.AsType[*AnswerError](err); refused {
		u.noSingle.Store(true)
		return false, nil // a session tells why
	}
	if _, away := errors.AsType[*UnreachableError](err); away {
		// Whether it was done before the line broke, the registry knows.
		if has, asked := u.HasBlob(ctx, u.repository, u.blob.Digest); asked == nil && has {
			return true, nil
		}
	}
	return false, err
}

// begin asks for a session.
func (u *upload) begin(ctx context.Context) error {
	at, err := u.in(u.repository, "/blobs/uploads/")
	if err != nil {
		return err
	}
	answer, err := u.ask(ctx, request{method: http.MethodPost, url: at, scopes: u.pushing(u.repository)}, http.StatusAccepted)
	if err != nil {
		return err
	}
	drain(answer)
	u.offset = 0
	u.at, err = u.location(answer.Request.URL, answer.Header)
	return err
}

// location is where an answer says that an upload goes on. A registry behind another server may not know that it is spoken to
// encrypted.
func (c *client) location(from *url.URL, h http.Header) (*url.URL, error) {
	u, err := from.Parse(h.Get("Location"))
	if err != nil || h.Get("Location") == "" || outbound.CheckURL(u) != nil {
		return nil, fmt.Errorf("%w: it doesn't say where an upload goes on", ErrNoRegistry)
	}
	if strings.EqualFold(u.Hostname(), c.base.Hostname()) && (u.Port() == c.base.Port() || u.Port() == "") {
		u.Scheme, u.Host = c.base.Scheme, c.base.Host
	}
	if c.base.Scheme == "https" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: an upload to %s", outbound.ErrRedirect, u.Host)
	}
	return u, nil
}

// resume asks how much of the upload the registry has. One that can't say, or may mean nothing or one byte, begins anew.
func (u *upload) resume(ctx context.Context) error {
	answer, err := u.ask(ctx, request{method: http.MethodGet, url: u.at, scopes: u.pushing(u.repository)}, http.StatusNoContent, http.StatusOK, http.StatusAccepted)
	if _, refused := errors.AsType[*AnswerError](err); refused {
		u.at, u.offset = nil, 0
		return nil
	}
	if err != nil {
		return err
	}
	drain(answer)
	has := held(answer.Header.Get("Range"))
	if has <= 1 || has > u.sent.read {
		u.giveUp(ctx)
		return nil
	}
	if next, err := u.location(answer.Request.URL, answer.Header); err == nil {
		u.at = next
	}
	u.offset = has
	return nil
}

// held is the number of bytes of a Range such as "0-1023"; 0 where it says nothing.
func held(header string) int64 {
	_, last, ok := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n + 1
}

// append sends what comes next: a chunk, or all that is left.
func (u *upload) append(ctx context.Context) error {
	n := u.blob.Size - u.offset
	if u.chunk > 0 {
		n = min(n, u.chunk)
	}
	h := http.Header{"Content-Type": {"application/octet-stream"}}
	if n < u.blob.Size { // all at once has none: some registries take it for the first of many
		h.Set("Content-Range", fmt.Sprintf("%d-%d", u.offset, u.offset+n-1))
	}
	said, err := u.transmit(ctx, http.MethodPatch, u.at, h, n, http.StatusAccepted, http.StatusNoContent)
	if err != nil {
		return err
	}
	u.offset += n
	if said.Get("Location") != "" {
		if u.at, err = u.location(u.at, said); err != nil {
			return err
		}
	}
	if has := held(said.Get("Range")); has > 1 && has != u.offset {
		if has > u.offset {
			return fmt.Errorf("%w: it says that it has more of an upload than it was sent", ErrNoRegistry)
		}
		u.offset = has // it took a part
	}
	return nil
}

// commit ends the upload, with its last n bytes.
func (u *upload) commit(ctx context.Context, n int64) error {
	if n == 0 && !u.sent.right() {
		return ErrDigest
	}
	at := withQuery(u.at, "digest", u.blob.Digest.String())
	_, err := u.transmit(ctx, http.MethodPut, at, http.Header{"Content-Type": {"application/octet-stream"}}, n, http.StatusCreated, http.StatusNoContent, http.StatusOK)
	if _, away := errors.AsType[*UnreachableError](err); away {
		// Whether it was done before the line broke, the registry knows.
		if has, asked := u.HasBlob(ctx, u.repository, u.blob.Digest); asked == nil && has {
			return nil
		}
	}
	return err
}

// transmit sends n bytes from the offset on, and returns the headers of the answer.
func (u *upload) transmit(ctx context.Context, method string, at *url.URL, h http.Header, n int64, statuses ...int) (http.Header, error) {
	q := request{method: method, url: at, header: h, scopes: u.pushing(u.repository), still: true}
	var source *part
	if n > 0 {
		q.size = n
		q.body = func() (io.ReadCloser, error) {
			if source != nil {
				_ = source.end() // a request that was refused
			}
			from, err := u.open(ctx, u.offset)
			if err != nil {
				return nil, fmt.Errorf("open the blob at byte %d: %w", u.offset, err)
			}
			source = &part{from: from, sum: u.sent, at: u.offset, left: n}
			return source, nil
		}
	}
	answer, err := u.send(ctx, q)
	if source != nil {
		if failed := source.end(); failed != nil {
			if err == nil {
				drain(answer)
			}
			return nil, failed
		}
	}
	if err != nil {
		return nil, err
	}
	for _, status := range statuses {
		if answer.StatusCode == status {
			drain(answer)
			return answer.Header, nil
		}
	}
	err = u.refusal(answer)
	if said, ok := errors.AsType[*AnswerError](err); ok && u.offset > 0 &&
		(said.Status == http.StatusNotFound || said.Status == http.StatusRequestedRangeNotSatisfiable) {
		return nil, fmt.Errorf("%w: %w", errLost, err)
	}
	return nil, err
}

// giveUp ends the session, if there is one.
func (u *upload) giveUp(ctx context.Context) {
	if u.at != nil {
		u.cancel(ctx, u.repository, u.at)
	}
	u.at, u.offset = nil, 0
}

// cancel tells the registry that nobody goes on with an upload. One that doesn't hear of it forgets it by itself.
func (c *client) cancel(ctx context.Context, repository string, at *url.URL) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer end()
	if answer, err := c.send(ctx, request{method: http.MethodDelete, url: at, scopes: c.pushing(repository), still: true}); err == nil {
		drain(answer)
	}
}

// summed is the digest of a blob's bytes so far, however often they are read.
type summed struct {
	blob oci.Descriptor
	hash hash.Hash
	read int64
}

// add takes bytes that begin at an offset, of which those that were taken before count no more.
func (s *summed) add(at int64, p []byte) {
	if skip := s.read - at; skip < int64(len(p)) {
		p = p[max(skip, 0):]
		s.hash.Write(p)
		s.read += int64(len(p))
	}
}

func (s *summed) right() bool {
	return s.read == s.blob.Size && oci.FromHash(s.blob.Digest.Algorithm(), s.hash) == s.blob.Digest
}

// part is what one request sends of a blob. It remembers why it failed: of that a client's error says little.
type part struct {
	from io.ReadCloser
	sum  *summed
	at   int64
	left int64

	mu     sync.Mutex
	failed error // what ended it
}

// errOver ends a part whose request is over: a client may still read it then.
var errOver = errors.New("the request is over")

// end is why the part failed; nil if it didn't. No byte of it counts from then on.
func (p *part) end() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = errOver
	}
	if p.failed == errOver {
		return nil
	}
	return p.failed
}

// Read implements io.Reader. The end of a blob with another digest never goes out.
func (p *part) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.from.Read(b[:min(int64(len(b)), p.left)])
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return 0, p.failed
	}
	p.sum.add(p.at, b[:n])
	p.at += int64(n)
	p.left -= int64(n)
	switch {
	case p.at == p.sum.blob.Size && !p.sum.right():
		p.failed = ErrDigest
	case p.left == 0:
		return n, io.EOF
	case err == io.EOF:
		p.failed = fmt.Errorf("the blob ended at byte %d: %w", p.at, io.ErrUnexpectedEOF)
	case err != nil:
		p.failed = err
	}
	if p.failed != nil {
		return 0, p.failed
	}
	return n, nil
}

// Close implements io.Closer.
func (p *part) Close() error { return p.from.Close() }
