package notice

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// commands are what Redis is asked for; "other" is what the library does by itself.
var commands = []string{"publish", "ping", "other"}

// figures count commands. They implement redis.Hook.
type figures struct {
	spread           *telemetry.Spread
	failed, received atomic.Int64
}

func newFigures() *figures {
	return &figures{spread: telemetry.NewSpread("haven_redis_command_duration_seconds", "How long Redis took for commands of this process.", "command", commands,
		300*time.Microsecond, time.Millisecond, 3*time.Millisecond, 10*time.Millisecond, 100*time.Millisecond, time.Second)}
}

// DialHook implements redis.Hook.
func (f *figures) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		f.count(err)
		return conn, err
	}
}

// ProcessHook implements redis.Hook.
func (f *figures) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		_, span := trace.StartCall(ctx, "redis")
		err := next(ctx, cmd)
		name := cmd.Name()
		if name != "publish" && name != "ping" {
			name = "other"
		}
		f.spread.Observe(name, time.Since(began))
		f.count(err)
		span.Set("db.operation.name", name)
		span.End(err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (f *figures) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		f.spread.Observe("other", time.Since(began))
		f.count(err)
		return err
	}
}

func (f *figures) count(err error) {
	if err != nil {
		f.failed.Add(1)
	}
}

// Spread is how long Redis took for commands, for metrics.
func (b *Board) Spread() *telemetry.Spread { return b.figures.spread }

// Failures returns how often connecting to Redis, or a command, failed.
func (b *Board) Failures() int64 { return b.figures.failed.Load() }

// Received returns how many notices came from other replicas.
func (b *Board) Received() int64 { return b.figures.received.Load() }

// Connected reports whether notices of others come in.
func (b *Board) Connected() bool { return b.connected.Load() }
