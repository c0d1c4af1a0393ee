package signing

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

const (
	mediaTypeSimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"
	annotationSignature    = "dev.cosignproject.cosign/signature"
	// maxSignatures is how many layers Cosign reads under one tag.
	maxSignatures = 1000
	// maxSignatureConfig bounds the configuration under a tag, in bytes: it grows by some hundred with each signature.
	maxSignatureConfig = 1 << 20
	// tagTries is how often a signature is added anew, because others were at the same moment.
	tagTries = 10
)

// claim is what Cosign signs of an image in its tag scheme, in Red Hat's words ("simple signing").
type claim struct {
	Critical struct {
		Identity struct {
			DockerReference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			DockerManifestDigest oci.Digest `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]string `json:"optional"`
}

func (s *Service) claimOf(t target) ([]byte, error) {
	var c claim
	c.Critical.Identity.DockerReference = strings.TrimPrefix(s.host+"/"+t.ref.FullName(), "/")
	c.Critical.Image.DockerManifestDigest = t.digest
	c.Critical.Type = "cosign container image signature"
	return json.Marshal(c)
}

// addSignature adds a signature to those under Cosign's tag, unless the key's is there.
func (r *run) addSignature(ctx context.Context, w work) error {
	if w.digest.Algorithm() != oci.SHA256 {
		r.Logf("%s is not signed in the format %s: the tag of such a digest is longer than a tag may be", w.name(), w.format)
		return nil
	}
	payload, err := r.claimOf(w.target)
	if err != nil {
		return err
	}
	signature, err := w.key.sign(payload)
	if err != nil {
		return err
	}
	layer := oci.Describe(mediaTypeSimpleSigning, payload)
	layer.Annotations = map[string]string{annotationSignature: base64.StdEncoding.EncodeToString(signature)}
	tag := w.digest.ReferrersTag() + ".sig"
	for range tagTries {
		done, err := r.tryToAdd(ctx, w, tag, payload, layer)
		if done || err != nil && !errors.Is(err, registry.ErrTagMoved) {
			return err
		}
	}
	return fmt.Errorf("others add to %s all the time: %w", tag, registry.ErrTagMoved)
}

// tryToAdd is registry.ErrTagMoved when another signature came in the same moment.
func (r *run) tryToAdd(ctx context.Context, w work, tag string, payload []byte, layer oci.Descriptor) (done bool, err error) {
	before, err := r.registry.Manifest(ctx, w.ref, oci.TagReference(tag))
	if isGone(err) {
		before, err = registry.Manifest{}, nil
	}
	if err != nil {
		return false, err
	}
	var s signatures
	if before.Digest == "" {
		s = noSignatures()
	} else if s, err = r.signaturesIn(ctx, w.ref, before); err != nil {
		return false, err
	}
	if s.holds(layer.Digest, w.key.public) {
		return true, nil
	}
	text, config, err := s.with(layer)
	if err != nil {
		return false, err
	}
	if err := r.pushBlobs(ctx, w.ref, config, payload); err != nil {
		return false, err
	}
	put, err := r.registry.PutManifestOver(ctx, ourselves, w.ref, tag, before.Digest, s.mediaType, text)
	if err != nil {
		return false, refusedByRegistry(err)
	}
	r.Logf("%s is signed in the format %s by key %d: %s", w.name(), w.format, w.key.id, put.Digest)
	return true, nil
}

// signatures is what lies under a tag.
type signatures struct {
	mediaType string
	text      []byte // the manifest
	config    []byte
	layers    []oci.Descriptor
}

// noSignatures is where to begin: as Cosign does, an image without layers.
func noSignatures() signatures {
	config := []byte(`{"architecture":"","config":{},"created":"0001-01-01T00:00:00Z","history":[],"os":"","rootfs":{"type":"layers","diff_ids":[]}}`)
	described, _ := json.Marshal(oci.Describe(oci.MediaTypeImageConfig, config)) // can't fail
	return signatures{
		mediaType: oci.MediaTypeImageManifest, config: config,
		text: fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[]}`, oci.MediaTypeImageManifest, described),
	}
}

