package server

import (
	"container/list"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/scan/adapter"
)

const (
	// keepFor is how long a scan that ended is remembered.
	keepFor = time.Hour
	// mostEnded bounds how many are, and mostBytes what their reports take; the oldest go first.
	mostEnded = 1000
	mostBytes = 256 << 20
)

// scans is the queue, and what became of the scans.
type scans struct {
	clock func() time.Time
	queue chan *scan

	mu    sync.Mutex
	all   map[string]*scan
	ended *list.List // of *scan, the oldest in front
	bytes int
}

// scan is one scan. Who has it from the queue works on it; the rest is guarded by scans.mu.
type scan struct {
	id    string
	order order

	done    bool
	endedAt time.Time
	failure string // for the registry; "" after success
	reports map[kind][]byte
	size    int
}

func newScans(queue int, clock func() time.Time) *scans {
	return &scans{clock: clock, queue: make(chan *scan, queue), all: map[string]*scan{}, ended: list.New()}
}

var errFull error = &refusal{http.StatusServiceUnavailable, "too many scans wait, try again later"}

// add queues a scan and returns its id.
func (s *scans) add(o order) (string, error) {
	n := &scan{id: uuid.NewString(), order: o}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	select {
	case s.queue <- n:
		s.all[n.id] = n
		return n.id, nil
	default:
		return "", errFull
	}
}

// end says what became of a scan. What it was sent in confidence is forgotten.
func (s *scans) end(n *scan, reports map[kind][]byte, failure string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.order.authorization = ""
	n.done, n.endedAt, n.reports, n.failure = true, s.clock(), reports, failure
	for _, text := range reports {
		n.size += len(text)
	}
	s.bytes += n.size
	s.ended.PushBack(n)
	s.forget()
}

// forget drops what is old, or too much. The newest stays whatever its size: a report is bounded by itself.
func (s *scans) forget() {
	for s.ended.Len() > 0 {
		oldest := s.ended.Front().Value.(*scan)
		old := s.clock().Sub(oldest.endedAt) > keepFor
		if !old && s.ended.Len() <= mostEnded && (s.bytes <= mostBytes || s.ended.Len() == 1) {
			return
		}
		s.ended.Remove(s.ended.Front())
		s.bytes -= oldest.size
		delete(s.all, oldest.id)
	}
}

// report is what a registry asked for, when it is there.
func (s *scans) report(id string, k kind) (text []byte, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	n := s.all[id]
	switch {
	case n == nil:
		return nil, false, &refusal{http.StatusNotFound, "there is no such scan, or none any more"}
	case !n.done:
		return nil, false, nil
	case n.failure != "":
		return nil, true, &refusal{http.StatusInternalServerError, n.failure}
	}
	if k.mediaType == adapter.NativeReport { // it has all of both
		k.mediaType = adapter.VulnerabilityReport
	}
	text, ok := n.reports[k]
	if !ok {
		return nil, true, &refusal{http.StatusNotFound, "the scan wasn't asked for this report"}
	}
	return text, true, nil
}
