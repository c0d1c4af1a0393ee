package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/secret"
)

// Topic says what to look at again.
type Topic string

// The topics there are.
const (
	Events   Topic = "events"   // the outbox has work
	Settings Topic = "settings" // the configuration changed
	Jobs     Topic = "jobs"     // there is work, or some was stopped
)

const (
	channel = "haven/notice"
	// gatherFor lets notices of one topic that come together be one.
	gatherFor = 10 * time.Millisecond
	// retryEvery is how soon Redis is tried again.
	retryEvery = time.Second
	// aliveEvery is how long a silent connection is believed in before it is asked for a sign of life, and
	// how long it may take to give it.
	aliveEvery = 5 * time.Second
)

var errSilent = errors.New("the connection is silent")

// Board is where this replica's notices go out and those of the others come in.
type Board struct {
	log         *slog.Logger
	self        string // tells our own notices from those of the others
	client      redis.UniversalClient
	subscribers map[Topic][]func()
	wake        chan struct{}

	mu      sync.Mutex
	pending map[Topic]bool // to be sent

	connected atomic.Bool
	figures   *figures
}

// Open returns the board behind a URL of Redis; an empty one is a board without others. It connects to
// nothing yet. The error says what was expected, and nothing of the URL.
func Open(rawURL secret.Text, log *slog.Logger) (*Board, error) {
	b := &Board{log: log, self: secret.NewToken(), subscribers: map[Topic][]func(){}, wake: make(chan struct{}, 1), pending: map[Topic]bool{}, figures: newFigures()}
	if rawURL == "" {
		return b, nil
	}
	var err error
	if b.client, err = connect(rawURL); err == nil {
		b.client.AddHook(b.figures)
	}
	return b, err
}

// Subscribe has look called when another replica published the topic, and whenever notices may have been
// missed. look must be quick. Subscribe before Run.
func (b *Board) Subscribe(t Topic, look func()) {
	b.subscribers[t] = append(b.subscribers[t], look)
}

// Publish tells the other replicas. It never blocks: use it with Tx.AfterCommit.
func (b *Board) Publish(t Topic) {
	if b.client == nil {
		return
	}
	b.mu.Lock()
	b.pending[t] = true
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Shared reports whether there is a Redis.
func (b *Board) Shared() bool { return b.client != nil }

// Check asks Redis for an answer, within two seconds.
func (b *Board) Check(ctx context.Context) error {
	if b.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := b.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask Redis: %w", err)
	}
	return nil
}

// Close ends the connections.
func (b *Board) Close() error {
	if b.client == nil {
		return nil
	}
	return b.client.Close()
}

// Run sends and receives until ctx is cancelled, and returns nil then. Redis may come and go.
func (b *Board) Run(ctx context.Context) error {
	if b.client == nil {
		return nil
	}
	var g errgroup.Group
	g.Go(func() error { b.send(ctx); return nil })
	g.Go(func() error { b.receive(ctx); return nil })
	return g.Wait()
}

func (b *Board) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		if !pause.For(ctx, gatherFor) {
			return
		}
		b.mu.Lock()
		topics := b.pending
		b.pending = map[Topic]bool{}
		b.mu.Unlock()
		for t := range topics {
			// An error is not reported here: the receiving half notices the same.
			b.client.Publish(ctx, channel, b.self+" "+string(t))
		}
	}
}

// receive follows the channel, again and again. It reports the end of a connection once.
func (b *Board) receive(ctx context.Context) {
	away := false
	for ctx.Err() == nil {
		err := b.follow(ctx, func() {
			if away {
				b.log.InfoContext(ctx, "Redis is back")
			}
			away = false
			b.connected.Store(true)
			b.lookAtAll()
		})
		b.connected.Store(false)
		if !away && ctx.Err() == nil {
			away = true
			b.log.WarnContext(ctx, "Redis can't be reached: until it is back, changes made on other replicas take up to a second to show here", "error", err)
		}
		if !pause.For(ctx, retryEvery) {
			return
		}
	}
}

// follow hands notices to the subscribers until the connection fails. found is called when it stands.
func (b *Board) follow(ctx context.Context, found func()) error {
	sub := b.client.Subscribe(ctx, channel)
	end := sync.OnceFunc(func() { _ = sub.Close() }) // the connection may be gone already
	defer end()
	// Reading heeds no cancellation, only the end of the connection.
	defer context.AfterFunc(ctx, end)()
	asked := false
	for {
		answer, err := sub.ReceiveTimeout(ctx, aliveEvery)
		timeout := net.Error(nil)
		switch {
		case err == nil:
			asked = false
		case errors.As(err, &timeout) && timeout.Timeout() && !asked:
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
			continue
		case asked:
			return errors.Join(errSilent, err)
		default:
			return err
		}
		switch m := answer.(type) {
		case *redis.Subscription:
			found()
		case *redis.Message:
			b.deliver(m.Payload)
		}
	}
}

// deliver takes a notice. One that nobody here knows is of a newer version, or of no Haven.
func (b *Board) deliver(payload string) {
	from, topic, _ := strings.Cut(payload, " ")
	if from == b.self {
		return
	}
	b.figures.received.Add(1)
	for _, look := range b.subscribers[Topic(topic)] {
		look()
	}
}

func (b *Board) lookAtAll() {
	for _, all := range b.subscribers {
		for _, look := range all {
			look()
		}
	}
}