func (r *run) signaturesIn(ctx context.Context, in registry.Ref, m registry.Manifest) (signatures, error) {
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	if err != nil || parsed.IsIndex() {
		return signatures{}, refuse("something that holds no signatures has the tag of its signatures")
	}
	s := signatures{mediaType: m.MediaType, text: m.Content, layers: parsed.Layers}
	if len(s.layers) >= maxSignatures {
		return s, nil // nothing is added, with says so
	}
	if parsed.Config.Size > maxSignatureConfig {
		return s, refuse("the configuration beside its signatures has %d bytes, at most %d are read", parsed.Config.Size, maxSignatureConfig)
	}
	s.config, err = r.registry.ReadBlob(ctx, in, parsed.Config.Digest, maxSignatureConfig)
	if err != nil {
		return s, fmt.Errorf("read the configuration beside the signatures: %w", err)
	}
	return s, nil
}

// holds reports whether a signature of these bytes by the key is there. The digest of the bytes is the hash that is signed.
func (s signatures) holds(payload oci.Digest, key *ecdsa.PublicKey) bool {
	hash, err := hex.DecodeString(payload.Hex())
	if err != nil {
		return false
	}
	for _, layer := range s.layers[:min(len(s.layers), maxSignatures)] {
		if layer.Digest != payload || layer.MediaType != mediaTypeSimpleSigning {
			continue
		}
		signature, err := base64.StdEncoding.DecodeString(layer.Annotations[annotationSignature])
		if err == nil && ecdsa.VerifyASN1(key, hash, signature) {
			return true
		}
	}
	return false
}

// with is the manifest and the configuration with one signature more. All else in them stays as it is, whoever wrote it.
func (s signatures) with(layer oci.Descriptor) (text, config []byte, err error) {
	if len(s.layers) >= maxSignatures {
		return nil, nil, refuse("it has %d signatures, no more are read", len(s.layers))
	}
	manifest, layers, err := fieldAndList(s.text, "layers")
	if err != nil {
		return nil, nil, refuse("the manifest of its signatures can't be read: %v", err)
	}
	added, err := json.Marshal(layer)
	if err != nil {
		return nil, nil, err
	}
	if manifest["layers"], err = json.Marshal(append(layers, added)); err != nil {
		return nil, nil, err
	}
	if config = grown(s.config, layer.Digest, len(layers)); config == nil {
		config = s.config
	} else if manifest["config"], err = redescribed(manifest["config"], config); err != nil {
		return nil, nil, refuse("the manifest of its signatures can't be read: %v", err)
	}
	text, err = json.Marshal(manifest)
	return text, config, err
}

// fieldAndList reads an object, and the list in one of its fields.
func fieldAndList(text []byte, name string) (fields map[string]json.RawMessage, list []json.RawMessage, err error) {
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, nil, err
	}
	if fields == nil {
		return nil, nil, errors.New("it is no object")
	}
	if len(fields[name]) > 0 {
		err = json.Unmarshal(fields[name], &list)
	}
	return fields, list, err
}

// grown is an image's configuration with a layer more, or nil where it isn't one of n layers: it doesn't matter to who verifies.
func grown(config []byte, layer oci.Digest, n int) []byte {
	fields, history, err := fieldAndList(config, "history")
	if err != nil {
		return nil
	}
	rootfs, ids, err := fieldAndList(fields["rootfs"], "diff_ids")
	if err != nil || len(ids) != n {
		return nil
	}
	id, err := json.Marshal(layer)
	if err == nil {
		rootfs["diff_ids"], err = json.Marshal(append(ids, id))
	}
	if err == nil {
		fields["rootfs"], err = json.Marshal(rootfs)
	}
	if err == nil {
		fields["history"], err = json.Marshal(append(history, json.RawMessage(`{"created":"0001-01-01T00:00:00Z"}`)))
	}
	if err != nil {
		return nil
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return text
}

// redescribed is a descriptor of other bytes.
func redescribed(descriptor json.RawMessage, content []byte) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(descriptor, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, errors.New("it has no configuration")
	}
	delete(fields, "data") // the bytes themselves
	fields["digest"] = json.RawMessage(fmt.Sprintf("%q", oci.SHA256Of(content)))
	fields["size"] = json.RawMessage(fmt.Sprint(len(content)))
	return json.Marshal(fields)
}
