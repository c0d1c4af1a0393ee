package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const (
	maxPushCost = 4.0 // milliseconds of the server's processor an image, eight clients
	maxPullCost = 0.6
	pushRatio   = 5.0 // times as many and as cheap as CNCF Distribution, eight clients
	pullRatio   = 8.0
)

// measureImages has small images pushed and pulled by several clients at once, by turns.
func measureImages(ctx context.Context, o options, r *report) (err error) {
	c, err := startContest(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	if err := c.clients[0].api(ctx, "/projects", map[string]any{"project_name": "bench"}, http.StatusCreated); err != nil {
		return err
	}
	for _, client := range c.clients {
		if err := warmUp(ctx, client); err != nil {
			return err
		}
	}
	t := r.table("Small images", fmt.Sprintf("A config, three layers of 4, 16 and 64 KiB, a manifest; random bytes, nothing shared. With Haven each image has its "+
		"own log-in and token, as with docker. A client sends the blobs of an image one after the other, over a connection that it keeps. "+
		"CPU is the server's alone, with the work that it puts off; the client's is what the load costs, on the same machine. Medians of %d rounds; the registries take turns. Haven %s. Distribution %s.",
		o.sizes().rounds, haven.durability, distribution.durability), sideBySide("images", "image")...)
	m := imageMeter{o: o, r: r, t: t, c: c}
	for _, clients := range []int{1, 8, 32} {
		if err := m.measure(ctx, clients, clients, "push", patching); err != nil {
			return err
		}
	}
	if err := m.measure(ctx, 8, 0, "push, one PUT a blob", monolithic); err != nil {
		return err
	}
	if err := m.measure(ctx, 32, 128, "", patching); err != nil {
		return err
	}
	for i, s := range c.servers {
		_, peak, err := s.memory()
		if err != nil {
			return err
		}
		t.note += fmt.Sprintf(" Peak memory of %s: %s MB.", c.peers[i].name, megabytes(peak))
	}
	return nil
}

// warmUp pushes and pulls once, so that the first password check isn't measured.
func warmUp(ctx context.Context, c *client) error {
	m, err := newImage("bench/warm", "up", 1)
	if err != nil {
		return err
	}
	return errors.Join(c.push(ctx, m, patching), c.pull(ctx, m))
}

// imageMeter measures rounds of pushes and pulls.
type imageMeter struct {
	o    options
	r    *report
	t    *table
	c    *contest
	seed uint64
}

// measure has images pushed by so many clients and pulled by others, in rounds. Without a name the push is
// no row of its own; with 0 pullers nothing is pulled.
func (m *imageMeter) measure(ctx context.Context, pushers, pullers int, name string, style uploadStyle) error {
	pushed, pulled := m.c.outcomes(), m.c.outcomes()
	for round := range m.o.sizes().rounds {
		images, err := m.images(pushers)
		if err != nil {
			return err
		}
		for _, peer := range m.c.turns(round) {
			client, server := m.c.clients[peer], m.c.servers[peer]
			l := load{clients: pushers, count: len(images), limit: m.o.sizes().limit}
			out, err := l.run(ctx, server, func(ctx context.Context, _, i int) error { return client.push(ctx, images[i], style) })
			if err != nil {
				return fmt.Errorf("%s: %w", server.name, err)
			}
			pushed[peer] = append(pushed[peer], out)
			if pullers == 0 {
				continue
			}
			// One client may pull an image that another one pulls at the same time; 0 to done-1 are there.
			l = load{clients: pullers, count: 2 * out.done, limit: m.o.sizes().limit}
			got, err := l.run(ctx, server, func(ctx context.Context, _, i int) error { return client.pull(ctx, images[i%out.done]) })
			if err != nil {
				return fmt.Errorf("%s: %w", server.name, err)
			}
			pulled[peer] = append(pulled[peer], got)
		}
	}
	if name != "" {
		pushed.addRows(m.t, m.c, name, pushers)
	}
	if pullers > 0 {
		pulled.addRows(m.t, m.c, "pull", pullers)
	}
	if pushers == 8 {
		m.targets(name, pushed, pulled, pullers > 0)
	}
	return nil
}

func (m *imageMeter) targets(name string, pushed, pulled outcomes, pulls bool) {
	r := m.r
	r.target("small image, "+name+", 8 clients", "CPU ms/image", pushed.median(0, outcome.cost), maxPushCost)
	r.atLeast("the same, against Distribution", "times the rate", pushed.ratio(outcome.rate, false), pushRatio)
	r.atLeast("the same, against Distribution", "times as little CPU", pushed.ratio(outcome.cost, true), pushRatio)
	if pulls {
		r.target("small image, pull, 8 clients", "CPU ms/image", pulled.median(0, outcome.cost), maxPullCost)
		r.atLeast("the same, against Distribution", "times the rate", pulled.ratio(outcome.rate, false), pullRatio)
		r.atLeast("the same, against Distribution", "times as little CPU", pulled.ratio(outcome.cost, true), pullRatio)
	}
}

// images makes images that were never pushed before.
func (m *imageMeter) images(clients int) ([]*image, error) {
	images := make([]*image, m.o.sizes().images)
	for i := range images {
		m.seed++
		var err error
		if images[i], err = newImage("bench/image-"+strconv.Itoa(i%clients), "v"+strconv.FormatUint(m.seed, 10), 1000+m.seed); err != nil {
			return nil, err
		}
	}
	return images, nil
}
