//go:build acceptance

package registries

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// push brings an image over, as replication does.
func push(t *testing.T, r remote.Registry, repository string, m remote.Manifest, blobs [][]byte, tags ...string) {
	t.Helper()
	if err := r.Prepare(t.Context(), repository, false); err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		d := oci.Descriptor{Digest: oci.SHA256Of(b), Size: int64(len(b))}
		if err := r.PutBlob(t.Context(), repository, d, remotetest.From(b), remote.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tag := range tags {
		if err := r.PutManifest(t.Context(), repository, oci.TagReference(tag), m); err != nil {
			t.Fatal(err)
		}
	}
}

func image(words string) (remote.Manifest, [][]byte) {
	config, layer := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","words":%q}`, words), []byte("layer of "+words)
	text := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		oci.SHA256Of(config), len(config), oci.SHA256Of(layer), len(layer))
	return remote.Manifest{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: oci.SHA256Of(text), Bytes: text}, [][]byte{config, layer}
}

// Haven itself, which Harbor's API is spoken to.
func TestHarbor(t *testing.T) {
	s := apptest.Start(t, dbtest.SQLiteURL(t))
	api := func(method, path, body string) int {
		t.Helper()
		q, err := http.NewRequest(method, s.URL+"/api/v2.0"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.SetBasicAuth("admin", apptest.AdminPassword)
		q.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	kind := remote.Harbor
	at := func(user, password string) remote.Registry {
		t.Helper()
		return open(t, remote.Endpoint{Kind: kind, URL: s.URL, Credential: remote.Credential{Type: "basic", AccessKey: user, Secret: secret.Text(password)}})
	}
	r := at("admin", apptest.AdminPassword)
	if err := remote.Ping(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := remote.Ping(t.Context(), at("admin", "wrong")); !errors.Is(err, remote.ErrCredential) {
		t.Errorf("with a wrong password: %v", err)
	}
	for _, name := range []string{"team/app", "team/deep/er", "other/app"} {
		for i := range 2 {
			m, blobs := image(fmt.Sprint(name, i))
			push(t, r, name, m, blobs, fmt.Sprintf("v%d", i), fmt.Sprintf("also-v%d", i))
		}
	}
	for prefix, want := range map[string]string{
		"": "[other/app team/app team/deep/er]", "team/": "[team/app team/deep/er]", "te": "[team/app team/deep/er]", "team/deep/": "[team/deep/er]",
	} {
		if all := remotetest.Repositories(t, r, prefix); fmt.Sprint(all) != want {
			t.Errorf("%q: got %v, want %s", prefix, all, want)
		}
	}
	if err := r.Repositories(t.Context(), "nosuch/", func(string) error { return nil }); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	m, _ := image("team/deep/er1")
	tags := remotetest.TagsOf(t, r, "team/deep/er")
	if len(tags) != 4 || tags["v1"] != m.Digest || tags["also-v1"] != m.Digest {
		t.Errorf("got %v", tags)
	}
	if err := r.Tags(t.Context(), "team/nosuch", func(remote.Tag) error { return nil }); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("got %v", err)
	}

	if status := api("POST", "/labels", `{"name":"good","scope":"g"}`); status != 201 {
		t.Fatal(status)
	}
	if status := api("POST", "/projects/team/repositories/deep%252Fer/artifacts/v1/labels", `{"id":1}`); status != 200 {
		t.Fatal(status)
	}
	for tag, want := range map[string]string{"v1": "[good]", "v0": "[]"} {
		if names, err := r.(remote.Labelled).Labels(t.Context(), "team/deep/er", oci.TagReference(tag)); err != nil || fmt.Sprint(names) != want {
			t.Errorf("%s: got %v, %v", tag, names, err)
		}
	}

	if err := r.DeleteTag(t.Context(), "team/deep/er", "v1"); err != nil {
		t.Fatal(err)
	}
	if tags := remotetest.TagsOf(t, r, "team/deep/er"); len(tags) != 3 || tags["also-v1"] != m.Digest {
		t.Errorf("got %v", tags)
	}
	if err := r.DeleteManifest(t.Context(), "team/deep/er", m.Digest); err != nil {
		t.Fatal(err)
	}
	if tags := remotetest.TagsOf(t, r, "team/deep/er"); len(tags) != 2 {
		t.Errorf("got %v", tags)
	}
	if err := r.Prepare(t.Context(), "flat", false); !errors.Is(err, remote.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	// It is private unless that was asked for, and strangers don't hear of it.
	stranger := at("", "")
	if _, err := stranger.Head(t.Context(), "team/app", oci.TagReference("v1")); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("got %v", err)
	}
	if err := r.Prepare(t.Context(), "open/app", true); err != nil {
		t.Fatal(err)
	}
	m, blobs := image("open")
	push(t, r, "open/app", m, blobs, "v1")
	if d, err := stranger.Head(t.Context(), "open/app", oci.TagReference("v1")); err != nil || d.Digest != m.Digest {
		t.Errorf("got %v, %v", d, err)
	}
	// Distribution's own way into the same registry.
	kind = remote.DockerRegistry
	plain := at("admin", apptest.AdminPassword)
	if err := remote.Ping(t.Context(), plain); err != nil {
		t.Fatal(err)
	}
	if all := remotetest.Repositories(t, plain, "team/"); len(all) != 2 {
		t.Errorf("got %v", all)
	}
	if all := remotetest.TagsOf(t, plain, "team/app"); len(all) != 4 {
		t.Errorf("got %v", all)
	}
	if err := plain.DeleteTag(t.Context(), "team/app", "v1"); err != nil {
		t.Error(err)
	}
}
