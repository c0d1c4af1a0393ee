package remotetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Random is a blob that nobody has.
func Random(n int) (oci.Descriptor, []byte) {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return oci.Descriptor{MediaType: "application/octet-stream", Digest: oci.SHA256Of(b), Size: int64(n)}, b
}

// From opens bytes as remote.Registry.PutBlob wants them.
func From(b []byte) func(context.Context, int64) (io.ReadCloser, error) {
	return func(_ context.Context, offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b[offset:])), nil
	}
}

// Repositories are those below a prefix, sorted.
func Repositories(t testing.TB, r remote.Registry, prefix string) []string {
	t.Helper()
	var all []string
	if err := r.Repositories(t.Context(), prefix, func(name string) error { all = append(all, name); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// TagsOf are a repository's, with the digests that listing tells.
func TagsOf(t testing.TB, r remote.Registry, repository string) map[string]oci.Digest {
	t.Helper()
	all := map[string]oci.Digest{}
	if err := r.Tags(t.Context(), repository, func(tag remote.Tag) error { all[tag.Name] = tag.Digest; return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}
