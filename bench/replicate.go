package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// copyRepositories is over how many repositories the images that are copied are spread.
	copyRepositories = 20
	largeImages      = 10
	largeLayer       = 64 << 20 // bytes
)

// measureReplicate has images copied from one registry to another: by Haven's replication, and by two programs that do no more than that.
func measureReplicate(ctx context.Context, o options, r *report) error {
	images := 1000
	if o.quick {
		images = 200
	}
	t := r.table("Copies between two registries", fmt.Sprintf("%d small images (a config, three layers of 4 to 64 KiB) in %d repositories, and %d of one layer of %d MiB, from one `haven serve` to another, which is empty, on the same machine. "+
		"Haven copies them by a policy, begun by hand; CPU is that of both servers and of the program that copies. Peak is the memory of the Haven that copies, since its start.", images, copyRepositories, largeImages, largeLayer>>20),
		"what", "how", "seconds", "images/s", "CPU ms/image", "peak MB")
	for _, what := range []struct {
		name  string
		count int
		push  func(ctx context.Context, c *client, i int) error
	}{
		{"small", images, func(ctx context.Context, c *client, i int) error {
			m, err := newImage(copiedInto(i), fmt.Sprintf("v%d", i), uint64(i)+1)
			if err != nil {
				return err
			}
			return c.push(ctx, m, monolithic)
		}},
		{"large", largeImages, pushLarge},
	} {
		walls, err := copyAll(ctx, o, t, what.name, what.count, what.push)
		if err != nil {
			return fmt.Errorf("%s images: %w", what.name, err)
		}
		least, name := 2.0, "small images: speed of a copy by Haven against the faster of skopeo and crane"
		if what.name == "large" {
			least, name = 1, "large images: the same"
		}
		r.atLeast(name, "times", min(walls[1], walls[2])/walls[0], least)
	}
	return nil
}

func copiedInto(i int) string { return fmt.Sprintf("library/app%d", i%copyRepositories) }

// pushLarge pushes an image of one large layer.
func pushLarge(ctx context.Context, c *client, i int) error {
	layer, err := io.ReadAll(newContent(uint64(i)+1_000_000, largeLayer))
	if err != nil {
		return err
	}
	config := []byte(fmt.Sprintf(`{"architecture":"amd64","os":"linux","author":"%d","rootfs":{"type":"layers","diff_ids":[%q]}}`, i, digestOf(layer)))
	m := &image{repository: copiedInto(i), tag: fmt.Sprintf("large%d", i), blobs: [][]byte{config, layer}, digests: []string{digestOf(config), digestOf(layer)}}
	m.manifest, err = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": descriptor{configType, digestOf(config), int64(len(config))},
		"layers": []descriptor{{layerType, digestOf(layer), int64(len(layer))}},
	})
	if err != nil {
		return err
	}
	m.digest = digestOf(m.manifest)
	return c.push(ctx, m, monolithic)
}

// copyAll copies the same images by each program to a registry of its own, and returns the seconds.
func copyAll(ctx context.Context, o options, t *table, what string, count int, push func(context.Context, *client, int) error) (walls []float64, err error) {
	from, remove, err := newServer(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c := newClient(from)
	if err := (load{8, count, time.Hour}).all(ctx, func(ctx context.Context, _, i int) error { return push(ctx, c, i) }); err != nil {
		return nil, err
	}
	for _, way := range []struct {
		name string
		copy func(ctx context.Context, o options, from, to *server, count int) (cost, error)
	}{{"Haven", copyByHaven}, {"skopeo", copyBySkopeo}, {"crane", copyByCrane}} {
		wall, err := copyOnce(ctx, o, t, what+"\x00"+way.name, count, from, way.copy)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.name, err)
		}
		walls = append(walls, wall)
	}
	return walls, nil
}

// cost is what a program that copies took besides the servers.
type cost struct {
	cpu  time.Duration
	peak int64 // bytes
}

