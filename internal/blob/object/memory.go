package object

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// chunkSize is what a part's memory grows by, in bytes: a client that sends little, or
	// slowly, holds little.
	chunkSize = 256 << 10
	// partMemory is how much of one part is kept in memory; the rest goes to a temporary file.
	partMemory = 16 << 20
	// scratchSize is the size of one read on the way to a temporary file.
	scratchSize = 64 << 10
	// memoryIdle is how long memory that nobody uses is kept.
	memoryIdle = 10 * time.Second
)

type chunk = *[chunkSize]byte

// memory is what the parts of all uploads share. When it is used up, parts go to temporary files
// instead: a slow client never makes another one wait.
//
// It lies outside of Go's heap, which would grow by as much again before it is collected, and keep it.
type memory struct {
	dir     string // of temporary files
	scratch sync.Pool

	mu    sync.Mutex
	size  int64
	slab  []byte  // nil before the first use
	free  []chunk // the last one is the one that was used last
	taken int
	idle  *time.Timer // gives the slab's pages back; nil before the first use
}

// newMemory returns size bytes, of which none is used yet.
func newMemory(size int64, dir string) *memory {
	m := &memory{dir: dir, size: size / chunkSize * chunkSize}
	m.scratch.New = func() any { return new([scratchSize]byte) }
	return m
}

// take returns a chunk, or nil when all are in use.
func (m *memory) take() chunk {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slab == nil && !m.reserve() {
		return nil
	}
	last := len(m.free) - 1
	if last < 0 {
		return nil
	}
	c := m.free[last]
	m.free = m.free[:last]
	m.taken++
	return c
}

// reserve asks for addresses only: a page costs memory when it is written to.
func (m *memory) reserve() bool {
	if m.size == 0 {
		return false
	}
	slab, err := unix.Mmap(-1, 0, int(m.size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return false // then parts lie in files
	}
	m.slab = slab
	for at := m.size - chunkSize; at >= 0; at -= chunkSize {
		m.free = append(m.free, chunk(slab[at:]))
	}
	m.idle = time.AfterFunc(memoryIdle, m.release)
	return true
}

func (m *memory) give(chunks []chunk) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, chunks...)
	m.taken -= len(chunks)
	if m.taken == 0 && m.idle != nil {
		m.idle.Reset(memoryIdle)
	}
}

// release gives the pages back to the system when no chunk is in use. The addresses stay: a request that was
// cancelled may look at its body a moment longer.
func (m *memory) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken == 0 && m.slab != nil {
		_ = unix.Madvise(m.slab, unix.MADV_DONTNEED) // or they stay
	}
}
