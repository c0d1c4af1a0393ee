package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/scan/adapter"
)

const (
	// metadataFor is how long what a scanner says of itself is believed, failedFor how long it isn't asked again
	// after it didn't answer.
	metadataFor = 30 * time.Second
	failedFor   = 10 * time.Second
	// atOnce is how many scanners are asked at once for a listing.
	atOnce = 8
)

// known keeps what scanners said of themselves. It is bounded by the number of registrations.
type known struct {
	clock func() time.Time

	mu  sync.Mutex
	all map[int64]*said
}

// said is what a scanner last said. Those who ask meanwhile wait for the one who asks it.
type said struct {
	mu       sync.Mutex
	version  time.Time // the registration's, when it was asked
	at       time.Time
	metadata adapter.Metadata
	err      error
}

func newKnown(clock func() time.Time) *known { return &known{clock: clock, all: map[int64]*said{}} }

func (k *known) of(id int64) *said {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all) > 2*maxScanners { // of deleted ones
		k.all = map[int64]*said{}
	}
	if k.all[id] == nil {
		k.all[id] = &said{}
	}
	return k.all[id]
}

// Metadata is what a scanner says of itself, as of at most 30 s ago. Errors are *adapter.Failure, or ours.
func (s *Service) Metadata(ctx context.Context, sc Scanner) (adapter.Metadata, error) {
	if sc.builtin {
		return s.Own(ctx)
	}
	said := s.known.of(sc.ID)
	said.mu.Lock()
	defer said.mu.Unlock()
	believed := metadataFor
	if said.err != nil {
		believed = failedFor
	}
	now := s.Clock()
	if said.version.Equal(sc.UpdatedAt) && !said.at.IsZero() && now.Sub(said.at) < believed {
		return said.metadata, said.err
	}
	e, err := s.Endpoint(sc)
	if err != nil {
		return adapter.Metadata{}, err
	}
	// Others wait for the answer too, so it isn't given up with one caller's request; the client bounds it.
	m, err := s.Adapters.Metadata(context.WithoutCancel(ctx), e)
	said.version, said.at, said.metadata, said.err = sc.UpdatedAt, s.Clock(), m, err
	return m, err
}

// View is a scanner with what it says of itself.
type View struct {
	Scanner
	Metadata adapter.Metadata
	Healthy  bool // it answered
}

// View adds to a scanner what it says of itself.
func (s *Service) View(ctx context.Context, sc Scanner) View {
	m, err := s.Metadata(ctx, sc)
	if err != nil {
		s.Log.WarnContext(ctx, "a scanner doesn't say what it is", "scanner", sc.Name, "error", err)
		return View{Scanner: sc}
	}
	return View{sc, m, true}
}

// Views is View of several, which are asked at the same time.
func (s *Service) Views(ctx context.Context, all []Scanner) []View {
	views := make([]View, len(all))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, sc := range all {
		g.Go(func() error {
			views[i] = s.View(ctx, sc)
			return nil
		})
	}
	_ = g.Wait() // no error: a scanner that doesn't answer has a View that says so
	return views
}

// Explain is Metadata with an error that clients may be told.
func (s *Service) Explain(ctx context.Context, sc Scanner) (adapter.Metadata, error) {
	m, err := s.Metadata(ctx, sc)
	if failure, ok := errors.AsType[*adapter.Failure](err); ok {
		return m, fault.Invalidf("%s", failure.Error())
	}
	if err != nil {
		return m, fmt.Errorf("ask scanner %s what it is: %w", sc.Name, err)
	}
	return m, nil
}
