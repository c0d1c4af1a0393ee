package main

import (
	"context"
	"errors"
	"net/http"
)

const maxManifestCost = 0.06 // milliseconds of the server's processor

// measureManifests gets one manifest again and again, with a token that is fetched once.
func measureManifests(ctx context.Context, o options, r *report) (err error) {
	s, remove, err := newServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c := newClient(s, 8)
	m, err := newImage("library/bench", "latest", 7)
	if err != nil {
		return err
	}
	if err := c.push(ctx, m, patching); err != nil {
		return err
	}
	token, err := c.login(ctx, m.repository, "pull")
	if err != nil {
		return err
	}
	t := r.table("Manifests", "One manifest, one token.", "what", "clients", "requests", "requests/s", "p50 ms", "p99 ms", "CPU ms/request")
	for _, what := range []struct{ name, method, reference string }{
		{"GET by tag", http.MethodGet, m.tag},
		{"GET by digest", http.MethodGet, m.digest},
		{"HEAD by tag", http.MethodHead, m.tag},
	} {
		for _, clients := range []int{1, 8} {
			sizes := o.sizes()
			get := request{method: what.method, url: "/v2/" + m.repository + "/manifests/" + what.reference, token: token,
				header: map[string]string{"Accept": manifestType}}
			out, err := load{clients, sizes.requests, sizes.limit}.run(ctx, s, func(ctx context.Context, _, _ int) error {
				_, _, err := c.call(ctx, get, http.StatusOK)
				return err
			})
			if err != nil {
				return err
			}
			t.add(what.name, clients, out.done, out.rate(), out.percentile(50), out.percentile(99), out.cost())
			if what.name == "GET by tag" && clients == 8 {
				r.target("manifest by tag, 8 clients", "CPU ms/request", out.cost(), maxManifestCost)
			}
		}
	}
	return nil
}
