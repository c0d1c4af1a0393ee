package record_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

var digest = oci.SHA256Of([]byte("{}"))

func TestNamesComeBackAsTheyWere(t *testing.T) {
	long, err := oci.FromBytes("sha512", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []record.Name{
		{Kind: record.Project, Project: "library"},
		{Kind: record.Manifest, Project: "p", Repository: "a", Digest: digest},
		{Kind: record.Manifest, Project: "p", Repository: "a/b.c__d/e", Digest: long},
		{Kind: record.Manifest, Project: "p-1", Repository: strings.Repeat("r", 250), Digest: long},
	} {
		if err := blob.CheckRecordName(n.String()); err != nil {
			t.Errorf("%s: %v", n, err)
		}
		if got, err := record.ParseName(n.String()); err != nil || got != n {
			t.Errorf("%s came back as %+v, %v", n, got, err)
		}
	}
}

// No record is a folder of another one.
func TestNamesOfNestedRepositoriesKeepApart(t *testing.T) {
	var names []string
	for _, repository := range []string{"a", "a/b", "a/b/sha256", "a/sha256", "m", "a/" + digest.Hex()} {
		names = append(names, record.Name{Kind: record.Manifest, Project: "p", Repository: repository, Digest: digest}.String())
	}
	for _, a := range names {
		for _, b := range names {
			if strings.HasPrefix(a, b+"/") {
				t.Errorf("%s lies below %s", a, b)
			}
		}
	}
}

func TestOtherNamesAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "projects", "projects/", "projects/p/r", "projects/P", "tags/p/a/v1", "manifests/p/a/_m/sha256/00", "manifests/p/a/_m/" + digest.Hex(), "manifests/p/_m/sha256/" + digest.Hex(),
		"manifests/p/../_m/sha256/" + digest.Hex(), "blobs/p/a",
	} {
		if n, err := record.ParseName(s); !errors.Is(err, record.ErrName) {
			t.Errorf("%q: %+v, %v; want ErrName", s, n, err)
		}
	}
}

func TestTornContentIsRefused(t *testing.T) {
	const head = "haven-manifest 1 1700000000000000 " + oci.MediaTypeImageManifest + "\nv1 1700000001000000\n"
	whole := fmt.Sprintf("%s= %08x\n{}", head, crc32.Checksum([]byte(head), crc32.MakeTable(crc32.Castagnoli)))
	m, err := record.ParseManifest(digest, []byte(whole))
	if err != nil || m.MediaType != oci.MediaTypeImageManifest || string(m.Bytes) != "{}" || !m.PushedAt.Equal(time.Unix(1700000000, 0)) ||
		len(m.Tags) != 1 || m.Tags[0].Name != "v1" || !m.Tags[0].PushedAt.Equal(time.Unix(1700000001, 0)) {
		t.Fatalf("%+v, %v", m, err)
	}
	for n := range len(whole) {
		if _, err := record.ParseManifest(digest, []byte(whole[:n])); !errors.Is(err, record.ErrContent) {
			t.Errorf("%q: %v, want ErrContent", whole[:n], err)
		}
		wrong := []byte(whole)
		wrong[n] ^= 1
		if _, err := record.ParseManifest(digest, wrong); !errors.Is(err, record.ErrContent) {
			t.Errorf("%q: %v, want ErrContent", wrong, err)
		}
	}
	if _, err := record.ParseProject([]byte("{")); !errors.Is(err, record.ErrContent) {
		t.Errorf("project: %v, want ErrContent", err)
	}
}
