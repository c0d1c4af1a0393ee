// Package foreigntest is a registry with signed images that isn't asked as Haven is, for tests: Haven's own /v2/, behind a door
// that can be told to lack what other registries lack, and to fail as they do.
package foreigntest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	godigest "github.com/opencontainers/go-digest"
	spec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/cosign"
)

// Media types of Cosign's.
const (
	simpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"
	envelope      = "application/vnd.dsse.envelope.v1+json"
	signatureType = "application/vnd.dev.cosign.artifact.sig.v1+json"
	inToto        = "application/vnd.in-toto+json"
)

// Open and Closed are projects: everybody may read the first, the administrator the other.
const (
	Open   = "open"
	Closed = "closed"
)

// Registry is a running one.
type Registry struct {
	t    testing.TB
	Host string

	requests atomic.Int64
	door     atomic.Pointer[Door]
}

// Door answers a request instead of the registry, when it returns true.
type Door func(w http.ResponseWriter, r *http.Request) bool

// Start runs a registry until the test ends.
func Start(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{t: t}
	behind := apptest.Start(t, dbtest.SQLiteURL(t)).Handler()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.requests.Add(1)
		if door := r.door.Load(); door != nil && (*door)(w, q) {
			return
		}
		behind.ServeHTTP(w, q)
	}))
	t.Cleanup(front.Close)
	r.Host = front.Listener.Addr().String()
	for project, public := range map[string]string{Open: "true", Closed: "false"} {
		text := fmt.Sprintf(`{"project_name":%q,"metadata":{"public":%q}}`, project, public)
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL+"/api/v2.0/projects", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		q.SetBasicAuth("admin", apptest.AdminPassword)
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			t.Fatalf("make the project %s: %d", project, answer.StatusCode)
		}
	}
	return r
}

// Put stands in front of the registry from now on; nil leaves it.
func (r *Registry) Put(d Door) {
	if d == nil {
		r.door.Store(nil)
		return
	}
	r.door.Store(&d)
}

// Requests is how many came so far.
func (r *Registry) Requests() int64 { return r.requests.Load() }

func (r *Registry) repository(name string) *remote.Repository {
	r.t.Helper()
	repository, err := remote.NewRepository(r.Host + "/" + name)
	if err != nil {
		r.t.Fatal(err)
	}
	repository.PlainHTTP = true
	repository.Client = &auth.Client{Cache: auth.NewCache(), Credential: auth.StaticCredential(r.Host, auth.Credential{Username: "admin", Password: apptest.AdminPassword})}
	return repository
}

// Blob pushes bytes.
func (r *Registry) Blob(repository, mediaType string, content []byte) spec.Descriptor {
	r.t.Helper()
	d := describe(mediaType, content)
	if err := r.repository(repository).Blobs().Push(r.t.Context(), d, bytes.NewReader(content)); err != nil {
		r.t.Fatal(err)
	}
	return d
}

// Manifest pushes one, by a tag or, where that is "", by its digest.
func (r *Registry) Manifest(repository, tag, mediaType string, m any) spec.Descriptor {
	r.t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	d := describe(mediaType, text)
	if tag == "" {
		tag = d.Digest.String()
	}
	if err := r.repository(repository).PushReference(r.t.Context(), d, bytes.NewReader(text), tag); err != nil {
		r.t.Fatal(err)
	}
	return d
}

func describe(mediaType string, content []byte) spec.Descriptor {
	return spec.Descriptor{MediaType: mediaType, Digest: godigest.FromBytes(content), Size: int64(len(content))}
}

// Image pushes an image that is like no other.
func (r *Registry) Image(repository, tag string) spec.Descriptor {
	r.t.Helper()
	return r.Manifest(repository, tag, oci.MediaTypeImageManifest, r.manifest(repository, oci.MediaTypeImageConfig, []spec.Descriptor{
		r.Blob(repository, spec.MediaTypeImageLayer, []byte(rand.Text())),
	}))
}

