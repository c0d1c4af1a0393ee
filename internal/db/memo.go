package db

import "sync"

// memoOverhead is about what an entry of a Memo costs besides what its owner counts, in bytes.
const memoOverhead = 300

// Memo remembers what was read at a version of a Watch, bounded in bytes: look the version up, Get; else read, and Put
// with the version from before. What changed while it was read is so not believed. It is safe for concurrent use.
type Memo[K comparable, V any] struct {
	most    int
	mu      sync.Mutex
	version int64
	bytes   int
	entries map[K]memorized[V]
}

type memorized[V any] struct {
	value V
	bytes int
}

// NewMemo returns one that takes at most so many bytes.
func NewMemo[K comparable, V any](most int) *Memo[K, V] { return &Memo[K, V]{most: most} }

// Get returns what was put at the version.
func (m *Memo[K, V]) Get(version int64, k K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version != version {
		var none V
		return none, false
	}
	found, ok := m.entries[k]
	return found.value, ok
}

// Put remembers a value that was read after the version was, and what it points to takes so many bytes. What was read
// at an older version than another value is no news.
func (m *Memo[K, V]) Put(version int64, k K, v V, bytes int) {
	if bytes += memoOverhead; bytes > m.most {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case version < m.version:
		return
	case version > m.version || m.entries == nil:
		m.version, m.bytes, m.entries = version, 0, map[K]memorized[V]{}
	}
	m.bytes -= m.entries[k].bytes
	delete(m.entries, k)
	for other, old := range m.entries { // any: it is read again
		if m.bytes+bytes <= m.most {
			break
		}
		m.bytes -= old.bytes
		delete(m.entries, other)
	}
	m.entries[k] = memorized[V]{v, bytes}
	m.bytes += bytes
}
