package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/havenregistry/haven/internal/repair"
)

// newProgress draws bars on a terminal, and writes a line now and then to anything else.
func newProgress() repair.Progress {
	if isatty.IsTerminal(os.Stderr.Fd()) {
		return &bars{pool: mpb.New(mpb.WithOutput(os.Stderr), mpb.WithWidth(64))}
	}
	return &lines{w: os.Stderr}
}

// bars is a bar for each stage.
type bars struct {
	pool *mpb.Progress
	bar  *mpb.Bar
}

// Stage implements repair.Progress.
func (b *bars) Stage(name string, total int64, bytes bool) {
	b.end()
	counters := decor.CountersNoUnit("%d of %d")
	switch {
	case bytes:
		counters = decor.CountersKiloByte("% .1f of % .1f")
	case total == 0:
		counters = decor.CurrentNoUnit("%d")
	}
	left := []decor.Decorator{decor.Name(name, decor.WCSyncSpaceR), counters}
	if total == 0 {
		b.bar = b.pool.AddSpinner(0, mpb.PrependDecorators(left...))
		return
	}
	b.bar = b.pool.AddBar(total, mpb.PrependDecorators(left...), mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.AverageETA(decor.ET_STYLE_GO)))
}

// Add implements repair.Progress.
func (b *bars) Add(n int64) { b.bar.IncrInt64(n) }

// Done implements repair.Progress.
func (b *bars) Done() {
	b.end()
	b.pool.Wait()
}

// end fills the stage's bar: what vanished meanwhile needs nothing any more.
func (b *bars) end() {
	if b.bar != nil {
		b.bar.SetTotal(-1, true)
		b.bar = nil
	}
}

// lineEvery is how often a stage that takes long says so.
const lineEvery = 10 * time.Second

// lines is a line for the beginning of each stage, and one every ten seconds.
type lines struct {
	w io.Writer

	mu    sync.Mutex
	name  string
	bytes bool
	total int64
	done  int64
	next  time.Time
}

// Stage implements repair.Progress.
func (l *lines) Stage(name string, total int64, bytes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.name, l.total, l.bytes, l.done, l.next = name, total, bytes, 0, time.Now().Add(lineEvery)
	l.write()
}

// Add implements repair.Progress.
func (l *lines) Add(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done += n
	if time.Now().After(l.next) {
		l.next = time.Now().Add(lineEvery)
		l.write()
	}
}

// Done implements repair.Progress.
func (l *lines) Done() {}

// write tells how far the stage is. The caller holds the lock.
func (l *lines) write() {
	shown := func(n int64) string {
		if l.bytes {
			return humanize.Bytes(uint64(max(n, 0)))
		}
		return humanize.Comma(n)
	}
	if l.total > 0 {
		fmt.Fprintf(l.w, "%s: %s of %s\n", l.name, shown(l.done), shown(l.total))
		return
	}
	fmt.Fprintf(l.w, "%s: %s\n", l.name, shown(l.done))
}
