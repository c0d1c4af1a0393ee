// Command bench measures the real program: it starts `haven serve` on an empty data directory and a free
// port of 127.0.0.1, does what clients do, and prints how fast it was and what it cost. Each load is
// bounded in count and in time. The exit status is 1 when a measurement fails, or when the server took
// more memory for large blobs than it promises.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/havenregistry/haven/bench/dataset"
)

// options say what to measure and how much of it.
type options struct {
	haven string // the program to measure
	dir   string // where data directories are made
	write string // Markdown file to write, or empty
	note  string // what else the machine was doing
	only  *regexp.Regexp
	quick bool
	kept  string // where data sets of many artifacts are kept, or empty
}

// sizes bound the loads.
type sizes struct {
	rounds       int           // of each load that registries take turns in
	images       int           // small images of a round
	requests     int           // manifests and tokens
	logins       int           // users that log in
	starts       int           // starts of the program
	tags         int           // of the repository with many
	repositories int           // of the catalog
	pages        int           // requests of each page of a listing
	shape        dataset.Shape // of the registry whose listings are measured
	limit        time.Duration // of each load
	large        int64         // bytes of the largest blob
	litter       int           // blobs that are reclaimed
	events       int           // that webhooks tell of before pushes are measured beside their queues
}

func (o options) sizes() sizes {
	if o.quick {
		return sizes{rounds: 1, images: 200, requests: 2_000, logins: 10, starts: 3, tags: 2_000, repositories: 500, pages: 11, shape: dataset.Small, limit: 4 * time.Second, litter: 5_000, events: 5_000}
	}
	return sizes{rounds: 3, images: 600, requests: 10_000, logins: 20, starts: 5, tags: 10_000, repositories: 5_000, pages: 31, shape: dataset.Million, limit: 20 * time.Second, large: 20 << 30, litter: 100_000, events: 100_000}
}

func main() {
	static := flag.String("static", "", "serve `FILE` by a plain file server, to compare with (used by the program itself)")
	var o options
	flag.StringVar(&o.haven, "haven", "bin/haven", "`PROGRAM` to measure")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "`FOLDER` for data; a real disk, with room for the largest blob")
	flag.StringVar(&o.write, "write", "", "Markdown `FILE` to write as well")
	flag.StringVar(&o.kept, "keep", "", "`FOLDER` where the data sets of the listings are kept and found again")
	flag.StringVar(&o.note, "note", "", "`TEXT` on what else the machine was doing")
	flag.BoolVar(&o.quick, "quick", os.Getenv("QUICK") == "1", "smaller loads, no blob of 20 GiB, fewer artifacts; also QUICK=1")
	fill := flag.String("dataset", "", "fill the database `URL` of a registry that was started once with 1,000,000 artifacts (-quick: 50,000), and do nothing else")
	only := flag.String("only", "", "measure only the groups that match `REGEXP`: "+groupNames())
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *static != "":
		err = serveStatic(ctx, *static)
	case *fill != "":
		err = fillDatabase(ctx, *fill, o.sizes().shape)
	default:
		err = run(ctx, o, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, only string) (err error) {
	if o.only, err = regexp.Compile(only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if o.haven, err = filepath.Abs(o.haven); err != nil {
		return err
	}
	if _, err := os.Stat(o.haven); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	before, err := readProcessors()
	if err != nil {
		return err
	}
	r := newReport(ctx, o)
	for _, g := range groups {
		if !o.only.MatchString(g.name) {
			continue
		}
		if err := g.measure(ctx, o, r); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	others, err := othersSince(before)
	if err != nil {
		return err
	}
	r.machine = append(r.machine, "load average at the end: "+firstLine("/proc/loadavg"), others,
		"took: "+time.Since(before.at).Round(time.Second).String())
	r.print(os.Stdout)
	if o.write != "" {
		if err := r.writeFile(o.write); err != nil {
			return err
		}
	}
	return r.memoryExceeded()
}

// group is one measurement with a server, or several, of its own.
type group struct {
	name    string
	measure func(context.Context, options, *report) error
}

var groups = []group{
	{"machine", measureMachine},
	{"start", measureStart},
	{"images", measureImages},
	{"manifests", measureManifests},
	{"logins", measureLogins},
	{"projects", measureProjects},
	{"gate", measureGate},
	{"lists", measureLists},
	{"scans", measureScans},
	{"blobs", measureBlobs},
	{"reclaim", measureReclaim},
	{"large", measureLarge},
	{"replicate", measureReplicate},
	{"webhooks", measureWebhooks},
	{"listings", measureListings},
}

func groupNames() (names string) {
	for _, g := range groups {
		names += " " + g.name
	}
	return names
}
