package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// peer is a registry to measure: Haven, or what it is compared with.
type peer struct {
	name       string
	durability string
	start      func(ctx context.Context, o options, dir string) (*server, error)
}

// The registries of a side-by-side measurement. CNCF Distribution has no token service of its own: it runs
// without authentication, as its example configuration does.
var (
	haven = peer{"Haven", "syncs a manifest, all that it names, their folders and the database's log before it answers; each image has its own token",
		func(ctx context.Context, o options, dir string) (*server, error) {
			return startServer(ctx, o.haven, dir)
		}}
	distribution = peer{distributionName, "syncs each file and link by itself, but not the folder that a blob is moved to; it runs without authentication", startDistribution}
	peers        = []peer{haven, distribution}
)

const distributionName = "Distribution"

// distributionConfig is the example configuration with nothing that costs time: no access log, and the
// cache of descriptors in memory.
const distributionConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %q}
  cache: {blobdescriptor: inmemory}
  delete: {enabled: true}
http: {addr: %q}
catalog: {maxentries: 10000}
`

func startDistribution(ctx context.Context, _ options, dir string) (*server, error) {
	program, err := exec.CommandContext(ctx, "scripts/tools", "path", "distribution").Output()
	if err != nil {
		return nil, fmt.Errorf("CNCF Distribution is missing (scripts/tools install bench): %w", err)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, distributionConfig, filepath.Join(dir, "store"), address), 0o600); err != nil {
		return nil, err
	}
	s := &server{name: distributionName, url: "http://" + address, dataDir: dir, readyPath: "/v2/"}
	return s, s.run(ctx, strings.TrimSpace(string(program)), nil, "serve", config)
}

// contest is the peers running at the same time, each on an empty folder of the same disk.
type contest struct {
	peers   []peer
	servers []*server
	clients []*client
	dirs    []string
}

func startContest(ctx context.Context, o options) (*contest, error) {
	c := &contest{peers: peers}
	for _, p := range peers {
		dir, err := os.MkdirTemp(o.dir, "haven-bench-")
		if err != nil {
			return nil, errors.Join(err, c.end())
		}
		c.dirs = append(c.dirs, dir)
		s, err := p.start(ctx, o, dir)
		if err != nil {
			return nil, errors.Join(err, c.end())
		}
		c.servers, c.clients = append(c.servers, s), append(c.clients, newClient(s))
	}
	return c, nil
}

// end stops the servers and deletes what they stored.
func (c *contest) end() error {
	var errs []error
	for _, s := range c.servers {
		errs = append(errs, s.stop())
	}
	for _, dir := range c.dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// turns are the peers' numbers in the order of a round: who was first is last in the next one.
func (c *contest) turns(round int) []int {
	order := make([]int, len(c.peers))
	for i := range order {
		order[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// outcomes are what the rounds of one load took, for each peer.
type outcomes [][]outcome

func (c *contest) outcomes() outcomes { return make(outcomes, len(c.peers)) }

// middle is the median.
func middle(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// median is that of a figure over the rounds of a peer.
func (o outcomes) median(peer int, figure func(outcome) float64) float64 {
	all := make([]float64, len(o[peer]))
	for i, out := range o[peer] {
		all[i] = figure(out)
	}
	return middle(all)
}

// ratio is how many times as good the first peer is as the second: by a figure of which more is better, or,
// with less, less.
func (o outcomes) ratio(figure func(outcome) float64, less bool) float64 {
	a, b := o.median(0, figure), o.median(1, figure)
	if less {
		a, b = b, a
	}
	if b == 0 {
		return 0
	}
	return a / b
}

func millisecondsAt(p int) func(outcome) float64 {
	return func(o outcome) float64 { return milliseconds(o.percentile(p)) }
}

// addRows adds a row for each peer, and one with the ratios of the same run.
func (o outcomes) addRows(t *table, c *contest, name string, clients int) {
	p50, p99 := millisecondsAt(50), millisecondsAt(99)
	for i, p := range c.peers {
		done := 0
		for _, out := range o[i] {
			done += out.done
		}
		t.add(name, clients, p.name, done, o.median(i, outcome.rate), o.median(i, p50), o.median(i, p99), o.median(i, outcome.cost), o.median(i, outcome.clientCost))
	}
	t.add(name, clients, "times as good", "", o.ratio(outcome.rate, false), o.ratio(p50, true), o.ratio(p99, true), o.ratio(outcome.cost, true), "")
}

// sideBySide is the head of a table that addRows fills.
func sideBySide(operations, each string) []string {
	return []string{"what", "clients", "registry", operations, operations + "/s", "p50 ms", "p99 ms", "CPU ms/" + each, "client's"}
}
