package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// busyShare is the part of the machine's processors that others may use before a report says so.
const busyShare = 0.1

// processors is how long the machine's processors have worked, and how long for this program and the servers
// that it has started and ended.
type processors struct {
	at         time.Time
	busy, ours time.Duration
}

func readProcessors() (p processors, err error) {
	p.at = time.Now()
	// cpu, user, nice, system, idle, iowait, irq, softirq, steal
	for i, f := range strings.Fields(firstLine("/proc/stat")) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return p, fmt.Errorf("/proc/stat: %w", err)
		}
		p.busy += time.Duration(ticks) * clockTick
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		used, err := usage(who)
		if err != nil {
			return p, err
		}
		p.ours += used
	}
	return p, nil
}

// usage is the processor time that this program has used, or those that it has started and that have ended.
func usage(who int) (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(who, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// othersSince tells how much of the machine others used since then: the reader decides what the figures are
// worth. PostgreSQL's server counts as another.
func othersSince(then processors) (string, error) {
	now, err := readProcessors()
	if err != nil {
		return "", err
	}
	share := max(0, float64((now.busy-then.busy)-(now.ours-then.ours))/float64(now.at.Sub(then.at))/float64(runtime.NumCPU()))
	line := fmt.Sprintf("other programs meanwhile: %.0f %% of the processors", 100*share)
	if share > busyShare {
		line += ". The machine was BUSY: rates are low by that, and times and processor times high; only ratios of the same run mean something"
	}
	return line, nil
}
