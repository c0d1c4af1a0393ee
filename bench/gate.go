package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// maxGateShare is how much longer a pull may take because the gate is asked, in percent of the median.
const maxGateShare = 3.0

// measureGate pulls an image from a project that demands nothing, and one from a project that demands a signature
// which the image has, by turns; and asks whether it may be run.
func measureGate(ctx context.Context, o options, r *report) (err error) {
	s, remove, err := newServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c, sizes := newClient(s), o.sizes()
	if err := c.api(ctx, "/projects", map[string]any{"project_name": "signed"}, http.StatusCreated); err != nil {
		return err
	}
	free, err := newImage("library/bench", "latest", 8)
	if err != nil {
		return err
	}
	signed, err := newImage("signed/bench", "latest", 8) // the same bytes
	if err != nil {
		return err
	}
	if err := errors.Join(c.push(ctx, free, patching), c.push(ctx, signed, patching)); err != nil {
		return err
	}
	key, err := c.demandSignature(ctx, signed)
	if err != nil {
		return err
	}
	t := r.table("The gate", fmt.Sprintf("Whole pulls of the same bytes by turns, from a project that demands nothing and from one that demands a signature by a key. "+
		"A verdict is a request to /api/haven/v1/evaluate for one image. Medians of %d rounds.", 2*sizes.rounds),
		"what", "clients", "requests", "requests/s", "p50 ms", "p99 ms", "CPU ms/request")
	for _, clients := range []int{1, 8} {
		got := make(outcomes, 2)
		for range 2 * sizes.rounds {
			for i, m := range []*image{free, signed} {
				out, err := load{clients, sizes.requests / 10, sizes.limit}.run(ctx, s, func(ctx context.Context, _, _ int) error { return c.pull(ctx, m) })
				if err != nil {
					return err
				}
				got[i] = append(got[i], out)
			}
		}
		for i, name := range []string{"pull, nothing demanded", "pull, a signature demanded"} {
			got.addRow(t, i, name, clients)
		}
		if clients == 1 {
			before, after := got.median(0, millisecondsAt(50)), got.median(1, millisecondsAt(50))
			r.target("the gate on a pull, of p50", "%", 100*(after-before)/before, maxGateShare)
		}
	}
	ask := request{method: http.MethodPost, url: "/api/haven/v1/evaluate", basic: true, content: []byte(`{"images":["signed/bench:latest"]}`),
		header: map[string]string{"Content-Type": "application/json"}}
	for _, clients := range []int{1, 8} {
		out, err := load{clients, sizes.requests / 4, sizes.limit}.run(ctx, s, func(ctx context.Context, _, _ int) error {
			_, answer, err := c.call(ctx, ask, http.StatusOK)
			if err == nil && !strings.Contains(string(answer), `"allowed":true`) {
				err = fmt.Errorf("not allowed: %s", answer)
			}
			return err
		})
		if err != nil {
			return err
		}
		outcomes{{out}}.addRow(t, 0, "verdict", clients)
	}
	return measureAdmission(ctx, o, r, s, c, signed, key)
}

// addRow adds a row of one of several loads.
func (o outcomes) addRow(t *table, which int, name string, clients int) {
	t.add(name, clients, o[which][0].done, o.median(which, outcome.rate), o.median(which, millisecondsAt(50)),
		o.median(which, millisecondsAt(99)), o.median(which, outcome.cost))
}

// demandSignature signs an image as Cosign does, and has its project demand that signature. It returns the public key.
func (c *client) demandSignature(ctx context.Context, m *image) (public string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", err
	}
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}`, m.digest)
	sum := sha256.Sum256(payload)
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	token, err := c.login(ctx, m.repository, "pull,push")
	if err != nil {
		return "", err
	}
	config := []byte("{}")
	for _, b := range [][]byte{payload, config} {
		if err := c.pushBlob(ctx, m.repository, token, digestOf(b), b, patching); err != nil {
			return "", err
		}
	}
	signed := &image{}
	if signed.manifest, err = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": descriptor{configType, digestOf(config), int64(len(config))},
		"layers": []any{map[string]any{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": digestOf(payload), "size": len(payload),
			"annotations": map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature)}}},
	}); err != nil {
		return "", err
	}
	if err := c.putManifest(ctx, signed, m.repository, strings.Replace(m.digest, ":", "-", 1)+".sig", token); err != nil {
		return "", err
	}
	project, _, _ := strings.Cut(m.repository, "/")
	public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return public, errors.Join(
		c.put(ctx, "/api/haven/v1/projects/"+project+"/signature-policy", map[string]any{"signers": []any{map[string]any{"name": "bench", "keys": []string{public}}}}),
		c.put(ctx, "/api/v2.0/projects/"+project, map[string]any{"metadata": map[string]string{"enable_content_trust_cosign": "true"}}),
	)
}

// put sends JSON to an API.
func (c *client) put(ctx context.Context, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, _, err = c.call(ctx, request{method: http.MethodPut, url: path, basic: true, content: text, header: map[string]string{"Content-Type": "application/json"}}, http.StatusOK)
	return err
}
