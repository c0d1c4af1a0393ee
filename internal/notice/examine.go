package notice

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// Server is what a Redis showed of itself.
type Server struct {
	Version string        // "" where it doesn't say: some providers forbid INFO
	Took    time.Duration // for an answer
	Heard   bool          // a notice came back
}

// examinedTopic is one that no replica looks at.
const examinedTopic Topic = "doctor"

// Examine connects to Redis, and sends a notice round as replicas do. Others hear it and do nothing. ctx bounds how long it waits. The error
// shows nothing of the URL.
func Examine(ctx context.Context, rawURL secret.Text) (s Server, err error) {
	client, err := connect(rawURL)
	if err != nil {
		return s, err
	}
	defer func() { _ = client.Close() }()
	if err := client.Ping(ctx).Err(); err != nil {
		return s, fmt.Errorf("ask Redis: %w", err)
	}
	began := time.Now()
	if err := client.Ping(ctx).Err(); err != nil {
		return s, fmt.Errorf("ask Redis: %w", err)
	}
	s.Took = time.Since(began)
	if text, err := client.Info(ctx, "server").Result(); err == nil {
		for line := range strings.Lines(text) {
			for _, key := range []string{"redis_version:", "valkey_version:"} {
				if v, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok {
					s.Version = v
				}
			}
		}
	}
	sub := client.Subscribe(ctx, channel)
	defer func() { _ = sub.Close() }()
	if _, err := sub.Receive(ctx); err != nil {
		return s, fmt.Errorf("listen to notices: %w", err)
	}
	sent := secret.NewToken() + " " + string(examinedTopic)
	if err := client.Publish(ctx, channel, sent).Err(); err != nil {
		return s, fmt.Errorf("send a notice: %w", err)
	}
	for !s.Heard {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			return s, fmt.Errorf("hear a notice: %w", err)
		}
		s.Heard = m.Payload == sent // else somebody's else
	}
	return s, nil
}
