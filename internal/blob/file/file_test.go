package file

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/blobtest"
	"github.com/havenregistry/haven/internal/oci"
)

const upload = "0192f0c1-7d3e-7000-8000-000000000000"

func TestContract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Driver {
		dir := filepath.Join(t.TempDir(), "store")
		return blobtest.Driver{
			ByDigest: true, Local: true,
			Open:    func(t *testing.T) blob.Store { return open(t, dir) },
			Objects: func(t *testing.T) []string { return objects(t, dir) },
		}
	})
}

// at is the upload with so many bytes acknowledged.
func at(size int64) blob.Upload { return blob.Upload{ID: upload, Size: size} }

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// objects lists all files, and the directories of single blobs when they are empty.
func objects(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			found = append(found, name)
			return nil
		}
		inside, err := os.ReadDir(name)
		if len(entry.Name()) >= 64 && len(inside) == 0 {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLayout(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Append(t.Context(), at(0), strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "uploads", upload)); err != nil {
		t.Error(err)
	}
	location, err := s.Commit(t.Context(), at(5), oci.SHA256Of([]byte("hello")))
	if err != nil {
		t.Fatal(err)
	}
	const want = "docker/registry/v2/blobs/sha256/2c/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824/data"
	if location != want {
		t.Errorf("location %s, want %s", location, want)
	}
	if got, err := os.ReadFile(filepath.Join(dir, want)); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// A volume may hold symbolic links that somebody planted; none leads out.
func TestLinksDoNotLeadOut(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, uploadsDir, upload)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Append(t.Context(), at(0), strings.NewReader("overwritten")); err == nil {
		t.Errorf("appended through a link: %+v", n)
	}
	if r, err := s.ReadUpload(t.Context(), at(11)); err == nil {
		t.Errorf("read through a link: %v", r)
	}
	name := location(oci.SHA256Of([]byte("x")))
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Open(t.Context(), name); err == nil {
		t.Errorf("opened a blob through a link: %v", c)
	}
	if got, _ := os.ReadFile(secret); string(got) != "secret" {
		t.Errorf("the file outside now holds %q", got)
	}
}

// A request whose client is long gone must not write into an upload that another one
// goes on with, and never into the blob.
func TestBusyUpload(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	body, client := io.Pipe()
	first := make(chan error)
	go func() {
		_, err := s.Append(t.Context(), at(0), body)
		first <- err
	}()
	if _, err := client.Write([]byte("slow")); err != nil {
		t.Fatal(err)
	}
	other := open(t, dir)
	if _, err := other.Append(t.Context(), at(0), strings.NewReader("fast")); !errors.Is(err, blob.ErrUploadBusy) {
		t.Errorf("second append: %v, want ErrUploadBusy", err)
	}
	if _, err := other.Commit(t.Context(), at(4), oci.SHA256Of([]byte("slow"))); !errors.Is(err, blob.ErrUploadBusy) {
		t.Errorf("commit: %v, want ErrUploadBusy", err)
	}
	client.Close()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if _, err := other.Commit(t.Context(), at(4), oci.SHA256Of([]byte("slow"))); err != nil {
		t.Errorf("commit after the append: %v", err)
	}
}

// An append that had the file open when the upload was committed must not go on.
func TestLockOfCommittedUpload(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Append(t.Context(), at(0), strings.NewReader("content")); err != nil {
		t.Fatal(err)
	}
	f, err := s.uploads.OpenFile(upload, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := s.Commit(t.Context(), at(7), oci.SHA256Of([]byte("content"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.lock(f, upload); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("got %v, want ErrUploadUnknown", err)
	}
}

// A late Delete may take the blob's directory away just before a commit fills it.
func TestCommitWhileItsDirectoryGoes(t *testing.T) {
	s := open(t, t.TempDir())
	d := oci.SHA256Of([]byte("content"))
	for range 200 {
		if _, err := s.Append(t.Context(), at(0), strings.NewReader("content")); err != nil {
			t.Fatal(err)
		}
		var late sync.WaitGroup
		late.Go(func() { _ = s.root.Remove(filepath.Dir(location(d))) })
		target, err := s.Commit(t.Context(), at(7), d)
		if err != nil {
			t.Fatal(err)
		}
		late.Wait()
		if err := s.Delete(t.Context(), target); err != nil {
			t.Fatal(err)
		}
	}
}

// tracingListener notes whether responses come as files to the connection's ReadFrom,
// from where the kernel sends them.
type tracingListener struct {
	net.Listener
	fromFile chan bool
}

func (l tracingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tracingConn{c.(*net.TCPConn), l.fromFile}, nil
}

type tracingConn struct {
	*net.TCPConn
	fromFile chan bool
}

func (c tracingConn) ReadFrom(r io.Reader) (int64, error) {
	src := r
	if limited, ok := r.(*io.LimitedReader); ok {
		src = limited.R
	}
	_, isFile := src.(syscall.Conn)
	c.fromFile <- isFile
	return c.TCPConn.ReadFrom(r)
}

func TestServeContentReachesSendfile(t *testing.T) {
	s := open(t, t.TempDir())
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	if _, err := s.Append(t.Context(), at(0), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	target, err := s.Commit(t.Context(), at(int64(len(content))), oci.SHA256Of(content))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fromFile := make(chan bool, 10)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.Open(r.Context(), target)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer c.Close()
		w.Header().Set("Content-Type", oci.MediaTypeOctetStream)
		http.ServeContent(w, r, "", time.Time{}, c)
	})}
	go server.Serve(tracingListener{plain, fromFile})
	defer server.Close()
	for header, want := range map[string][]byte{"": content, "bytes=10-499999": content[10:500_000]} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+plain.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			request.Header.Set("Range", header)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("range %q: %d bytes, %v; want %d", header, len(got), err, len(want))
		}
		if !<-fromFile {
			t.Errorf("range %q: the response was not sent from the file", header)
		}
	}
}

// Appending costs no memory per byte.
func TestAppendAllocatesNothingPerChunk(t *testing.T) {
	s := open(t, t.TempDir())
	var before, after runtime.MemStats
	appendZeros := func() {
		if _, err := s.Append(t.Context(), at(0), io.LimitReader(zeros{}, 64<<20)); err != nil {
			t.Fatal(err)
		}
	}
	appendZeros()
	runtime.ReadMemStats(&before)
	appendZeros()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 2*copySize {
		t.Errorf("64 MiB allocated %d bytes", grown)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
