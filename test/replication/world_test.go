//go:build acceptance

package replication

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/test/haventest"
)

// there is a registry that a Haven copies from or to.
type there struct {
	remote.Registry
	kind          remote.Kind
	url           string
	door          haventest.Door // of a Haven
	kill, restart func()
}

// client speaks with a registry as replication does; a test pushes and compares by it.
func client(t *testing.T, kind remote.Kind, url string) there {
	t.Helper()
	h := remote.NewHTTP()
	t.Cleanup(h.Close)
	e := remote.Endpoint{Kind: kind, URL: url}
	if kind == remote.Harbor {
		e.Credential = remote.Credential{Type: "basic", AccessKey: "admin", Secret: haventest.AdminPassword}
	}
	r, err := remote.New(e, remote.Deps{HTTP: h})
	if err != nil {
		t.Fatal(err)
	}
	return there{Registry: r, kind: kind, url: url}
}

func ofHaven(t *testing.T, s *haventest.Server) there {
	v := client(t, remote.Harbor, s.URL)
	v.door, v.kill, v.restart = s.Door, s.Kill, s.Restart
	return v
}

func ofDistribution(t *testing.T) there {
	d := startDistribution(t)
	v := client(t, remote.DockerRegistry, d.URL)
	v.kill, v.restart = d.kill, d.start
	return v
}

// distribution runs CNCF Distribution, which the caller may end and start again. It is ended with the test.
type distribution struct {
	t      *testing.T
	config string
	URL    string
	cmd    *exec.Cmd
}

func startDistribution(t *testing.T) *distribution {
	t.Helper()
	home := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	d := &distribution{t: t, config: filepath.Join(home, "config.yml"), URL: "http://" + host}
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}\nhttp: {addr: %q}\n", filepath.Join(home, "store"), host)
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d.start()
	t.Cleanup(d.kill)
	return d
}

func (d *distribution) start() {
	d.t.Helper()
	d.cmd = exec.Command(haventest.Tool(d.t, "distribution"), "serve", d.config)
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	await.Until(d.t, "Distribution answers", func() bool {
		answer, err := http.Get(d.URL + "/v2/")
		return err == nil && answer.Body.Close() == nil
	})
}

func (d *distribution) kill() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r there) blob(t *testing.T, repository, mediaType string, content []byte) oci.Descriptor {
	t.Helper()
	d := oci.Descriptor{MediaType: mediaType, Digest: oci.SHA256Of(content), Size: int64(len(content))}
	if has, err := r.HasBlob(t.Context(), repository, d.Digest); err == nil && has {
		return d
	}
	ok(t, r.PutBlob(t.Context(), repository, d, func(_ context.Context, offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content[offset:])), nil
	}, remote.PutOptions{}))
	return d
}

func (r there) put(t *testing.T, repository, tag, mediaType string, fields map[string]any) oci.Descriptor {
	t.Helper()
	fields["schemaVersion"], fields["mediaType"] = 2, mediaType
	text, err := json.Marshal(fields)
	ok(t, err)
	m := remote.Manifest{MediaType: mediaType, Digest: oci.SHA256Of(text), Bytes: text}
	ref := oci.DigestReference(m.Digest)
	if tag != "" {
		ref = oci.TagReference(tag)
	}
	ok(t, r.PutManifest(t.Context(), repository, ref, m))
	return oci.Descriptor{MediaType: mediaType, Digest: m.Digest, Size: int64(len(text))}
}

