package webhook

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// Deps is what a Service stands on. All fields but Networks are required.
type Deps struct {
	DB  *db.DB
	Box *secret.Box
	// Enabled reports whether anything is sent at all.
	Enabled func(ctx context.Context) (bool, error)
	// Overview is what a scan of that type found, by the media type of its report, as Harbor's API shows it; nil for nothing.
	Overview func(ctx context.Context, e event.Event, scanType string) (json.RawMessage, error)
	Host     string          // by which clients name images
	Networks []netip.Prefix  // private ones that targets of projects may be in
	Keep     time.Duration   // how long deliveries are kept after their end
	Calls    *outbound.Calls // counts requests; nil: nobody does
	Wake     func()          // called when an event was committed; must not block
	Clock    func() time.Time
	Log      *slog.Logger
}

// Service keeps policies and tells targets what they want to hear of. It is safe for concurrent use, and takes authorised
// input.
type Service struct {
	Deps
	public  *outbound.Client // for what projects enter
	private *outbound.Client // for what administrators enter
	waiting chan struct{}

	mu      sync.Mutex
	known   subscriptions // as of a version of webhook_change
	queued  map[int64]backlog
	counted time.Time       // when queues were counted
	total   int64           // of all queues then
	done    map[int64]int64 // deliveries of targets that ended since there was looked for too many

	stats counters
}

type counters struct{ delivered, failed, givenUp, lost atomic.Int64 }

// Stats is what this process has done.
type Stats struct{ Delivered, Failed, GivenUp, Lost int64 }

// Stats returns what this process has done so far.
func (s *Service) Stats() Stats {
	return Stats{s.stats.delivered.Load(), s.stats.failed.Load(), s.stats.givenUp.Load(), s.stats.lost.Load()}
}

const (
	// requestTime is how long a target may take.
	requestTime = 10 * time.Second
	// maxAnswer is how much of an answer is read and kept.
	maxAnswer = 4 << 10
	// atOnce is how many requests one target gets at a time.
	atOnce = 4
	// connections is how many one host gets: many targets may be there.
	connections = 64
)

// New returns a Service. Handle is to be given the events, and Run sends.
func New(d Deps) *Service {
	client := func(reach outbound.Reach) *outbound.Client {
		return outbound.New(outbound.Purpose{Peer: outbound.Webhook, Calls: d.Calls, Reach: reach, Elsewhere: outbound.Nowhere(), Timeout: requestTime, Stall: requestTime, Conns: connections, Idle: atOnce, MaxBody: 1 << 20})
	}
	return &Service{
		Deps: d, public: client(outbound.Internet(d.Networks...)), private: client(outbound.Administered()), waiting: make(chan struct{}, 1),
		queued: map[int64]backlog{}, done: map[int64]int64{},
	}
}

// look has Run look for work at once. It never blocks.
func (s *Service) look() {
	select {
	case s.waiting <- struct{}{}:
	default:
	}
}
