package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	reclaimRate  = 1000.0 // blobs a second, beside eight clients that push
	reclaimDelay = 1.2    // times as long may the slowest pushes take
	litterSize   = 4 << 10
	// graceOfBench is how long a blob may be without a manifest, when reclaiming is measured.
	graceOfBench = 3 * time.Second
	pushAlone    = 15 * time.Second
)

// measureReclaim has blobs taken back that no manifest names, while eight clients push images.
func measureReclaim(ctx context.Context, o options, r *report) (err error) {
	dir, err := os.MkdirTemp(o.dir, "haven-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	blobs, p := o.sizes().litter, pusher{}
	alone, err := p.litter(ctx, o, dir, blobs)
	if err != nil {
		return err
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s, err := startServer(ctx, o.haven, dir, "HAVEN_RECLAIM_AFTER="+graceOfBench.String(), "HAVEN_METRICS_LISTEN="+metrics)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	p.client = newClient(s)
	start := time.Now()
	beside, err := p.until(ctx, func() (bool, error) {
		gone, err := reclaimed(ctx, "http://"+metrics+"/metrics")
		return gone >= blobs, err
	})
	if err != nil {
		return err
	}
	took := time.Since(start)
	after, err := p.alone(ctx)
	if err != nil {
		return err
	}
	alone = alone.and(after)
	t := r.table("Reclaiming", fmt.Sprintf("%d blobs of %d bytes that no manifest names are taken back, first out of their repository and %s later from the disk, while eight clients push small images. Before and after they push alone, %s each.",
		blobs, litterSize, graceOfBench, pushAlone), "what", "pushes", "pushes/s", "p50 ms", "p99 ms", "blobs/s")
	rate := float64(blobs) / took.Seconds()
	t.add("beside reclaiming", beside.done, beside.rate(), beside.percentile(50), beside.percentile(99), rate)
	t.add("alone", alone.done, alone.rate(), alone.percentile(50), alone.percentile(99), "")
	r.atLeast("reclaiming beside pushes", "blobs/s", rate, reclaimRate)
	r.target("p99 of a push beside reclaiming", "times that alone", float64(beside.percentile(99))/float64(alone.percentile(99)), reclaimDelay)
	return nil
}

// pusher pushes images that were never pushed before.
type pusher struct {
	client *client
	next   atomic.Uint64
}

// litter uploads blobs that nothing will name, and then pushes alone.
func (p *pusher) litter(ctx context.Context, o options, dir string, blobs int) (alone outcome, err error) {
	s, err := startServer(ctx, o.haven, dir)
	if err != nil {
		return alone, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	p.client = newClient(s)
	if err := p.client.api(ctx, "/projects", map[string]any{"project_name": "bench"}, http.StatusCreated); err != nil {
		return alone, err
	}
	if err := warmUp(ctx, p.client); err != nil {
		return alone, err
	}
	token, err := p.client.login(ctx, "bench/warm", "pull,push")
	if err != nil {
		return alone, err
	}
	err = load{clients: 8, count: blobs}.all(ctx, func(ctx context.Context, _, i int) error {
		content, err := io.ReadAll(newContent(1<<23+uint64(i), litterSize))
		if err != nil {
			return err
		}
		return p.client.pushBlob(ctx, "bench/warm", token, digestOf(content), content, monolithic)
	})
	if err != nil {
		return alone, err
	}
	return p.alone(ctx)
}

func (p *pusher) alone(ctx context.Context) (outcome, error) {
	end := time.Now().Add(pushAlone)
	return p.until(ctx, func() (bool, error) { return time.Now().After(end), nil })
}

// until pushes by eight clients until done says so, and returns how long that took.
func (p *pusher) until(ctx context.Context, done func() (bool, error)) (out outcome, err error) {
	for start := time.Now(); ; {
		enough, err := done()
		if err != nil {
			return out, err
		}
		if enough {
			slices.Sort(out.times)
			out.done, out.wall = len(out.times), time.Since(start)
			return out, nil
		}
		times, err := load{clients: 8, count: math.MaxInt}.spread(ctx, time.Now().Add(time.Second), func(ctx context.Context, client, _ int) error {
			n := p.next.Add(1)
			m, err := newImage("bench/image-"+strconv.Itoa(client), "v"+strconv.FormatUint(n, 10), 1<<20+n)
			if err != nil {
				return err
			}
			return p.client.push(ctx, m, patching)
		})
		if err != nil {
			return out, err
		}
		out.times = append(out.times, times...)
	}
}

// and is both, one after the other.
func (o outcome) and(next outcome) outcome {
	times := slices.Concat(o.times, next.times)
	slices.Sort(times)
	return outcome{done: len(times), wall: o.wall + next.wall, times: times}
}

// reclaimed is how many blobs the server has deleted, by its metrics.
func reclaimed(ctx context.Context, url string) (blobs int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if text, ours := strings.CutPrefix(lines.Text(), "haven_reclaimed_blobs_total "); ours {
			n, err := strconv.ParseFloat(text, 64)
			return int(n), err
		}
	}
	return 0, errors.Join(lines.Err(), errors.New("the metrics don't say how many blobs were reclaimed"))
}
