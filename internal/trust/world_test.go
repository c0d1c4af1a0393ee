package trust

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
	ann   = authz.Principal{Kind: authz.User, ID: 1, Name: "ann"}
	alpha = Owner{ID: 1, Name: "alpha"}
	app   = registry.Ref{ProjectID: 1, Project: "alpha", Name: "app"}
	other = registry.Ref{ProjectID: 2, Project: "beta", Name: "app"}
)

// world is a registry with the projects alpha (1) and beta (2), whose signatures somebody judges.
type world struct {
	*testing.T
	*Service
	registry *registry.Service
	now      *time.Time
}

func each(t *testing.T, f func(w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) world {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	now := time.Now()
	clock := func() time.Time { return now }
	w := world{T: t, now: &now, registry: registry.New(registry.Deps{DB: d, Blobs: store, Clock: clock, Log: quiet, Wake: func() {}})}
	jobs := job.New(job.Deps{DB: d, Clock: time.Now, Log: quiet})
	w.Service = New(Deps{DB: d, Contents: w.registry, Jobs: jobs, Clock: clock, Log: quiet})
	w.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('ann', 'ann@example.com', 1, 1)`)
	for _, name := range []string{"alpha", "beta"} {
		w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) VALUES ($1, 1, 1, 1)`, name)
	}
	return w
}

// work does jobs until the test ends.
func (w world) work() {
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.jobs.Run(running) }()
	w.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
}

// settled hands events out and waits until no job is open.
func (w world) settled() {
	w.Helper()
	await.Until(w.T, "no job is open", func() bool {
		w.ok(event.NewDispatcher(w.db, quiet, w.Service).Drain(ctx))
		return w.count(`SELECT COUNT(*) FROM job_execution WHERE status IN ('Pending', 'Running')`) == 0
	})
}

func (w world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) exec(query string, args ...any) {
	w.Helper()
	w.ok(w.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

func (w world) count(query string, args ...any) int64 {
	w.Helper()
	n, err := db.Get(ctx, w.db.Auto(), db.ScanInt, query, args...)
	w.ok(err)
	return n
}

func (w world) blob(ref registry.Ref, mediaType string, content []byte) map[string]any {
	w.Helper()
	d := oci.SHA256Of(content)
	_, err := w.registry.PutBlob(ctx, ref, d, bytes.NewReader(content))
	w.ok(err)
	return map[string]any{"mediaType": mediaType, "digest": d, "size": len(content)}
}

func (w world) put(ref registry.Ref, tag, mediaType string, fields map[string]any) registry.Manifest {
	w.Helper()
	fields["schemaVersion"], fields["mediaType"] = 2, mediaType
	content, err := json.Marshal(fields)
	w.ok(err)
	at := tag
	if at == "" {
		at = string(oci.SHA256Of(content))
	}
	reference, err := oci.ParseReference(at)
	w.ok(err)
	put, err := w.registry.PutManifest(ctx, ann, ref, reference, mediaType, content)
	w.ok(err)
	return w.manifest(ref, put.Digest)
}

func (w world) manifest(ref registry.Ref, d oci.Digest) registry.Manifest {
	w.Helper()
	reference, err := oci.ParseReference(string(d))
	w.ok(err)
	m, err := w.registry.Manifest(ctx, ref, reference)
	w.ok(err)
	return m
}

func (w world) image(ref registry.Ref, tag string) registry.Manifest {
	w.Helper()
	return w.put(ref, tag, oci.MediaTypeImageManifest, map[string]any{
		"config": w.blob(ref, oci.MediaTypeImageConfig, []byte(`{"tag":"`+tag+`"}`)),
		"layers": []any{w.blob(ref, "application/vnd.oci.image.layer.v1.tar", []byte("layer of "+tag))},
	})
}

func (w world) index(ref registry.Ref, tag string, children ...registry.Manifest) registry.Manifest {
	w.Helper()
	var all []any
	for _, m := range children {
		all = append(all, map[string]any{"mediaType": m.MediaType, "digest": m.Digest, "size": m.Size})
	}
	return w.put(ref, tag, oci.MediaTypeImageIndex, map[string]any{"manifests": all})
}

// pair is a key that signs, and the same for policies.
type pair struct {
	*ecdsa.PrivateKey
	public string
}

func (w world) key() pair {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.ok(err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	w.ok(err)
	return pair{key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
}

// authority is the certificate of one, in PEM.
func (w world) authority() string {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.ok(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority of tests"}, NotBefore: *w.now, NotAfter: w.now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	w.ok(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// signature is a layer that signs a digest in Cosign's older form.
func (w world) signature(ref registry.Ref, key pair, subject oci.Digest) map[string]any {
	w.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":"x/%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}`, ref.FullName(), subject)
	sum := sha256.Sum256(payload)
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	w.ok(err)
	layer := w.blob(ref, "application/vnd.dev.cosign.simplesigning.v1+json", payload)
	layer["annotations"] = map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(sig)}
	return layer
}

// sign puts signatures where Cosign's tag for the subject is.
func (w world) sign(ref registry.Ref, subject oci.Digest, layers ...map[string]any) registry.Manifest {
	w.Helper()
	return w.put(ref, strings.Replace(string(subject), ":", "-", 1)+".sig", oci.MediaTypeImageManifest, map[string]any{
		"config": w.blob(ref, oci.MediaTypeImageConfig, []byte(`{}`)), "layers": layers,
	})
}

func (w world) trusts(o Owner, name string, keys ...pair) {
	w.Helper()
	w.ok(w.Set(ctx, ann, o, document(name, keys...)))
}

func document(name string, keys ...pair) []byte {
	var texts []string
	for _, k := range keys {
		texts = append(texts, k.public)
	}
	text, err := json.Marshal(map[string]any{"signers": []any{map[string]any{"name": name, "keys": texts}}, "require": map[string]any{"signed_by": name}})
	if err != nil {
		panic(err)
	}
	return text
}

// stands checks whether a manifest is trusted; what is missing else has the words.
func (w world) stands(ref registry.Ref, m registry.Manifest, trusted bool, words ...string) Standing {
	w.Helper()
	st, err := w.Standing(ctx, ref, m)
	w.ok(err)
	if st.Trusted != trusted || trusted != (st.Missing == "") {
		w.Errorf("%s stands as %+v, want trusted %v", m.Digest, st, trusted)
	}
	for _, word := range words {
		if !strings.Contains(st.Missing, word) {
			w.Errorf("%q is missing in %q", word, st.Missing)
		}
	}
	return st
}
