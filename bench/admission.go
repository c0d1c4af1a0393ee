package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// coldTags is how many names the one image has where nothing is remembered: who asks for a name that another is asking for
// waits for his answer, and is no question.
const coldTags = 64

// admissionPolicy asks Haven about registry.test/, and verifies by itself what the registry at Haven's address holds.
const admissionPolicy = `haven: {url: %q, username_file: username, password_file: password}
registries:
- {prefix: registry.test/, by: haven}
- prefix: %s/
  by: signatures
  plain_http: true
  credentials_file: config.json
  trust: {signers: [{name: bench, keys: [%q]}]}
%s
`

// forgetful remembers nothing of verdicts.
const forgetful = "cache: {allowed: 0s, refused: 0s, tag: 0s}"

// measureAdmission has reviews of a pod answered by `haven admission`, which asks the server.
func measureAdmission(ctx context.Context, o options, r *report, s *server, c *client, m *image, key string) error {
	t := r.table("Admission", fmt.Sprintf("Reviews of a pod with one signed image over HTTPS, answered by `haven admission` on the same machine. Cold: no verdict is remembered, one of %d tags is asked about. "+
		"Warm: the verdict is remembered. By itself: it reads the signature from the registry and verifies it. CPU is the webhook's alone.", coldTags),
		"what", "clients", "reviews", "reviews/s", "p50 ms", "p99 ms", "CPU ms/review")
	token, err := c.login(ctx, m.repository, "pull,push")
	if err != nil {
		return err
	}
	for i := range coldTags {
		if err := c.putManifest(ctx, m, m.repository, fmt.Sprintf("t%d", i), token); err != nil {
			return err
		}
	}
	host := strings.TrimPrefix(s.url, "http://")
	for _, how := range []struct {
		name, cache, registry string
		tags                  int
	}{
		{"Haven is asked, cold", forgetful, "registry.test", coldTags},
		{"Haven was asked, warm", "", "registry.test", 1},
		{"verified by itself, cold", forgetful, host, coldTags},
		{"verified by itself, warm", "", host, 1},
	} {
		if err := admissionLoads(ctx, o, t, fmt.Sprintf(admissionPolicy, s.url, host, key, how.cache), how.name, func(i int) string {
			return fmt.Sprintf("%s/%s:t%d", how.registry, m.repository, i%how.tags)
		}); err != nil {
			return fmt.Errorf("%s: %w", how.name, err)
		}
	}
	return nil
}

// admissionLoads measures one policy by a webhook of its own.
func admissionLoads(ctx context.Context, o options, t *table, policy, name string, image func(i int) string) (err error) {
	w, remove, err := startWebhook(ctx, o, policy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	for _, clients := range []int{1, 8} {
		out, err := load{clients, o.sizes().requests / 4, o.sizes().limit}.run(ctx, w.server, func(ctx context.Context, _, i int) error { return w.review(ctx, image(i)) })
		if err != nil {
			return err
		}
		outcomes{{out}}.addRow(t, 0, name, clients)
	}
	return nil
}

// webhook is a running `haven admission`.
type webhook struct {
	*server
	http *http.Client
}

// startWebhook starts one outside of any cluster. remove ends it.
func startWebhook(ctx context.Context, o options, policy string) (w *webhook, remove func() error, err error) {
	dir, err := os.MkdirTemp(o.dir, "haven-bench-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	certificate, key, err := certificateOf(net.IPv4(127, 0, 0, 1))
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, hostOf(policy), base64.StdEncoding.EncodeToString([]byte("admin:"+adminPassword)))
	for name, text := range map[string]string{"policy.yaml": policy, "username": "admin", "password": adminPassword, "config.json": config, "tls.crt": certificate, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, nil, errors.Join(err, remove())
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(certificate))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}} // as API servers do
	s := &server{name: "haven admission", url: "https://" + address, dataDir: dir, readyPath: "/readyz", tokens: true, client: client}
	if err := s.run(ctx, o.haven, []string{"HAVEN_LOG_LEVEL=warn"}, "admission", "--policy", "policy.yaml", "--listen", address,
		"--tls-cert-file", "tls.crt", "--tls-key-file", "tls.key", "--drain-delay", "0s"); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return &webhook{s, client}, func() error {
		client.CloseIdleConnections()
		return errors.Join(s.stop(), os.RemoveAll(dir))
	}, nil
}

// hostOf is the registry that a policy has verified.
func hostOf(policy string) string {
	_, rest, _ := strings.Cut(policy, "- prefix: ")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// certificateOf is a certificate that stands for itself, and its key, in PEM.
func certificateOf(ip net.IP) (certificate, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{ip},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), nil
}

// review asks as an API server does that is to store a pod; the pod must be let in.
func (w *webhook) review(ctx context.Context, image string) error {
	body := fmt.Appendf(nil, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","kind":{"group":"","version":"v1","kind":"Pod"},`+
		`"operation":"CREATE","namespace":"default","userInfo":{},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":%q}]}}}}`, image)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/validate?timeout=10s", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := w.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"allowed":true`))) {
		err = fmt.Errorf("not allowed: %d %s", answer.StatusCode, text)
	}
	return err
}
