package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

const (
	maxStart = 150.0 // milliseconds
	maxIdle  = 60.0  // MB
	// restTime is how long the server has nothing to do before its memory is read.
	restTime = 3 * time.Second
)

// measureStart measures the program before anybody uses it.
func measureStart(ctx context.Context, o options, r *report) error {
	file, err := os.Stat(o.haven)
	if err != nil {
		return err
	}
	var first, again []time.Duration
	var idle []int64
	for range o.sizes().starts {
		f, a, i, err := startTwice(ctx, o)
		if err != nil {
			return err
		}
		first, again, idle = append(first, f), append(again, a), append(idle, i)
	}
	slices.Sort(first)
	slices.Sort(again)
	slices.Sort(idle)
	middle := len(first) / 2
	t := r.table("Start and size", fmt.Sprintf("Medians of %d starts. The first answer is that of /readyz.", len(first)), "what", "value")
	t.add("first start on an empty data directory, to the first answer, ms", first[middle])
	t.add("next start on the same data, to the first answer, ms", again[middle])
	t.add("resident memory after it, idle, MB", megabytes(idle[middle]))
	t.add("size of the program, MB", megabytes(file.Size()))
	r.target("first start to first answer", "ms", milliseconds(first[middle]), maxStart)
	r.target("next start to first answer", "ms", milliseconds(again[middle]), maxStart)
	r.target("idle resident memory", "MB", float64(idle[middle])/1e6, maxIdle)
	return nil
}

func startTwice(ctx context.Context, o options) (first, again time.Duration, idle int64, err error) {
	dir, err := os.MkdirTemp(o.dir, "haven-bench-")
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := startServer(ctx, o.haven, dir)
	if err != nil {
		return 0, 0, 0, err
	}
	first = s.ready
	if err := s.stop(); err != nil {
		return 0, 0, 0, err
	}
	if s, err = startServer(ctx, o.haven, dir); err != nil {
		return 0, 0, 0, err
	}
	time.Sleep(restTime)
	idle, _, err = s.memory()
	return first, s.ready, idle, errors.Join(err, s.stop())
}
