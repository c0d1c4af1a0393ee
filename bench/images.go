package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

const (
	maxPushCost = 4.0 // milliseconds of the server's processor an image, eight clients
	maxPullCost = 0.6
)

// measureImages pushes and pulls small images by several clients at once.
func measureImages(ctx context.Context, o options, r *report) (err error) {
	s, remove, err := newServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c := newClient(s, 32)
	if err := c.api(ctx, "/projects", map[string]any{"project_name": "bench"}, 201); err != nil {
		return err
	}
	if err := warmUp(ctx, c); err != nil {
		return err
	}
	t := r.table("Small images", "A config, three layers of 4, 16 and 64 KiB, a manifest; random bytes, nothing shared. Each image has its "+
		"own log-in and token, as with docker; a client sends the blobs of an image one after the other, over a connection that it keeps. "+
		"CPU is the server's alone, with the work that it puts off.",
		"what", "clients", "images", "images/s", "p50 ms", "p99 ms", "CPU ms/image")
	for round, clients := range []int{1, 8, 32} {
		styles := []uploadStyle{patching}
		if clients == 8 {
			styles = append(styles, monolithic)
		}
		for _, style := range styles {
			if err := imageRound(ctx, o, r, t, c, s, clients, round, style); err != nil {
				return err
			}
		}
	}
	_, peak, err := s.memory()
	t.note += fmt.Sprintf(" Peak memory of the server: %s MB.", megabytes(peak))
	return err
}

// warmUp pushes and pulls once, so that the first password check isn't measured.
func warmUp(ctx context.Context, c *client) error {
	m, err := newImage("bench/warm", "up", 1)
	if err != nil {
		return err
	}
	return errors.Join(c.push(ctx, m, patching), c.pull(ctx, m))
}

func imageRound(ctx context.Context, o options, r *report, t *table, c *client, s *server, clients, round int, style uploadStyle) error {
	sizes := o.sizes()
	l := load{clients: clients, count: sizes.images, limit: sizes.limit}
	name := "push (POST, PATCH, PUT)"
	seed := uint64(round+1) * 100_000
	if style == monolithic {
		name, seed = "push (POST, PUT)", seed+50_000
	}
	images := make([]*image, l.count)
	for i := range images {
		var err error
		if images[i], err = newImage("bench/image-"+strconv.Itoa(i%clients), "v"+strconv.FormatUint(seed+uint64(i), 10), seed+uint64(i)); err != nil {
			return err
		}
	}
	pushed, err := l.run(ctx, s, func(ctx context.Context, _, i int) error { return c.push(ctx, images[i], style) })
	if err != nil {
		return err
	}
	t.add(name, clients, pushed.done, pushed.rate(), pushed.percentile(50), pushed.percentile(99), pushed.cost())
	if style == monolithic {
		r.target("small image, push by one PUT a blob, 8 clients", "CPU ms/image", pushed.cost(), maxPushCost)
		return nil
	}
	l.count = pushed.done
	pulled, err := l.run(ctx, s, func(ctx context.Context, _, i int) error { return c.pull(ctx, images[i]) })
	if err != nil {
		return err
	}
	t.add("pull", clients, pulled.done, pulled.rate(), pulled.percentile(50), pulled.percentile(99), pulled.cost())
	if clients == 8 {
		r.target("small image, push, 8 clients", "CPU ms/image", pushed.cost(), maxPushCost)
		r.target("small image, pull, 8 clients", "CPU ms/image", pulled.cost(), maxPullCost)
	}
	return nil
}
