package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

// world is what a registry is opened in.
type world struct {
	t    *testing.T
	now  time.Time
	at   map[string]string // addresses of vendors' services
	env  map[string]string
	kind remote.Kind
}

func newWorld(t *testing.T, kind remote.Kind) *world {
	return &world{t: t, now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), at: map[string]string{}, env: map[string]string{}, kind: kind}
}

func (w *world) open(url, user, password string) remote.Registry {
	w.t.Helper()
	return w.with(remote.Endpoint{Kind: w.kind, URL: url, Credential: remote.Credential{Type: "basic", AccessKey: user, Secret: secretText(password)}})
}

func (w *world) with(e remote.Endpoint) remote.Registry {
	w.t.Helper()
	client := remote.NewHTTP(netip.MustParsePrefix("127.0.0.0/8"))
	w.t.Cleanup(client.Close)
	r, err := remote.New(e, remote.Deps{
		HTTP: client, Clock: func() time.Time { return w.now }, Environ: func(name string) string { return w.env[name] },
		At: func(origin string) string {
			if to, ok := w.at[origin]; ok {
				return to
			}
			w.t.Errorf("nobody said where %s is", origin)
			return "http://127.0.0.1:1"
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func ping(t *testing.T, r remote.Registry) {
	t.Helper()
	if err := remote.Ping(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestLists(t *testing.T) {
	fake := remotetest.New(t)
	fake.PageSize = 3
	for i := range 10 {
		fake.Image(fmt.Sprintf("a/%02d", i), "x")
		fake.Image("b/x", "x", fmt.Sprintf("v%02d", i))
	}
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	if all := remotetest.Repositories(t, r, ""); len(all) != 11 {
		t.Errorf("got %v", all)
	}
	if all := remotetest.Repositories(t, r, "b/"); !slices.Equal(all, []string{"b/x"}) {
		t.Errorf("got %v", all)
	}
	if all := remotetest.TagsOf(t, r, "b/x"); len(all) != 10 {
		t.Errorf("got %v", all)
	}
	stop := errors.New("enough")
	if err := r.Tags(t.Context(), "b/x", func(remote.Tag) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	// A list that leads to itself ends.
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		w.Header().Set("Link", "<"+q.URL.RequestURI()+`>; rel="next"`)
		remotetest.Answer(w, 200, map[string]any{"tags": []string{"a", "-b", "c d"}})
		return true
	}
	if all := remotetest.TagsOf(t, r, "b/x"); len(all) != 1 {
		t.Errorf("got %v", all)
	}
	for _, name := range []string{"../x", "A/b", "a//b", "a/b?c", ""} {
		if _, err := r.Head(t.Context(), name, oci.TagReference("v1")); !errors.Is(err, remote.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestManifests(t *testing.T) {
	fake := remotetest.New(t)
	d := fake.Image("a/b", "x", "v1", "v2")
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	m, err := r.Manifest(t.Context(), "a/b", oci.TagReference("v1"))
	if err != nil || m.Digest != d || !d.Matches(m.Bytes) {
		t.Fatalf("got %+v, %v", m, err)
	}
	if head, err := r.Head(t.Context(), "a/b", oci.TagReference("v1")); err != nil || head.Digest != d || head.Size != int64(len(m.Bytes)) {
		t.Errorf("got %+v, %v", head, err)
	}
	other := fake.Image("a/b", "y", "v3")
	lie := func(change func(h http.Header), body []byte) {
		fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
			w.Header().Set("Content-Type", m.MediaType)
			w.Header().Set("Docker-Content-Digest", string(d))
			change(w.Header())
			if q.Method == http.MethodGet {
				w.Write(body)
			}
			return true
		}
	}
	none := func(http.Header) {}
	lie(none, []byte("{}"))
	for _, ref := range []oci.Reference{oci.TagReference("v1"), oci.DigestReference(d)} {
		if _, err := r.Manifest(t.Context(), "a/b", ref); !errors.Is(err, remote.ErrManifest) {
			t.Errorf("other bytes: %v", err)
		}
	}
	lie(none, bytes.Repeat([]byte(" "), oci.MaxManifestSize+1))
	if _, err := r.Manifest(t.Context(), "a/b", oci.TagReference("v1")); err == nil {
		t.Error("too large, and taken")
	}
	lie(func(h http.Header) {
		h.Set("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws")
	}, m.Bytes)
	if _, err := r.Manifest(t.Context(), "a/b", oci.TagReference("v1")); !errors.Is(err, oci.ErrMediaTypeUnsupported) {
		t.Errorf("schema 1: %v", err)
	}
	lie(none, nil)
	if _, err := r.Head(t.Context(), "a/b", oci.DigestReference(other)); !errors.Is(err, remote.ErrManifest) {
		t.Errorf("another digest: %v", err)
	}
	// A registry that doesn't say what a tag means is asked for the manifest.
	lie(func(h http.Header) { h.Del("Docker-Content-Digest") }, m.Bytes)
	if head, err := r.Head(t.Context(), "a/b", oci.TagReference("v1")); err != nil || head.Digest != d {
		t.Errorf("got %+v, %v", head, err)
	}
}

// Where a tag isn't deleted alone, its manifest is, if it has no other.
func TestDeletion(t *testing.T) {
	fake := remotetest.New(t)
	fake.Image("a/b", "x", "v1", "v2")
	fake.Image("a/b", "y", "v3")
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	if err := r.DeleteTag(t.Context(), "a/b", "v1"); !errors.Is(err, remote.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if err := r.DeleteTag(t.Context(), "a/b", "v3"); err != nil {
		t.Error(err)
	}
	if err := r.DeleteTag(t.Context(), "a/b", "v3"); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if all := fake.Tags("a/b"); len(all) != 2 {
		t.Errorf("got %v", all)
	}
}

func TestReferrers(t *testing.T) {
	fake := remotetest.New(t)
	d := fake.Image("a/b", "x", "v1")
	w := newWorld(t, remote.DockerRegistry)
	r := w.open(fake.URL, "", "")
	text := fmt.Appendf(nil, `{"schemaVersion":2,"subject":{"digest":%q}}`, d)
	put := func(ref oci.Reference, mediaType string, text []byte) {
		t.Helper()
		if err := r.PutManifest(t.Context(), "a/b", ref, remote.Manifest{MediaType: mediaType, Digest: oci.SHA256Of(text), Bytes: text}); err != nil {
			t.Fatal(err)
		}
	}
	put(oci.DigestReference(oci.SHA256Of(text)), "application/vnd.oci.image.manifest.v1+json", text)
	found, err := r.Referrers(t.Context(), "a/b", d)
	if err != nil || len(found) != 1 || found[0].Digest != oci.SHA256Of(text) {
		t.Fatalf("got %v, %v", found, err)
	}
	fake.Referrers = false
	if found, err := r.Referrers(t.Context(), "a/b", d); err != nil || found != nil {
		t.Errorf("none: %v, %v", found, err)
	}
	index := fmt.Appendf(nil, `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":7},{"digest":"x"}]}`, oci.SHA256Of(text))
	put(oci.TagReference(d.ReferrersTag()), "application/vnd.oci.image.index.v1+json", index)
	if found, err := r.Referrers(t.Context(), "a/b", d); err != nil || len(found) != 1 || found[0].Size != 7 {
		t.Errorf("by the tag: %v, %v", found, err)
	}
	if n := len(fake.Asked("/referrers/")); n != 2 { // then it is known that there is no API
		t.Errorf("the API was asked %d times", n)
	}
	fake.Referrers = true // it has learnt it
	w.now = w.now.Add(10 * time.Minute)
	if found, err := r.Referrers(t.Context(), "a/b", d); err != nil || len(found) != 1 || found[0].Digest != oci.SHA256Of(text) || found[0].Size == 7 {
		t.Errorf("a while later: %v, %v", found, err)
	}
}

func TestBlobs(t *testing.T) {
	fake := remotetest.New(t)
	_, b := remotetest.Random(100_000)
	d := fake.Blob("a/b", b)
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "someone", "canary-1")
	read := func(d oci.Descriptor, offset int64) ([]byte, error) {
		body, err := r.OpenBlob(t.Context(), "a/b", d, offset)
		if err != nil {
			return nil, err
		}
		defer body.Close()
		return io.ReadAll(body)
	}
	for _, offset := range []int64{0, 1, 99_999} {
		if got, err := read(d, offset); err != nil || !bytes.Equal(got, b[offset:]) {
			t.Errorf("from %d on: %d bytes, %v", offset, len(got), err)
		}
	}
	longer := d
	longer.Size++
	if _, err := read(longer, 0); !errors.Is(err, remote.ErrManifest) {
		t.Errorf("another size: %v", err)
	}
	missing := d
	missing.Digest = oci.SHA256Of([]byte("nothing"))
	if _, err := read(missing, 0); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	// Storage elsewhere gets the range, and no credentials.
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		if q.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}
	var told atomic.Pointer[http.Header]
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		h := q.Header.Clone()
		told.Store(&h)
		if q.URL.Path == "/lost" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		http.ServeContent(w, q, "", time.Time{}, bytes.NewReader(b))
	}))
	t.Cleanup(storage.Close)
	to := storage.URL + "/bytes"
	before := fake.Before
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		if before(w, q) {
			return true
		}
		http.Redirect(w, q, to, http.StatusTemporaryRedirect)
		return true
	}
	if got, err := read(d, 50_000); err != nil || !bytes.Equal(got, b[50_000:]) {
		t.Errorf("from storage: %d bytes, %v", len(got), err)
	}
	if h := *told.Load(); h.Get("Authorization") != "" || h.Get("Range") != "bytes=50000-" {
		t.Errorf("the storage was told %v", h)
	}
	told.Store(nil)
	if has, err := r.HasBlob(t.Context(), "a/b", d.Digest); err != nil || !has || told.Load() != nil {
		t.Errorf("has: %t, %v", has, err)
	}
	to = storage.URL + "/lost"
	if _, err := read(d, 0); !isUnreachable(err) {
		t.Errorf("a signature that has ended: %v", err)
	}
	// No ranges.
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool { w.Write(b); return true }
	if _, err := read(d, 5); !errors.Is(err, remote.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	// A line that breaks.
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		w.Header().Set("Content-Length", "100000")
		w.Write(b[:1000])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if got, err := read(d, 0); !isUnreachable(err) || len(got) != 1000 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func isUnreachable(err error) bool {
	_, ok := errors.AsType[*remote.UnreachableError](err)
	return ok
}

func TestRefusals(t *testing.T) {
	fake := remotetest.New(t)
	w := newWorld(t, remote.DockerRegistry)
	r := w.open(fake.URL, "", "")
	status, header := 0, http.Header{}
	fake.Before = func(a http.ResponseWriter, _ *http.Request) bool {
		for name := range header {
			a.Header().Set(name, header.Get(name))
		}
		remotetest.Fail(a, status, "CODE", "words\x1b[31m")
		return true
	}
	for _, c := range []struct {
		status int
		header http.Header
		is     func(error) bool
	}{
		{401, nil, func(err error) bool { return errors.Is(err, remote.ErrDenied) }},
		{403, nil, func(err error) bool {
			return errors.Is(err, remote.ErrDenied) && strings.HasSuffix(err.Error(), "(it answers 403 CODE: words [31m)")
		}},
		{404, nil, func(err error) bool { return errors.Is(err, remote.ErrNotFound) }},
		{405, nil, func(err error) bool { return errors.Is(err, remote.ErrUnsupported) }},
		{500, nil, isUnreachable},
		{503, nil, isUnreachable},
		{429, nil, limited(0)},
		{429, http.Header{"Retry-After": {"30"}}, limited(30 * time.Second)},
		{429, http.Header{"Retry-After": {w.now.Add(time.Minute).Format(http.TimeFormat)}}, limited(time.Minute)},
		{429, http.Header{"Retry-After": {"999999999"}}, limited(24 * time.Hour)},
	} {
		status, header = c.status, c.header
		if _, err := r.Manifest(t.Context(), "a/b", oci.TagReference("v1")); !c.is(err) {
			t.Errorf("%d %v: %v", c.status, c.header, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Manifest(ctx, "a/b", oci.TagReference("v1")); !errors.Is(err, context.Canceled) || isUnreachable(err) {
		t.Errorf("given up: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := r.Manifest(ctx, "a/b", oci.TagReference("v1")); !isUnreachable(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("in no time: %v", err)
	}
}

// A registry that repeats what it was told doesn't have it written down, whole or in part (S17).
func TestSecretsInRefusals(t *testing.T) {
	fake := remotetest.New(t)
	r := newWorld(t, remote.Quay).open(fake.URL, "$oauthtoken", "canary-application")
	for _, distance := range []int{0, 285, 295} { // words are cut after 300 bytes
		fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
			told := strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")
			remotetest.Fail(w, http.StatusForbidden, "NOT-"+told, strings.Repeat("x", distance)+told)
			return true
		}
		err := r.Repositories(t.Context(), "a/", func(string) error { return nil })
		if !errors.Is(err, remote.ErrDenied) || strings.Contains(err.Error(), "can") || !strings.Contains(err.Error(), "NOT-[redacted]") {
			t.Errorf("got %v", err)
		}
	}
	// A name and password are repeated as they were sent, too.
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		remotetest.Fail(w, http.StatusUnauthorized, "X", q.Header.Get("Authorization"))
		return true
	}
	if err := remote.Ping(t.Context(), r); !errors.Is(err, remote.ErrCredential) || !strings.HasSuffix(err.Error(), "(it answers 401 X: Basic [redacted])") {
		t.Errorf("got %v", err)
	}
}

func limited(after time.Duration) func(error) bool {
	return func(err error) bool {
		l, ok := errors.AsType[*remote.LimitError](err)
		return ok && l.RetryAfter == after
	}
}

func TestLimits(t *testing.T) {
	fake := remotetest.New(t)
	fake.Image("a/b", "x", "v1")
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	if _, ok := r.(remote.Metered).Limits(); ok {
		t.Error("limits, and nobody was asked")
	}
	fake.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Ratelimit-Limit", "100;w=21600")
		w.Header().Set("Ratelimit-Remaining", "76;w=21600")
		return false
	}
	if _, err := r.Head(t.Context(), "a/b", oci.TagReference("v1")); err != nil {
		t.Fatal(err)
	}
	if l, ok := r.(remote.Metered).Limits(); !ok || l.Limit != 100 || l.Remaining != 76 || l.Window != 6*time.Hour {
		t.Errorf("got %+v", l)
	}
}
