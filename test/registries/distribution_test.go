//go:build acceptance

package registries

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
	"github.com/havenregistry/haven/test/haventest"
)

// distribution runs CNCF Distribution until the test ends, with what its configuration has besides, and returns its address.
func distribution(t *testing.T, besides string) string {
	t.Helper()
	home := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	config := filepath.Join(home, "config.yml")
	text := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}\nhttp: {addr: %q}\n%s\n", filepath.Join(home, "store"), host, besides)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(haventest.Tool(t, "distribution"), "serve", config)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s", log.Bytes())
		}
	})
	await.Until(t, "Distribution answers", func() bool {
		answer, err := http.Get("http://" + host + "/v2/")
		return err == nil && answer.Body.Close() == nil
	})
	return "http://" + host
}

// passwords is a configuration that asks for a name and password.
func passwords(t *testing.T, user, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(path, fmt.Appendf(nil, "%s:%s\n", user, hash), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("auth: {htpasswd: {realm: test, path: %q}}", path)
}

func open(t *testing.T, e remote.Endpoint) remote.Registry {
	t.Helper()
	client := remote.NewHTTP()
	t.Cleanup(client.Close)
	r, err := remote.New(e, remote.Deps{HTTP: client})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDistribution(t *testing.T) {
	open1 := distribution(t, "")
	closed := distribution(t, passwords(t, "someone", "canary-1"))
	t.Run("open", func(t *testing.T) { conversation(t, remote.Endpoint{Kind: remote.DockerRegistry, URL: open1}) })
	t.Run("passwords", func(t *testing.T) {
		e := remote.Endpoint{Kind: remote.DockerRegistry, URL: closed}
		if err := open(t, e).(remote.Pinger).Ping(t.Context()); !errors.Is(err, remote.ErrDenied) {
			t.Errorf("without a password: %v", err)
		}
		e.Credential = remote.Credential{Type: "basic", AccessKey: "someone", Secret: "canary-2"}
		if err := open(t, e).(remote.Pinger).Ping(t.Context()); !errors.Is(err, remote.ErrCredential) {
			t.Errorf("with a wrong one: %v", err)
		}
		e.Credential.Secret = "canary-1"
		conversation(t, e)
	})
}

// conversation is all that a registry is asked.
func conversation(t *testing.T, e remote.Endpoint) {
	ctx, r := t.Context(), open(t, e)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.(remote.Pinger).Ping(ctx))
	must(r.Prepare(ctx, "a/b", false))
	small, smallBytes := remotetest.Random(1000)
	large, largeBytes := remotetest.Random(3 << 20)
	for _, o := range []remote.PutOptions{{Chunk: 1 << 20}, {}} {
		repository := fmt.Sprintf("a/b%d", o.Chunk)
		for d, b := range map[*oci.Descriptor][]byte{&small: smallBytes, &large: largeBytes} {
			must(r.PutBlob(ctx, repository, *d, remotetest.From(b), o))
			body, err := r.OpenBlob(ctx, repository, *d, 500)
			must(err)
			got, err := io.ReadAll(body)
			body.Close()
			if err != nil || !bytes.Equal(got, b[500:]) {
				t.Fatalf("read back %d bytes, %v", len(got), err)
			}
		}
	}
	wrong := small
	wrong.Digest = large.Digest
	if err := r.PutBlob(ctx, "a/b1", wrong, remotetest.From(smallBytes), remote.PutOptions{}); !errors.Is(err, remote.ErrDigest) {
		t.Errorf("other bytes: %v", err)
	}
	if mounted, err := r.MountBlob(ctx, "a/c", large, "a/b0"); err != nil || !mounted {
		t.Errorf("mount: %t, %v", mounted, err)
	}
	if mounted, err := r.MountBlob(ctx, "a/c", small, "a/nowhere"); err != nil || mounted {
		t.Errorf("mount of nothing: %t, %v", mounted, err)
	}
	if has, err := r.HasBlob(ctx, "a/c", small.Digest); err != nil || has {
		t.Errorf("has: %t, %v", has, err)
	}
	must(r.PutBlob(ctx, "a/c", small, remotetest.From(smallBytes), remote.PutOptions{}))
	if has, err := r.HasBlob(ctx, "a/c", small.Digest); err != nil || !has {
		t.Errorf("has not: %t, %v", has, err)
	}

	text := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		small.Digest, small.Size, large.Digest, large.Size)
	m := remote.Manifest{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: oci.SHA256Of(text), Bytes: text}
	must(r.PutManifest(ctx, "a/c", oci.TagReference("v1"), m))
	must(r.PutManifest(ctx, "a/c", oci.TagReference("v2"), m))
	got, err := r.Manifest(ctx, "a/c", oci.TagReference("v1"))
	must(err)
	if got.Digest != m.Digest || !bytes.Equal(got.Bytes, text) || got.MediaType != m.MediaType {
		t.Errorf("got %+v", got)
	}
	d, err := r.Head(ctx, "a/c", oci.DigestReference(m.Digest))
	if err != nil || d.Digest != m.Digest || d.Size != int64(len(text)) || d.MediaType != m.MediaType {
		t.Errorf("head %+v, %v", d, err)
	}
	if _, err := r.Head(ctx, "a/c", oci.TagReference("v3")); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("head of nothing: %v", err)
	}
	if found, err := r.Referrers(ctx, "a/c", m.Digest); err != nil || len(found) != 0 {
		t.Errorf("referrers: %v, %v", found, err)
	}
	signature := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":%d,"artifactType":"a/b"}]}`, m.Digest, len(text))
	must(r.PutManifest(ctx, "a/c", oci.TagReference(m.Digest.ReferrersTag()), remote.Manifest{MediaType: "application/vnd.oci.image.index.v1+json", Digest: oci.SHA256Of(signature), Bytes: signature}))
	if found, err := r.Referrers(ctx, "a/c", m.Digest); err != nil || len(found) != 1 || found[0].ArtifactType != "a/b" {
		t.Errorf("tagged referrers: %v, %v", found, err)
	}

	var names, tags []string
	must(r.Repositories(ctx, "a/", func(name string) error { names = append(names, name); return nil }))
	if !slices.Contains(names, "a/c") {
		t.Errorf("repositories: %v", names)
	}
	must(r.Tags(ctx, "a/c", func(tag remote.Tag) error { tags = append(tags, tag.Name); return nil }))
	if len(tags) != 3 {
		t.Errorf("tags: %v", tags)
	}
	if err := r.Tags(ctx, "a/nowhere", func(remote.Tag) error { return nil }); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("tags of nothing: %v", err)
	}
	must(r.DeleteTag(ctx, "a/c", "v1"))
	if _, err := r.Head(ctx, "a/c", oci.TagReference("v2")); err != nil {
		t.Errorf("the other tag went too: %v", err)
	}
	must(r.DeleteManifest(ctx, "a/c", m.Digest))
	if _, err := r.Head(ctx, "a/c", oci.TagReference("v2")); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("after the deletion: %v", err)
	}
}