// image pushes an image of layers; its configuration has the words.
func (r there) image(t *testing.T, repository, tag, words string, layers ...[]byte) oci.Descriptor {
	t.Helper()
	ds := []oci.Descriptor{}
	for _, l := range layers {
		ds = append(ds, r.blob(t, repository, "application/vnd.oci.image.layer.v1.tar", l))
	}
	config := r.blob(t, repository, oci.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux","author":"`+words+`","rootfs":{"type":"layers","diff_ids":[]}}`))
	return r.put(t, repository, tag, oci.MediaTypeImageManifest, map[string]any{"config": config, "layers": ds})
}

// about pushes something that refers to a manifest.
func (r there) about(t *testing.T, repository string, subject oci.Descriptor, words string) oci.Descriptor {
	t.Helper()
	d := r.put(t, repository, "", oci.MediaTypeImageManifest, map[string]any{
		"artifactType": "application/vnd.example.statement", "subject": subject,
		"config": r.blob(t, repository, oci.MediaTypeEmpty, []byte("{}")), "layers": []oci.Descriptor{r.blob(t, repository, "text/plain", []byte(words))},
	})
	if r.kind == remote.DockerRegistry { // which doesn't find that out: its clients keep a list, as the specification says
		d.ArtifactType = "application/vnd.example.statement"
		known, err := r.Referrers(t.Context(), repository, subject.Digest)
		if err != nil && !errors.Is(err, remote.ErrNotFound) {
			t.Fatal(err)
		}
		r.put(t, repository, subject.Digest.ReferrersTag(), oci.MediaTypeImageIndex, map[string]any{"manifests": append(known, d)})
	}
	return d
}

// signed pushes what Cosign's older format has: a tag that is made of the digest.
func (r there) signed(t *testing.T, repository string, subject oci.Descriptor) {
	t.Helper()
	r.put(t, repository, subject.Digest.ReferrersTag()+".sig", oci.MediaTypeImageManifest, map[string]any{
		"config": r.blob(t, repository, oci.MediaTypeImageConfig, []byte(`{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":[]}}`)),
		"layers": []oci.Descriptor{r.blob(t, repository, "application/vnd.dev.cosign.simplesigning.v1+json", []byte("signed "+string(subject.Digest)))},
	})
}

// everything is all tags of a registry with their digests, and what refers to what they lead to.
func (r there) everything(t *testing.T, prefix string) map[string]oci.Digest {
	t.Helper()
	all := map[string]oci.Digest{}
	err := r.Repositories(t.Context(), prefix, func(name string) error {
		err := r.Tags(t.Context(), name, func(tag remote.Tag) error {
			if oci.TaggedDigest(tag.Name, "") != "" {
				return nil // a list of referrers, where the registry has no other
			}
			d, err := r.Head(t.Context(), name, oci.TagReference(tag.Name))
			all[name+":"+tag.Name] = d.Digest
			return err
		})
		if errors.Is(err, remote.ErrNotFound) {
			return nil
		}
		return err
	})
	ok(t, err)
	return all
}

// referrers are what refers to a manifest.
func (r there) referrers(t *testing.T, repository string, subject oci.Digest) (all []oci.Digest) {
	t.Helper()
	found, err := r.Referrers(t.Context(), repository, subject)
	if errors.Is(err, remote.ErrNotFound) {
		return nil
	}
	ok(t, err)
	for _, f := range found {
		all = append(all, f.Digest)
	}
	return all
}

// different is what differs between two registries.
func different(t *testing.T, a, b there, prefix string) (words []string) {
	t.Helper()
	x, y := a.everything(t, prefix), b.everything(t, prefix)
	for k, v := range x {
		if y[k] != v {
			words = append(words, fmt.Sprintf("%s is %s, and %q there", k, v, y[k]))
		}
	}
	for k := range y {
		if x[k] == "" {
			words = append(words, k+" is there alone")
		}
	}
	return words
}

func alike(t *testing.T, a, b there, prefix string) {
	t.Helper()
	words := different(t, a, b, prefix)
	for _, w := range words[:min(len(words), 10)] {
		t.Error(w)
	}
}

// register tells a Haven of a registry, and returns its number.
func register(t *testing.T, h haventest.Door, name string, kind remote.Kind, url string) int {
	t.Helper()
	body := map[string]any{"name": name, "type": kind, "url": url}
	if kind == remote.Harbor {
		body["credential"] = map[string]any{"type": "basic", "access_key": "admin", "access_secret": haventest.AdminPassword}
	}
	h.Admin(t, 201, "POST", "/api/v2.0/registries", body)
	var all []struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	read(t, h.Admin(t, 200, "GET", "/api/v2.0/registries?page_size=100", nil), &all)
	for _, r := range all {
		if r.Name == name {
			return r.ID
		}
	}
	t.Fatalf("registry %s isn't there", name)
	return 0
}

func read(t *testing.T, a haventest.Answer, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
}

// location is the number at the end of a Location.
func location(t *testing.T, a haventest.Answer) int {
	t.Helper()
	text := a.Header.Get("Location")
	n, err := strconv.Atoi(text[strings.LastIndex(text, "/")+1:])
	ok(t, err)
	return n
}

// policy makes one, of fields that differ from the usual.
func policy(t *testing.T, h haventest.Door, from, to int, fields map[string]any) int {
	t.Helper()
	body := map[string]any{
		"name": fmt.Sprintf("p%d", rand.Int64()), "src_registry": map[string]int{"id": from}, "dest_registry": map[string]int{"id": to}, "enabled": true, "override": true,
		"trigger": map[string]any{"type": "manual"},
	}
	for k, v := range fields {
		body[k] = v
	}
	return location(t, h.Admin(t, 201, "POST", "/api/v2.0/replication/policies", body))
}

type execution struct {
	ID                              int
	Status, Trigger                 string
	Text                            string `json:"status_text"`
	Total, Succeed, Failed, Stopped int
	StartTime                       time.Time `json:"start_time"`
	EndTime                         time.Time `json:"end_time"`
}

func start(t *testing.T, h haventest.Door, policy int) int {
	t.Helper()
	return location(t, h.Admin(t, 201, "POST", "/api/v2.0/replication/executions", map[string]int{"policy_id": policy}))
}

// wait waits for the end of an execution.
func wait(t *testing.T, h haventest.Door, id int) (e execution) {
	t.Helper()
	until(t, 10*time.Minute, "the execution ends", func() bool {
		read(t, h.Admin(t, 200, "GET", fmt.Sprintf("/api/v2.0/replication/executions/%d", id), nil), &e)
		return e.Status != "InProgress"
	})
	return e
}

// run carries a policy out, which must succeed.
func run(t *testing.T, h haventest.Door, policy int) execution {
	t.Helper()
	e := wait(t, h, start(t, h, policy))
	if e.Status != "Succeed" {
		t.Fatalf("the execution ended as %+v\n%s", e, logs(t, h, e.ID))
	}
	return e
}

func logs(t *testing.T, h haventest.Door, id int) (text string) {
	var tasks []struct {
		ID     int
		Status string
	}
	read(t, h.Admin(t, 200, "GET", fmt.Sprintf("/api/v2.0/replication/executions/%d/tasks?page_size=10", id), nil), &tasks)
	for _, task := range tasks {
		text += task.Status + "\n" + string(h.Admin(t, 200, "GET", fmt.Sprintf("/api/v2.0/replication/executions/%d/tasks/%d/log", id, task.ID), nil).Body)
	}
	return text
}

// until waits longer than await does: a line may be slow.
func until(t *testing.T, most time.Duration, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(most)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("after %s it isn't so that %s", most, what)
		}
		<-tick.C
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32())})
	_, _ = r.Read(b)
	return b
}
