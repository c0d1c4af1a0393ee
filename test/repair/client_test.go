//go:build acceptance

package repair

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

const (
	imageType = "application/vnd.oci.image.manifest.v1+json"
	indexType = "application/vnd.oci.image.index.v1+json"
	layerType = "application/vnd.oci.image.layer.v1.tar"
)

// client pushes, and remembers what it pushed.
type client struct {
	t      *testing.T
	server *haventest.Server
	random *rand.ChaCha8

	manifests map[string][]byte            // repository@digest → bytes
	types     map[string]string            // digest → media type
	tags      map[string]map[string]string // repository → tag → digest
	blobs     map[string][]byte            // digest → bytes
	members   map[string]map[string]bool   // repository → digests of blobs
	subjects  map[string]map[string]bool   // repository@digest → digests of what refers to it
}

func newClient(t *testing.T, server *haventest.Server) *client {
	return &client{t: t, server: server, random: rand.NewChaCha8([32]byte{1}), manifests: map[string][]byte{}, types: map[string]string{},
		tags: map[string]map[string]string{}, blobs: map[string][]byte{}, members: map[string]map[string]bool{}, subjects: map[string]map[string]bool{}}
}

// call sends a request as the administrator and returns what came back.
func (c *client) call(method, path, mediaType string, body []byte) (int, http.Header, []byte) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, resp.Header, content
}

func (c *client) must(want int, method, path, mediaType string, body []byte) []byte {
	c.t.Helper()
	status, _, content := c.call(method, path, mediaType, body)
	if status != want {
		c.t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, content)
	}
	return content
}

func digestOf(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// descriptor is how a manifest names something.
type descriptor struct {
	MediaType string            `json:"mediaType"`
	Digest    string            `json:"digest"`
	Size      int               `json:"size"`
	Platform  map[string]string `json:"platform,omitempty"`
}

func (c *client) blob(repository, mediaType string, content []byte) descriptor {
	c.t.Helper()
	return c.blobAs(repository, mediaType, digestOf(content), content)
}

func (c *client) blobAs(repository, mediaType, d string, content []byte) descriptor {
	c.t.Helper()
	c.must(http.StatusCreated, http.MethodPost, "/v2/"+repository+"/blobs/uploads/?digest="+d, "application/octet-stream", content)
	c.blobs[d] = content
	c.member(repository, d)
	return descriptor{MediaType: mediaType, Digest: d, Size: len(content)}
}

func (c *client) mount(repository, from string, d descriptor) {
	c.t.Helper()
	c.must(http.StatusCreated, http.MethodPost, "/v2/"+repository+"/blobs/uploads/?mount="+d.Digest+"&from="+from, "", nil)
	c.member(repository, d.Digest)
}

func (c *client) member(repository, digest string) {
	if c.members[repository] == nil {
		c.members[repository] = map[string]bool{}
	}
	c.members[repository][digest] = true
}

// longLayer pushes a layer by its SHA-512.
func (c *client) longLayer(repository string) descriptor {
	c.t.Helper()
	content := c.layer(5000)
	return c.blobAs(repository, layerType, fmt.Sprintf("sha512:%x", sha512.Sum512(content)), content)
}

// layer is bytes that nobody else has.
func (c *client) layer(size int) []byte {
	content := make([]byte, size)
	_, _ = c.random.Read(content)
	return content
}

func (c *client) manifest(repository string, m map[string]any, tags ...string) descriptor {
	c.t.Helper()
	m["schemaVersion"] = 2
	content, err := json.MarshalIndent(m, "", "   ") // exact bytes count, not what they mean
	if err != nil {
		c.t.Fatal(err)
	}
	d := digestOf(content)
	mediaType := m["mediaType"].(string)
	for _, reference := range append([]string{d}, tags...) {
		c.must(http.StatusCreated, http.MethodPut, "/v2/"+repository+"/manifests/"+reference, mediaType, content)
	}
	c.manifests[repository+"@"+d], c.types[d] = content, mediaType
	if c.tags[repository] == nil {
		c.tags[repository] = map[string]string{}
	}
	for _, tag := range tags {
		c.tags[repository][tag] = d
	}
	if subject, ok := m["subject"].(descriptor); ok {
		key := repository + "@" + subject.Digest
		if c.subjects[key] == nil {
			c.subjects[key] = map[string]bool{}
		}
		c.subjects[key][d] = true
	}
	return descriptor{MediaType: mediaType, Digest: d, Size: len(content)}
}

// image pushes an image, and returns it and its layer.
func (c *client) image(repository, seed string, tags ...string) (image, layer descriptor) {
	c.t.Helper()
	config := c.blob(repository, "application/vnd.oci.image.config.v1+json", fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Labels":{"seed":%q}}}`, seed))
	layer = c.blob(repository, layerType, c.layer(20_000))
	return c.manifest(repository, map[string]any{"mediaType": imageType, "config": config, "layers": []descriptor{layer}}, tags...), layer
}

// check pulls all that was pushed and compares it.
func (c *client) check() {
	c.t.Helper()
	for name, content := range c.manifests {
		repository, d, _ := strings.Cut(name, "@")
		status, header, got := c.call(http.MethodGet, "/v2/"+repository+"/manifests/"+d, "", nil)
		if status != http.StatusOK || !bytes.Equal(got, content) || header.Get("Content-Type") != c.types[d] {
			c.t.Errorf("%s: status %d, %d bytes of %s; want %d of %s", name, status, len(got), header.Get("Content-Type"), len(content), c.types[d])
		}
	}
	for repository, tags := range c.tags {
		var list struct{ Tags []string }
		c.decode("/v2/"+repository+"/tags/list", &list)
		slices.Sort(list.Tags)
		if want := slices.Sorted(maps.Keys(tags)); !slices.Equal(list.Tags, want) {
			c.t.Errorf("tags of %s are %v, want %v", repository, list.Tags, want)
		}
		for tag, d := range tags {
			if _, header, _ := c.call(http.MethodHead, "/v2/"+repository+"/manifests/"+tag, "", nil); header.Get("Docker-Content-Digest") != d {
				c.t.Errorf("%s:%s is %s, want %s", repository, tag, header.Get("Docker-Content-Digest"), d)
			}
		}
	}
	for repository, digests := range c.members {
		for d := range digests {
			if status, _, got := c.call(http.MethodGet, "/v2/"+repository+"/blobs/"+d, "", nil); status != http.StatusOK || !bytes.Equal(got, c.blobs[d]) {
				c.t.Errorf("blob %s of %s: status %d, %d bytes", d, repository, status, len(got))
			}
		}
	}
	for name, want := range c.subjects {
		repository, d, _ := strings.Cut(name, "@")
		var index struct{ Manifests []descriptor }
		c.decode("/v2/"+repository+"/referrers/"+d, &index)
		got := map[string]bool{}
		for _, m := range index.Manifests {
			got[m.Digest] = true
		}
		if !maps.Equal(got, want) {
			c.t.Errorf("%s is referred to by %v, want %v", name, got, want)
		}
	}
}

func (c *client) decode(path string, into any) {
	c.t.Helper()
	if err := json.Unmarshal(c.must(http.StatusOK, http.MethodGet, path, "", nil), into); err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
}
