package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// toldRate is how much of its rate of pushes a registry must keep that tells of each, beside queues of dead and slow receivers.
	toldRate = 0.9
	// slowAnswer is how long the slow receiver takes for an answer.
	slowAnswer = 2 * time.Second
)

// receivers are what webhooks tell: one that answers at once, one that takes its time, and an address where nobody is.
type receivers struct {
	live, slow, dead string
	told             atomic.Int64 // by the live one
	server           *http.Server
}

func startReceivers(ctx context.Context) (*receivers, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	dead, err := freeAddress(ctx)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	r := &receivers{live: "http://" + l.Addr().String() + "/live", slow: "http://" + l.Addr().String() + "/slow", dead: "http://" + dead}
	mux := http.NewServeMux()
	mux.HandleFunc("/live", func(http.ResponseWriter, *http.Request) { r.told.Add(1) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, q *http.Request) {
		late := time.NewTimer(slowAnswer)
		defer late.Stop()
		select {
		case <-late.C:
		case <-q.Context().Done():
		}
	})
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(l) }() // it ends with Close
	return r, nil
}

// measureWebhooks has images pushed to a registry that tells a live, a slow and a dead receiver, the latter two with many events in their
// queues, and to the same one when it tells nobody. What it holds is the same for both: that alone makes a push a little slower.
func measureWebhooks(ctx context.Context, o options, r *report) (err error) {
	dir, err := os.MkdirTemp(o.dir, "haven-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	to, err := startReceivers(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.server.Close()) }()
	s, err := startServer(ctx, o.haven, dir, "HAVEN_WEBHOOK_NETWORKS=127.0.0.0/8")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	p := pusher{client: newClient(s)}
	if err := p.client.api(ctx, "/projects", map[string]any{"project_name": "bench"}, http.StatusCreated); err != nil {
		return err
	}
	if err := warmUp(ctx, p.client); err != nil {
		return err
	}
	empty, err := p.alone(ctx)
	if err != nil {
		return err
	}
	for name, address := range map[string]string{"live": to.live, "slow": to.slow, "dead": to.dead} {
		policy := map[string]any{"name": name, "enabled": true, "event_types": []string{"PUSH_ARTIFACT"}, "targets": []any{map[string]any{"type": "http", "address": address}}}
		if err := p.client.api(ctx, "/projects/bench/webhook/policies", policy, http.StatusCreated); err != nil {
			return err
		}
	}
	took, err := p.events(ctx, to, o.sizes().events)
	if err != nil {
		return err
	}
	told, err := p.alone(ctx)
	if err != nil {
		return err
	}
	if err := p.client.configure(ctx, map[string]any{"notification_enable": false}); err != nil {
		return err
	}
	alone, err := p.alone(ctx)
	if err != nil {
		return err
	}
	t := r.table("Webhooks", fmt.Sprintf("Eight clients push small images for %s each time: to a registry that is new; to one whose pushes are told to a receiver that answers at once, one that takes %s, and one that isn't there, after "+
		"%d events that wait still for the latter two; and to the same one when webhooks are turned off. The receivers share the machine.", pushAlone, slowAnswer, o.sizes().events), "what", "pushes", "pushes/s", "p50 ms", "p99 ms")
	t.add("a new registry, nobody is told", empty.done, empty.rate(), empty.percentile(50), empty.percentile(99))
	t.add("three are told", told.done, told.rate(), told.percentile(50), told.percentile(99))
	t.add("nobody is told", alone.done, alone.rate(), alone.percentile(50), alone.percentile(99))
	t.note += fmt.Sprintf(" From the first of those until the live receiver had been told of all, %s passed.", took.Round(100*time.Millisecond))
	r.atLeast("pushes with three webhooks", "times the rate without", told.rate()/alone.rate(), toldRate)
	return nil
}

// eventTags is how many tags one push gives, with an event for each.
const eventTags = 50

// events pushes that many tags, and returns how long it takes until the live receiver knows of all.
func (p *pusher) events(ctx context.Context, to *receivers, count int) (time.Duration, error) {
	const clients = 8
	var images []*image
	var tokens []string
	for i := range clients {
		m, err := newImage("bench/events-"+strconv.Itoa(i), "up", 1<<19+uint64(i))
		if err != nil {
			return 0, err
		}
		if err := p.client.push(ctx, m, patching); err != nil {
			return 0, err
		}
		token, err := p.client.login(ctx, m.repository, "pull,push")
		if err != nil {
			return 0, err
		}
		images, tokens = append(images, m), append(tokens, token)
	}
	tags := make([]string, eventTags)
	for i := range tags {
		tags[i] = "tag=e" + strconv.Itoa(i)
	}
	start := time.Now()
	err := load{clients: clients, count: count / eventTags}.all(ctx, func(ctx context.Context, client, _ int) error {
		m := images[client]
		return p.client.putManifest(ctx, m, m.repository, m.digest+"?"+strings.Join(tags, "&"), tokens[client])
	})
	if err != nil {
		return 0, err
	}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	late := time.NewTimer(10 * time.Minute)
	defer late.Stop()
	for to.told.Load() < int64(count) {
		select {
		case <-look.C:
		case <-late.C:
			return 0, errors.New("the live receiver was told of " + strconv.FormatInt(to.told.Load(), 10) + " events in ten minutes")
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return time.Since(start), nil
}
