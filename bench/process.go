package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// process is the id of a running process.
type process int

// clockTick is the unit of the times in /proc/PID/stat: USER_HZ, which is 100 on every Linux.
const clockTick = 10 * time.Millisecond

// cpu is the processor time that the process has used so far, in user and in kernel mode.
func (p process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
	if err != nil {
		return 0, err
	}
	// The program's name, in brackets, may hold spaces; utime and stime are the 12th and 13th after it.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", p, text)
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", p, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// settledCPU waits until the process rests, so that work which it put off is counted too, and at most
// three seconds.
func (p process) settledCPU() (time.Duration, error) {
	last, err := p.cpu()
	for range 10 {
		if err != nil {
			return 0, err
		}
		time.Sleep(300 * time.Millisecond)
		var now time.Duration
		now, err = p.cpu()
		if now-last <= clockTick {
			return now, err
		}
		last = now
	}
	return last, err
}

// memory is what the process holds in memory now, and the most it ever held, in bytes.
func (p process) memory() (now, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "VmRSS:" && f[0] != "VmHWM:" {
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/%d/status: %w", p, err)
		}
		if f[0] == "VmRSS:" {
			now = n << 10
		} else {
			peak = n << 10
		}
	}
	return now, peak, nil
}
