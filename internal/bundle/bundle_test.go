package bundle

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reading reads content, and breaks after so many bytes each time.
func reading(content string, breaks int) func(context.Context, int64) (io.ReadCloser, error) {
	return func(_ context.Context, offset int64) (io.ReadCloser, error) {
		r := io.Reader(strings.NewReader(content[offset:]))
		if breaks > 0 && len(content)-int(offset) > breaks {
			r = io.MultiReader(io.LimitReader(r, int64(breaks)), broken{})
		}
		return io.NopCloser(r), nil
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func blobOf(content string) oci.Descriptor {
	return oci.Descriptor{MediaType: oci.MediaTypeOctetStream, Digest: oci.SHA256Of([]byte(content)), Size: int64(len(content))}
}

const config = `{"architecture":"amd64","os":"linux"}`

func imageOf(layer string) remote.Manifest {
	l, c := blobOf(layer), blobOf(config)
	text := `{"schemaVersion":2,"mediaType":"` + oci.MediaTypeImageManifest + `","config":{"mediaType":"` + oci.MediaTypeImageConfig +
		`","digest":"` + c.Digest.String() + `","size":37},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"` + l.Digest.String() + `","size":5}]}`
	return remote.Manifest{MediaType: oci.MediaTypeImageManifest, Digest: oci.SHA256Of([]byte(text)), Bytes: []byte(text)}
}

// put puts an image, with its blobs unless they are there.
func (w *Writer) put(t *testing.T, repository, tag, layer string) {
	t.Helper()
	for _, content := range []string{layer, config} {
		ok(t, w.PutBlob(t.Context(), repository, blobOf(content), reading(content, 2), remote.PutOptions{}))
	}
	ok(t, w.PutManifest(t.Context(), repository, oci.TagReference(tag), imageOf(layer)))
}

func write(t *testing.T, path string, since *Reader, fill func(w *Writer)) *Reader {
	t.Helper()
	w, err := NewWriter(path, since)
	ok(t, err)
	fill(w)
	ok(t, w.Close())
	r, err := Open(path)
	ok(t, err)
	t.Cleanup(func() { ok(t, r.Close()) })
	return r
}

// What is put into a bundle comes out of it, and a bundle since another one leaves out what that has.
func TestWhatIsPutComesOut(t *testing.T) {
	dir := t.TempDir()
	first := write(t, filepath.Join(dir, "1.tar"), nil, func(w *Writer) {
		w.put(t, "team/app", "v1", "layer")
		ok(t, w.AddVulnerabilityDatabase(7, strings.NewReader("edition")))
	})
	second := write(t, filepath.Join(dir, "2.tar"), first, func(w *Writer) {
		w.put(t, "team/app", "v1", "layer")
		w.put(t, "team/app", "v2", "other")
	})
	var all []string
	ok(t, second.Repositories(t.Context(), "", func(name string) error {
		return second.Tags(t.Context(), name, func(tag remote.Tag) error {
			all = append(all, name+":"+tag.Name)
			return nil
		})
	}))
	if got := strings.Join(all, " "); got != "team/app:v1 team/app:v2" {
		t.Errorf("it holds %s", got)
	}
	m, err := second.Manifest(t.Context(), "team/app", oci.TagReference("v2"))
	ok(t, err)
	if !bytes.Equal(m.Bytes, imageOf("other").Bytes) {
		t.Errorf("manifest %s", m.Bytes)
	}
	content, err := second.OpenBlob(t.Context(), "team/app", blobOf("other"), 2)
	ok(t, err)
	if text, err := io.ReadAll(content); err != nil || string(text) != "her" {
		t.Errorf("blob from 2 on: %q, %v", text, err)
	}
	_, err = second.OpenBlob(t.Context(), "team/app", blobOf("layer"), 0)
	if !errors.Is(err, remote.ErrNotFound) || !strings.Contains(err.Error(), first.Note().ID) {
		t.Errorf("what the bundle before has: %v", err)
	}
	if second.Note().Since != first.Note().ID || len(second.Note().Held) != 5 {
		t.Errorf("note %+v", second.Note())
	}
	text, err := io.ReadAll(first.VulnerabilityDatabase())
	if err != nil || string(text) != "edition" || second.VulnerabilityDatabase() != nil {
		t.Errorf("vulnerability database %q, %v", text, err)
	}
	for _, r := range []*Reader{first, second} {
		var read, of int64
		ok(t, r.Verify(t.Context(), func(done, all int64) { read, of = done, all }))
		if read == 0 || read != of {
			t.Errorf("verified %d of %d bytes", read, of)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("files %v, %v", left, err)
	}
}

// A blob that comes with other bytes, or not at all, ends the bundle: no file is left.
func TestNoHalfBundle(t *testing.T) {
	dir := t.TempDir()
	for name, open := range map[string]func(context.Context, int64) (io.ReadCloser, error){
		"other bytes": reading("abcde", 0), "too few": reading("lay", 0),
	} {
		w, err := NewWriter(filepath.Join(dir, "b.tar"), nil)
		ok(t, err)
		if err := w.PutBlob(t.Context(), "team/app", blobOf("layer"), open, remote.PutOptions{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := w.Close(); err == nil {
			t.Errorf("%s: the bundle is made", name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("files %v, %v", left, err)
	}
}

// A file that isn't a whole bundle is told as such, with a word on what to do; and nothing of it is believed.
func TestDamagedBundles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.tar")
	write(t, path, nil, func(w *Writer) { w.put(t, "team/app", "v1", "layer") })
	whole, err := os.ReadFile(path)
	ok(t, err)
	replaced := func(from, to string) []byte {
		if len(from) != len(to) || !bytes.Contains(whole, []byte(from)) {
			t.Fatalf("%q for %q", to, from)
		}
		return bytes.ReplaceAll(whole, []byte(from), []byte(to))
	}
	for _, c := range []struct {
		name    string
		content []byte
		words   string
	}{
		{"empty", nil, "copied wholly"},
		{"text", []byte(strings.Repeat("no archive ", 100)), "no tar archive"},
		{"cut off", whole[:len(whole)/2], "ends early"},
		{"without a name", replaced(`"id":`, `"ix":`), noteName},
		{"of a newer program", replaced(`{"format":1`, `{"format":9`), "newer"},
		{"a repository outside", replaced(`"team/app"`, `"../../ap"`), "names a repository"},
		{"a tag that is none", replaced(`"team/app:v1"`, `"team/app:.1"`), "names a tag"},
	} {
		ok(t, os.WriteFile(path, c.content, 0o600))
		if _, err := Open(path); !errors.Is(err, ErrBundle) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v, want %q", c.name, err, c.words)
		}
	}
	ok(t, os.WriteFile(path, replaced("layer\x00", "laxer\x00"), 0o600))
	r, err := Open(path)
	ok(t, err)
	defer r.Close()
	if err := r.Verify(t.Context(), func(int64, int64) {}); !errors.Is(err, ErrBundle) || !strings.Contains(err.Error(), blobOf("layer").Digest.String()) {
		t.Errorf("other bytes: %v", err)
	}
	ok(t, os.WriteFile(path, replaced(`"schemaVersion":2,"mediaType":"`+oci.MediaTypeImageManifest, `"schemaVersion":3,"mediaType":"`+oci.MediaTypeImageManifest), 0o600))
	r, err = Open(path)
	ok(t, err)
	defer r.Close()
	if _, err := r.Manifest(t.Context(), "team/app", oci.TagReference("v1")); !errors.Is(err, ErrBundle) {
		t.Errorf("another manifest: %v", err)
	}
}

func TestParseChosen(t *testing.T) {
	for text, want := range map[string]Chosen{
		"team":                              {"team/**", ""},
		"team:v1":                           {"team/**", "v1"},
		"team/app":                          {"team/app", ""},
		"team/deep/er/app:v1.2":             {"team/deep/er/app", "v1.2"},
		"team/**:{a,b}*":                    {"team/**", "{a,b}*"},
		"team/app:semver:>=1.4 <2":          {"team/app", "semver:>=1.4 <2"},
		"regex:team/(app|db):regex:v[0-9]+": {"regex:team/(app|db)", "regex:v[0-9]+"},
	} {
		if got, err := ParseChosen(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", ":v1", "team/app:", "team/app@sha256:ab"} {
		if c, err := ParseChosen(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is taken for %+v, %v", text, c, err)
		}
	}
}
