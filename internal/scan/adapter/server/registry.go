package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	// maxBlob bounds a layer as it is sent, in bytes.
	maxBlob = 10 << 30
	// maxConfig bounds an image's config, in bytes.
	maxConfig    = 4 << 20
	maxRedirects = 5
	maxToken     = 64 << 10
)

// registries is how images are fetched. Their addresses come from who has the scanner's credential, and may be
// private; what they lead to may not, but for networks that the operator lists.
type registries struct{ small, large *outbound.Client }

func newRegistries(elsewhere outbound.Reach) *registries {
	p := outbound.Purpose{Reach: outbound.Administered(), Elsewhere: elsewhere, Redirects: maxRedirects, Proxied: true, MaxBody: oci.MaxManifestSize}
	large := p
	large.Timeout, large.MaxBody = -1, maxBlob // the scan's context bounds it
	return &registries{outbound.New(p), outbound.New(large)}
}

// source is one repository of one registry, for one scan.
type source struct {
	*registries
	order
	token string // Authorization that a token service gave; "" for the order's
}

// failed is why an image can't be scanned, in words for the registry.
type failed string

// Error implements error.
func (f failed) Error() string { return string(f) }

// get asks for a part of the repository. A registry that wants a token is asked for one, once.
func (s *source) get(ctx context.Context, by *outbound.Client, path, accept string) (*http.Response, error) {
	answer, err := s.try(ctx, by, path, accept)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || s.token != "" {
		return s.accepted(answer, path, err)
	}
	challenge := answer.Header.Get("WWW-Authenticate")
	answer.Body.Close()
	if s.token, err = s.fetchToken(ctx, challenge); err != nil {
		return nil, err
	}
	answer, err = s.try(ctx, by, path, accept)
	return s.accepted(answer, path, err)
}

func (s *source) try(ctx context.Context, by *outbound.Client, path, accept string) (*http.Response, error) {
	address := strings.TrimRight(s.registry.Scheme+"://"+s.registry.Host+s.registry.EscapedPath(), "/") + "/v2/" + s.artifact.Repository + path
	authorization := s.authorization.Reveal()
	if s.token != "" {
		authorization = s.token
	}
	return s.request(ctx, by, address, accept, secret.Text(authorization))
}

func (s *source) request(ctx context.Context, by *outbound.Client, address, accept string, authorization secret.Text) (*http.Response, error) {
	client, err := by.HTTP(outbound.Trust{SkipVerify: s.insecure})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, failed("the registry's address can't be used")
	}
	r.Header.Set("Accept", accept)
	if authorization != "" {
		r.Header.Set("Authorization", authorization.Reveal())
	}
	answer, err := client.Do(r)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w (%w)", failed("the registry can't be asked: "+outbound.Reason(err)), err)
	}
	return answer, err
}

func (s *source) accepted(answer *http.Response, path string, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, failed(fmt.Sprintf("the registry answers %d for %s", answer.StatusCode, path))
	}
	return answer, nil
}

// fetchToken asks the token service that a registry names. One on another origin isn't sent the credential (S5).
func (s *source) fetchToken(ctx context.Context, challenge string) (string, error) {
	realm, service, ok := bearerChallenge(challenge)
	u, err := url.Parse(realm)
	if !ok || err != nil || outbound.CheckURL(u) != nil {
		return "", failed("the registry refuses the authorization")
	}
	authorization := s.authorization
	if outbound.Origin(u) != outbound.Origin(s.registry) || !strings.HasPrefix(authorization.Reveal(), "Basic ") {
		authorization = ""
	}
	q := u.Query()
	q.Set("service", service)
	q.Set("scope", "repository:"+s.artifact.Repository+":pull")
	u.RawQuery = q.Encode()
	answer, err := s.request(outbound.LedBy(ctx, s.registry), s.small, u.String(), "application/json", authorization)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var given struct {
		Token  string `json:"token"`
		Access string `json:"access_token"`
	}
	if answer.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(answer.Body, maxToken)).Decode(&given) != nil || given.Token+given.Access == "" {
		return "", failed(fmt.Sprintf("the registry's token service answers %d without a token", answer.StatusCode))
	}
	if given.Token == "" {
		given.Token = given.Access
	}
	return "Bearer " + given.Token, nil
}

// bearerChallenge reads a WWW-Authenticate header of the scheme Bearer.
func bearerChallenge(header string) (realm, service string, ok bool) {
	rest, ok := strings.CutPrefix(header, "Bearer ")
	for ok && rest != "" {
		var key, value string
		key, rest, ok = strings.Cut(strings.TrimLeft(rest, " ,"), `="`)
		if !ok {
			break
		}
		if value, rest, ok = strings.Cut(rest, `"`); !ok {
			break
		}
		switch key {
		case "realm":
			realm = value
		case "service":
			service = value
		}
	}
	return realm, service, realm != ""
}

// manifest fetches the image's manifest, and checks its digest.
func (s *source) manifest(ctx context.Context) (*oci.Manifest, error) {
	answer, err := s.get(ctx, s.small, "/manifests/"+s.digest.String(), "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, s.broken(ctx, err)
	}
	if !s.digest.Matches(content) {
		return nil, failed("the registry sends another manifest than " + s.digest.String())
	}
	m, err := oci.ParseManifest(answer.Header.Get("Content-Type"), content)
	if err != nil {
		return nil, failed("the manifest can't be read: " + err.Error())
	}
	if m.IsIndex() {
		return nil, failed("an index is scanned by its images")
	}
	return m, nil
}

// blob opens a blob. What it reads is of the descriptor's size and digest: its end fails otherwise.
func (s *source) blob(ctx context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	if d.Size > maxBlob {
		return nil, failed(fmt.Sprintf("the layer %s has %d bytes, %d are read at most", d.Digest, d.Size, int64(maxBlob)))
	}
	answer, err := s.get(ctx, s.large, "/blobs/"+d.Digest.String(), "*/*") //nolint:bodyclose // who reads the blob closes it
	if err != nil {
		return nil, err
	}
	return &verified{body: answer.Body, digest: d.Digest, left: d.Size, sum: d.Digest.NewHash()}, nil
}

func (s *source) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w (%w)", failed("the registry's answer broke off: "+outbound.Reason(err)), err)
}

var errOtherBytes = errors.New("not the bytes that the digest names")

// verified reads what a digest names, or fails.
type verified struct {
	body   io.ReadCloser
	digest oci.Digest
	left   int64
	sum    hash.Hash
	err    error
}

// Read implements io.Reader.
func (v *verified) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.body.Read(p)
	v.sum.Write(p[:n])
	v.left -= int64(n)
	switch {
	case v.left < 0:
		err = errOtherBytes
	case errors.Is(err, io.EOF) && (v.left != 0 || oci.FromHash(v.digest.Algorithm(), v.sum) != v.digest):
		err = errOtherBytes
	}
	if err != nil {
		v.err = err
	}
	return n, err
}

// Close implements io.Closer.
func (v *verified) Close() error { return v.body.Close() }

// whole reads what nobody read, and reports whether all of it was what the digest names.
func (v *verified) whole() error {
	_, err := io.Copy(io.Discard, v)
	return err
}
