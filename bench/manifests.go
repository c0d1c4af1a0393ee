package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const maxManifestCost = 0.06 // milliseconds of the server's processor

// measureManifests gets one manifest again and again, with a token that is fetched once.
func measureManifests(ctx context.Context, o options, r *report) (err error) {
	c, err := startContest(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	m, err := newImage("library/bench", "latest", 7)
	if err != nil {
		return err
	}
	tokens := make([]string, len(c.clients))
	for i, client := range c.clients {
		if err := client.push(ctx, m, patching); err != nil {
			return err
		}
		if tokens[i], err = client.login(ctx, m.repository, "pull"); err != nil {
			return err
		}
	}
	sizes := o.sizes()
	t := r.table("Manifests", fmt.Sprintf("One manifest, one token with Haven and none with Distribution. Medians of %d rounds.", sizes.rounds), sideBySide("requests", "request")...)
	for _, what := range []struct{ name, method, reference string }{
		{"GET by tag", http.MethodGet, m.tag},
		{"GET by digest", http.MethodGet, m.digest},
		{"HEAD by tag", http.MethodHead, m.tag},
	} {
		for _, clients := range []int{1, 8} {
			got := c.outcomes()
			for round := range sizes.rounds {
				for _, peer := range c.turns(round) {
					get := request{method: what.method, url: "/v2/" + m.repository + "/manifests/" + what.reference, token: tokens[peer],
						header: map[string]string{"Accept": manifestType}}
					out, err := load{clients, sizes.requests, sizes.limit}.run(ctx, c.servers[peer], func(ctx context.Context, _, _ int) error {
						_, _, err := c.clients[peer].call(ctx, get, http.StatusOK)
						return err
					})
					if err != nil {
						return err
					}
					got[peer] = append(got[peer], out)
				}
			}
			got.addRows(t, c, what.name, clients)
			if what.name == "GET by tag" && clients == 8 {
				r.target("manifest by tag, 8 clients", "CPU ms/request", got.median(0, outcome.cost), maxManifestCost)
			}
		}
	}
	return nil
}
