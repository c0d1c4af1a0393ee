package app

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/telemetry"
)

// watchDependencies exports how what the registry stands on does: the database, the store, Redis, and other servers.
func (a *App) watchDependencies() {
	a.watchDatabase()
	a.watchStorage()
	a.watchRedis()
	a.watchCalls()
	a.watchParts()
	a.watchEvents()
}

// eventsFor is how long what is known of events is believed.
const eventsFor = 5 * time.Second

// watchEvents exports whether what follows from a push, and from all else that happens, is begun.
func (a *App) watchEvents() {
	events := a.events
	lag := remembered(eventsFor, events.Lag)
	a.metrics.Family(telemetry.Family{Name: "haven_events_lag_seconds", Help: "How long the oldest event of the whole registry has waited for what follows from it, such as scans and replication; 0 when none does.",
		Read: func(report telemetry.Report) {
			if waited, err := lag(); err == nil {
				report(waited.Seconds())
			}
		}})
	a.metrics.Counter("haven_events_set_aside_total", "Events that this process has given up for now: docs/repair.md says how they are tried again.",
		func() float64 { return float64(events.SetAside()) })
}

func (a *App) watchDatabase() {
	d := a.db
	a.metrics.Spread(d.Spread())
	a.metrics.Family(telemetry.Family{Name: "haven_db_failures_total", Help: "Operations of this process that the database failed: it can't be reached, is full or busy for too long, or reports an error.",
		Labels: []string{"operation"}, Grows: true, Read: func(report telemetry.Report) {
			d.Failures(func(operation string, n int64) { report(float64(n), operation) })
		}})
	a.metrics.Counter("haven_db_conflicts_total", "How often a transaction of this process ran again, as it met another one or lost its connection.",
		func() float64 { return float64(d.Conflicts()) })
	a.metrics.Counter("haven_db_syncs_total", "How often this process synced the log of SQLite; 0 on PostgreSQL.", func() float64 { return float64(d.Syncs()) })
	byPool := func(name, help string, grows bool, figure func(sql.DBStats) float64) {
		a.metrics.Family(telemetry.Family{Name: name, Help: help, Labels: []string{"pool"}, Grows: grows, Read: func(report telemetry.Report) {
			d.Pools(func(pool string, stats sql.DBStats) { report(figure(stats), pool) })
		}})
	}
	byPool("haven_db_connections_in_use", "Connections to the database that work.", false, func(v sql.DBStats) float64 { return float64(v.InUse) })
	byPool("haven_db_connections_idle", "Connections to the database that are open and wait.", false, func(v sql.DBStats) float64 { return float64(v.Idle) })
	byPool("haven_db_connections_max", "Connections to the database that this process opens at most.", false, func(v sql.DBStats) float64 { return float64(v.MaxOpenConnections) })
	byPool("haven_db_connection_waits_total", "How often something waited for a connection to the database.", true, func(v sql.DBStats) float64 { return float64(v.WaitCount) })
	byPool("haven_db_connection_wait_seconds_total", "How long all together waited for connections to the database.", true, func(v sql.DBStats) float64 { return v.WaitDuration.Seconds() })
}

// roomFor is how long what a store says of its room is believed.
const roomFor = 10 * time.Second

func (a *App) watchStorage() {
	f, driver := a.stored, map[string]string{"driver": a.stored.Driver}
	a.metrics.Spread(f.Spread, driver)
	a.metrics.Family(telemetry.Family{Name: "haven_storage_failures_total", Help: "Operations of this process that the blob store failed.",
		Labels: []string{"driver", "operation"}, Grows: true, Read: func(report telemetry.Report) {
			f.Failures(func(operation string, n int64) { report(float64(n), f.Driver, operation) })
		}})
	type room struct{ total, free uint64 }
	blobs := a.blobs
	ask := remembered(roomFor, func(ctx context.Context) (r room, err error) {
		r.total, r.free, err = blobs.Free(ctx)
		return r, err
	})
	say := func(name, help string, figure func(room) uint64) {
		a.metrics.Family(telemetry.Family{Name: name, Help: help, Read: func(report telemetry.Report) {
			if r, err := ask(); err == nil {
				report(float64(figure(r)))
			}
		}})
	}
	say("haven_storage_total_bytes", "Capacity of the blob store; 0 where it knows no limit.", func(r room) uint64 { return r.total })
	say("haven_storage_free_bytes", "What can still be written to the blob store; 0 where it knows no limit.", func(r room) uint64 { return r.free })
}

func (a *App) watchRedis() {
	n := a.notices
	a.metrics.Spread(n.Spread())
	a.metrics.Gauge("haven_redis_configured", "1 where there is a Redis.", func() float64 { return oneIf(n.Shared()) })
	a.metrics.Gauge("haven_redis_connected", "1 while word from the other replicas comes in by Redis.", func() float64 { return oneIf(n.Connected()) })
	a.metrics.Counter("haven_redis_failures_total", "Connections and commands of this process that Redis failed.", func() float64 { return float64(n.Failures()) })
	a.metrics.Counter("haven_redis_notices_received_total", "Notices from other replicas that came to this process.", func() float64 { return float64(n.Received()) })
}

func (a *App) watchCalls() {
	calls := a.calls
	a.metrics.Spread(calls.Spread())
	a.metrics.Family(telemetry.Family{Name: "haven_outbound_requests_total", Help: "Requests of this process to other servers, by what sort of server, and the class of the answer or why there was none.",
		Labels: []string{"peer", "code"}, Grows: true, Read: func(report telemetry.Report) {
			seen := calls.Answers()
			for _, peer := range outbound.Peers() { // all are shown from the beginning
				seen[outbound.Answer{Peer: peer, Code: "2xx"}] += 0
			}
			for answer, n := range seen {
				report(float64(n), string(answer.Peer), answer.Code)
			}
		}})
}

// partsFor is how long a check of a part is believed: that of the store writes and syncs a file.
const partsFor = 10 * time.Second

// watchParts exports whether the parts of the registry are well, as the API's health does. They are asked beside each other.
func (a *App) watchParts() {
	parts := a.parts()
	ask := remembered(partsFor, func(ctx context.Context) ([]float64, error) {
		well := make([]float64, len(parts))
		var all sync.WaitGroup
		for i, p := range parts {
			all.Go(func() { well[i] = oneIf(p.Check == nil || p.Check(ctx) == nil) })
		}
		all.Wait()
		return well, nil
	})
	a.metrics.Family(telemetry.Family{Name: "haven_part_up", Help: "1 while a part of the registry does its work, by Harbor's names of parts; checked every ten seconds at most.",
		Labels: []string{"part"}, Read: func(report telemetry.Report) {
			well, _ := ask() // never an error: a part that isn't well is an answer
			for i, p := range parts {
				report(well[i], p.Name)
			}
		}})
}
