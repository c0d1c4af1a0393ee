package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

const referrerCount = 500

// measureLists asks for all tags of a repository, all repositories, and all referrers of an image.
func measureLists(ctx context.Context, o options, r *report) (err error) {
	c, err := startContest(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	sizes := o.sizes()
	t := r.table("Lists of /v2/", fmt.Sprintf("A repository with %d tags, %d repositories in the catalog, %d referrers of one image (Distribution has no such API); all in one answer, or as many pages as the registry makes of it.",
		sizes.tags, sizes.repositories, referrerCount), sideBySide("requests", "request")...)
	m, err := newImage("library/tags", "v0", 8)
	if err != nil {
		return err
	}
	for i, client := range c.clients {
		if err := client.push(ctx, m, patching); err != nil {
			return err
		}
		if err := client.spreadImage(ctx, c.servers[i], m, sizes.tags, sizes.repositories); err != nil {
			return err
		}
	}
	if err := refer(ctx, c.clients[0], m); err != nil {
		return err
	}
	for _, list := range []struct {
		name, repository, path string
		want                   int
		alone                  bool
	}{
		{"all tags", m.repository, "/v2/" + m.repository + "/tags/list", sizes.tags, false},
		{"100 tags in the middle", m.repository, "/v2/" + m.repository + "/tags/list?n=100&last=v5", 100, false},
		{"all repositories", "", "/v2/_catalog?n=10000", sizes.repositories, false},
		{"100 repositories in the middle", "", "/v2/_catalog?n=100&last=library/r3", 100, false},
		{"all referrers", m.repository, "/v2/" + m.repository + "/referrers/" + m.digest, referrerCount, true},
	} {
		got := c.outcomes()
		for round := range sizes.rounds {
			for _, peer := range c.turns(round) {
				if list.alone && peer != 0 {
					continue
				}
				client := c.clients[peer]
				get := request{method: http.MethodGet, url: list.path, basic: client.tokens && list.repository == ""}
				if list.repository != "" {
					if get.token, err = client.login(ctx, list.repository, "pull"); err != nil {
						return err
					}
				}
				out, err := load{1, sizes.requests / 20, sizes.limit}.run(ctx, c.servers[peer], func(ctx context.Context, _, _ int) error {
					return client.listAll(ctx, get, list.want)
				})
				if err != nil {
					return fmt.Errorf("%s of %s: %w", list.name, c.peers[peer].name, err)
				}
				got[peer] = append(got[peer], out)
			}
		}
		if list.alone {
			t.add(list.name, 1, haven.name, got[0][0].done, got.median(0, outcome.rate), got.median(0, millisecondsAt(50)), got.median(0, millisecondsAt(99)), got.median(0, outcome.cost), got.median(0, outcome.clientCost))
		} else {
			got.addRows(t, c, list.name, 1)
		}
	}
	return nil
}

// listAll asks for a list, follows its pages unless n is given, and counts.
func (c *client) listAll(ctx context.Context, get request, want int) error {
	found := 0
	for found < want {
		header, text, err := c.call(ctx, get, http.StatusOK)
		if err != nil {
			return err
		}
		var list struct {
			Tags         []string          `json:"tags"`
			Repositories []string          `json:"repositories"`
			Manifests    []json.RawMessage `json:"manifests"`
		}
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		found += len(list.Tags) + len(list.Repositories) + len(list.Manifests)
		next := nextPage(header)
		if found >= want || next == "" {
			break
		}
		get.url = next
	}
	if found < want {
		return fmt.Errorf("%s: %d entries, want %d", get.url, found, want)
	}
	return nil
}

// nextPage is the address of a Link header with rel="next".
func nextPage(h fields) string {
	m := linkNext.FindStringSubmatch(h.Get("Link"))
	if m == nil {
		return ""
	}
	u, err := url.Parse(m[1])
	if err != nil {
		return ""
	}
	return u.RequestURI()
}

// spreadImage gives the image more tags, and puts it in more repositories.
func (c *client) spreadImage(ctx context.Context, s *server, m *image, tags, repositories int) error {
	token, err := c.login(ctx, m.repository, "pull,push")
	if err != nil {
		return err
	}
	l := load{clients: 8, count: tags - 1}
	if err := l.all(ctx, func(ctx context.Context, _, i int) error {
		return c.putManifest(ctx, m, m.repository, "v"+strconv.Itoa(i+1), token)
	}); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	l.count = repositories
	err = l.all(ctx, func(ctx context.Context, _, i int) error {
		repository := "library/r" + strconv.Itoa(i)
		token, err := c.loginTwice(ctx, repository, m.repository)
		if err != nil {
			return err
		}
		for _, digest := range m.digests {
			mount := "/v2/" + repository + "/blobs/uploads/?mount=" + digest + "&from=" + m.repository
			if _, _, err := c.call(ctx, request{method: http.MethodPost, url: mount, token: token}, http.StatusCreated); err != nil {
				return err
			}
		}
		return c.putManifest(ctx, m, repository, "v0", token)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// refer pushes referrers of the image.
func refer(ctx context.Context, c *client, m *image) error {
	token, err := c.login(ctx, m.repository, "pull,push")
	if err != nil {
		return err
	}
	return load{clients: 8, count: referrerCount}.all(ctx, func(ctx context.Context, _, i int) error {
		text, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": manifestType, "artifactType": "application/vnd.example.note",
			"config": descriptor{configType, m.digests[0], int64(len(m.blobs[0]))}, "layers": []descriptor{},
			"subject":     descriptor{manifestType, m.digest, int64(len(m.manifest))},
			"annotations": map[string]string{"number": strconv.Itoa(i)},
		})
		if err != nil {
			return err
		}
		note := &image{manifest: text}
		return c.putManifest(ctx, note, m.repository, digestOf(text), token)
	})
}