func (r *Registry) manifest(repository, configType string, layers []spec.Descriptor) spec.Manifest {
	m := spec.Manifest{MediaType: oci.MediaTypeImageManifest, Config: r.Blob(repository, configType, []byte("{}")), Layers: layers}
	m.SchemaVersion = 2
	return m
}

// Index pushes an index of images.
func (r *Registry) Index(repository, tag string, of ...spec.Descriptor) spec.Descriptor {
	r.t.Helper()
	m := spec.Index{MediaType: oci.MediaTypeImageIndex, Manifests: of}
	m.SchemaVersion = 2
	return r.Manifest(repository, tag, oci.MediaTypeImageIndex, m)
}

// Key signs.
type Key struct {
	t   testing.TB
	key *ecdsa.PrivateKey
}

// NewKey makes one.
func NewKey(t testing.TB) Key {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return Key{t, key}
}

// Public is the public key in PEM.
func (k Key) Public() string {
	k.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.key.Public())
	if err != nil {
		k.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (k Key) sign(message []byte) []byte {
	k.t.Helper()
	sum := sha256.Sum256(message)
	signature, err := k.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		k.t.Fatal(err)
	}
	return signature
}

// Signature pushes what a layer of Cosign's holds that says that k has signed d.
func (r *Registry) Signature(repository string, k Key, d spec.Descriptor) spec.Descriptor {
	r.t.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":{"n":%q}}`, d.Digest, rand.Text())
	layer := r.Blob(repository, simpleSigning, payload)
	layer.Annotations = map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(k.sign(payload))}
	return layer
}

// SignatureTag is where Cosign puts signatures of d, and AttestationTag attestations.
func SignatureTag(d spec.Descriptor) string {
	return strings.Replace(d.Digest.String(), ":", "-", 1) + ".sig"
}

// AttestationTag is where Cosign puts attestations about d.
func AttestationTag(d spec.Descriptor) string {
	return strings.Replace(d.Digest.String(), ":", "-", 1) + ".att"
}

// SignByTag puts signatures beside d.
func (r *Registry) SignByTag(repository string, d spec.Descriptor, layers ...spec.Descriptor) {
	r.t.Helper()
	r.Manifest(repository, SignatureTag(d), oci.MediaTypeImageManifest, r.manifest(repository, oci.MediaTypeImageConfig, layers))
}

// SignByReferrer attaches a signature to d.
func (r *Registry) SignByReferrer(repository string, d spec.Descriptor, layers ...spec.Descriptor) spec.Descriptor {
	r.t.Helper()
	if !cosign.IsSignature(signatureType) {
		r.t.Fatalf("%s isn't known for signatures", signatureType)
	}
	m := r.manifest(repository, signatureType, layers)
	m.ArtifactType, m.Subject = signatureType, &d
	return r.Manifest(repository, "", oci.MediaTypeImageManifest, m)
}

// Attest puts an attestation beside d.
func (r *Registry) Attest(repository string, k Key, d spec.Descriptor, predicateType string) {
	r.t.Helper()
	payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"sha256":"%s"}}],"predicateType":%q,"predicate":{}}`, d.Digest.Encoded(), predicateType)
	signature := k.sign(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(inToto), inToto, len(payload), payload))
	text := fmt.Appendf(nil, `{"payloadType":%q,"payload":%q,"signatures":[{"keyid":"","sig":%q}]}`, inToto, base64.StdEncoding.EncodeToString(payload), base64.StdEncoding.EncodeToString(signature))
	layer := r.Blob(repository, envelope, text)
	layer.Annotations = map[string]string{"predicateType": predicateType, "dev.cosignproject.cosign/signature": ""}
	r.Manifest(repository, AttestationTag(d), oci.MediaTypeImageManifest, r.manifest(repository, oci.MediaTypeImageConfig, []spec.Descriptor{layer}))
}
