package app

import (
	"context"
	"runtime/metrics"
	"time"

	"github.com/havenregistry/haven/internal/pause"
)

const (
	// settleAfter is when a start is over, and what it needed is given back.
	settleAfter = time.Second
	// restEvery is how often it is looked whether memory lies idle.
	restEvery = 30 * time.Second
	// restAt is how many bytes more than after the last time are worth it to collect the garbage among them.
	restAt = 8 << 20
	// restless is how many collections of garbage between two looks mean that the memory is in use.
	restless = 3
)

// rest gives back memory that is not needed any more until ctx is cancelled: what the start took, and later what a
// busy time left, or the first request to the API, which reads its contract. The runtime by itself keeps garbage as
// long as little is allocated.
func rest(ctx context.Context) {
	if !pause.For(ctx, settleAfter) {
		return
	}
	giveBack()
	given := readHeap()
	for last := given; pause.For(ctx, restEvery); {
		now := readHeap()
		if now.idle(last, given) {
			giveBack()
			now = readHeap()
			given = now
		}
		last = now
	}
}

// heap is what the runtime says of it.
type heap struct {
	resident uint64 // bytes that it has from the machine
	cycles   uint64 // how often its garbage was collected
}

// idle reports whether memory lies idle: much more than after it was given back, and not in use since the last look.
func (h heap) idle(last, given heap) bool {
	return h.resident >= given.resident+restAt && h.cycles < last.cycles+restless
}

func readHeap() (h heap) {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	h.cycles = samples[0].Value.Uint64()
	for _, s := range samples[1:] {
		h.resident += s.Value.Uint64()
	}
	return h
}
