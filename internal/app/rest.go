package app

import (
	"context"
	"runtime/metrics"
	"time"
)

const (
	// settleAfter is when a start is over, and what it needed is given back.
	settleAfter = 3 * time.Second
	// restEvery is how often it is looked whether memory lies idle.
	restEvery = 30 * time.Second
	// restAt is how many bytes more than after the last time are worth it to collect the garbage among them.
	restAt = 8 << 20
	// restless is how many collections of garbage in that time mean that the memory is in use.
	restless = 3
)

// rest gives back memory that is not needed any more until ctx is cancelled: what the start took, and later what a
// busy time left, or the first request to the API, which reads its contract. The runtime by itself keeps garbage as
// long as little is allocated. It returns nil.
func rest(ctx context.Context) error {
	least, before := uint64(0), uint64(0)
	for wait := settleAfter; ; wait = restEvery {
		_ = after(ctx, wait, func() {
			resident, cycles := heap()
			if resident >= least && cycles-before < restless || wait == settleAfter {
				giveBack()
				resident, cycles = heap()
				least = resident + restAt
			}
			before = cycles
		})
		if ctx.Err() != nil {
			return nil
		}
	}
}

// heap returns how many bytes the heap has from the machine, and how often its garbage was collected.
func heap() (resident, cycles uint64) {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	for _, s := range samples[1:] {
		resident += s.Value.Uint64()
	}
	return resident, samples[0].Value.Uint64()
}
