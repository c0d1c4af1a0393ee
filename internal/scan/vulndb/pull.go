package vulndb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"

	godigest "github.com/opencontainers/go-digest"
	spec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/havenregistry/haven/internal/fault"
)

// connect returns the source's repository, to be spoken to by a client.
func (s Source) connect(client *http.Client) (*remote.Repository, error) {
	r, err := remote.NewRepository(s.host + "/" + s.repository)
	if err != nil {
		return nil, fault.Invalidf("%s is no repository", s)
	}
	r.PlainHTTP = s.local()
	home := &url.URL{Scheme: "https", Host: r.Reference.Host()}
	if r.PlainHTTP {
		home.Scheme = "http"
	}
	// Which addresses may be asked is decided when they are dialled, by the client, and not by a list.
	a := &auth.Client{Client: keepAtHome(client, s, home), Cache: auth.NewCache(), BlockedRealmPrefixes: []netip.Prefix{}}
	a.SetUserAgent("haven")
	if s.user != "" {
		a.Credential = auth.StaticCredential(s.host, auth.Credential{Username: s.user, Password: s.password.Reveal()})
	}
	r.Client = a
	r.MaxMetadataBytes = maxManifest
	return r, nil
}

// latest finds the layer with the newest database.
func (s Source) latest(ctx context.Context, r *remote.Repository) (spec.Descriptor, error) {
	d, body, err := r.FetchReference(ctx, s.tag)
	if err != nil {
		return spec.Descriptor{}, fmt.Errorf("ask %s: %w", s, err)
	}
	defer func() { _ = body.Close() }()
	if d.Size > maxManifest {
		return spec.Descriptor{}, fault.Invalidf("the manifest of %s has %d bytes", s, d.Size)
	}
	text, err := content.ReadAll(body, d)
	if err != nil {
		return spec.Descriptor{}, fmt.Errorf("read the manifest of %s: %w", s, err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return spec.Descriptor{}, fault.Invalidf("the manifest of %s is not valid", s)
	}
	layer, digest, ok := m.databaseLayer()
	if !ok {
		return spec.Descriptor{}, fault.Invalidf("%s holds no vulnerability database", s)
	}
	if layer.Size > maxArchive {
		return spec.Descriptor{}, fault.Invalidf("the database of %s has %d bytes, at most %d are allowed", s, layer.Size, int64(maxArchive))
	}
	return spec.Descriptor{MediaType: layer.MediaType, Size: layer.Size, Digest: godigest.NewDigestFromEncoded(godigest.SHA256, digest)}, nil
}

// download writes a layer into dir. Its digest and size are checked when it is unpacked.
func download(ctx context.Context, r *remote.Repository, layer spec.Descriptor, dir string) (packed string, err error) {
	body, err := r.Blobs().Fetch(ctx, layer)
	if err != nil {
		return "", fmt.Errorf("download the database: %w", err)
	}
	defer func() { _ = body.Close() }()
	packed = filepath.Join(dir, "layer")
	f, err := os.OpenFile(packed, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	n, err := io.Copy(f, io.LimitReader(body, layer.Size+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("download the database: %w", err)
	}
	if n != layer.Size {
		return "", fault.Invalidf("the database has %d bytes, expected %d", n, layer.Size)
	}
	return packed, nil
}
