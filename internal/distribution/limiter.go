package distribution

import (
	"sync"

	"github.com/havenregistry/haven/internal/authz"
)

// usualUploads is how many requests of one principal may write upload bytes at a time, where no setting says otherwise.
// Clients use up to 16 or so; a farm of builders behind one robot more.
const usualUploads = 512

// limiter counts what is under way by holder. It holds one entry for each holder with something under
// way, so its memory is bounded by the number of open requests.
type limiter struct {
	max int
	mu  sync.Mutex
	n   map[holder]int
}

// holder is a principal, whichever way it came in.
type holder struct {
	kind authz.Kind
	id   int64
}

func newLimiter(max int) *limiter { return &limiter{max: max, n: map[holder]int{}} }

// enter takes a place, which the returned function gives back, or returns errBusy.
func (l *limiter) enter(p authz.Principal) (leave func(), err error) {
	who := holder{p.Kind, p.ID}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n[who] >= l.max {
		return nil, errBusy
	}
	l.n[who]++
	return func() { l.leave(who) }, nil
}

func (l *limiter) leave(who holder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n[who]--; l.n[who] == 0 {
		delete(l.n, who)
	}
}