func copyOnce(ctx context.Context, o options, t *table, name string, count int, from *server, how func(context.Context, options, *server, *server, int) (cost, error)) (seconds float64, err error) {
	to, remove, err := newServer(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	before, err := from.process.settledCPU()
	if err != nil {
		return 0, err
	}
	fresh, err := to.process.settledCPU()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	besides, err := how(ctx, o, from, to, count)
	wall := time.Since(begun)
	if err != nil {
		return 0, err
	}
	after, err := from.process.settledCPU()
	if err != nil {
		return 0, err
	}
	taken, err := to.process.settledCPU()
	if err != nil {
		return 0, err
	}
	what, way, _ := strings.Cut(name, "\x00")
	cpu := after - before + taken - fresh + besides.cpu
	peak := "–"
	if besides.peak > 0 {
		peak = megabytes(besides.peak)
	}
	t.add(what, way, wall.Seconds(), float64(count)/wall.Seconds(), milliseconds(cpu)/float64(count), peak)
	return wall.Seconds(), nil
}

// copyByHaven makes a policy, carries it out, and waits for its end.
func copyByHaven(ctx context.Context, _ options, from, to *server, count int) (cost, error) {
	c := newClient(from)
	name := fmt.Sprintf("r%d", time.Now().UnixNano())
	if err := c.api(ctx, "/registries", map[string]any{"name": name, "type": "harbor", "url": to.url,
		"credential": map[string]string{"type": "basic", "access_key": "admin", "access_secret": adminPassword}}, http.StatusCreated); err != nil {
		return cost{}, err
	}
	var registries, policies []struct{ ID int }
	if err := c.read(ctx, "/registries?name="+name, &registries); err != nil || len(registries) != 1 {
		return cost{}, errors.Join(err, fmt.Errorf("there are %d registries", len(registries)))
	}
	if err := c.api(ctx, "/replication/policies", map[string]any{"name": name, "dest_registry": map[string]int{"id": registries[0].ID}, "enabled": true}, http.StatusCreated); err != nil {
		return cost{}, err
	}
	if err := c.read(ctx, "/replication/policies?name="+name, &policies); err != nil || len(policies) != 1 {
		return cost{}, errors.Join(err, fmt.Errorf("there are %d policies", len(policies)))
	}
	if err := c.api(ctx, "/replication/executions", map[string]int{"policy_id": policies[0].ID}, http.StatusCreated); err != nil {
		return cost{}, err
	}
	for {
		var all []struct {
			Status string
			Text   string `json:"status_text"`
		}
		if err := c.read(ctx, fmt.Sprintf("/replication/executions?policy_id=%d", policies[0].ID), &all); err != nil {
			return cost{}, err
		}
		switch {
		case len(all) == 1 && all[0].Status == "Succeed":
			_, peak, err := from.process.memory()
			return cost{peak: peak}, err
		case len(all) == 1 && all[0].Status != "InProgress":
			return cost{}, fmt.Errorf("the execution of %d images ended as %+v", count, all)
		}
		select {
		case <-ctx.Done():
			return cost{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// read gets JSON of Harbor's API.
func (c *client) read(ctx context.Context, path string, v any) error {
	_, text, err := c.call(ctx, request{method: http.MethodGet, url: "/api/v2.0" + path, basic: true}, http.StatusOK)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// copyBySkopeo has skopeo sync one repository after the other, as a script does.
func copyBySkopeo(ctx context.Context, _ options, from, to *server, count int) (all cost, err error) {
	program, err := exec.LookPath("skopeo")
	if err != nil {
		return all, err
	}
	for i := range min(count, copyRepositories) {
		repository := copiedInto(i)
		err := all.run(ctx, program, "--insecure-policy", "sync", "--src", "docker", "--dest", "docker", "--src-tls-verify=false", "--dest-tls-verify=false", "--src-creds", "admin:"+adminPassword,
			"--dest-creds", "admin:"+adminPassword, "--all", "--preserve-digests", hostPort(from)+"/"+repository, hostPort(to)+"/library")
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// copyByCrane has crane copy all tags of one repository after the other, some at a time.
func copyByCrane(ctx context.Context, o options, from, to *server, count int) (all cost, err error) {
	path, err := exec.CommandContext(ctx, "scripts/tools", "path", "crane").Output()
	if err != nil {
		return all, fmt.Errorf("crane is missing (scripts/tools install test): %w", err)
	}
	home, err := os.MkdirTemp(o.dir, "haven-bench-crane-")
	if err != nil {
		return all, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	config := fmt.Sprintf(`{"auths":{%q:{"username":"admin","password":%q},%q:{"username":"admin","password":%q}}}`, hostPort(from), adminPassword, hostPort(to), adminPassword)
	if err := os.WriteFile(filepath.Join(home, "config.json"), []byte(config), 0o600); err != nil {
		return all, err
	}
	for i := range min(count, copyRepositories) {
		repository := copiedInto(i)
		err := all.run(ctx, "env", "DOCKER_CONFIG="+home, strings.TrimSpace(string(path)), "copy", "--insecure", "--all-tags", hostPort(from)+"/"+repository, hostPort(to)+"/"+repository)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func hostPort(s *server) string { return strings.TrimPrefix(s.url, "http://") }

// run adds what a program takes.
func (c *cost) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the tools that scripts/tools installs
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %.500s", filepath.Base(program), err, out)
	}
	c.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return nil
}
