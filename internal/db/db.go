package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Dialect says which database is behind a DB. Only this package and its migrations care.
type Dialect string

// The two databases Haven runs on.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DB is a pool of connections. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	durable pool // a commit survives the loss of power
	relaxed pool // a commit survives the end of the process
	reader  pool
	// writing is held by who uses writer, the one that SQLite allows, and wal makes its commits durable; nil
	// on PostgreSQL.
	writing  chan struct{}
	queue    queue // of who waits for it
	writer   *writer
	wal      *walSync
	claim    *os.File      // locked while this process serves the database
	turn     chan struct{} // held by the transaction that had most conflicts
	executed atomic.Int64
	rehearse atomic.Bool // each transaction is run twice (Rehearse)
	watches  atomic.Pointer[[]*Watch]
	targets  targets
	figures  *figures
}

// pool is connections of one kind with the statements prepared on them; stmts is nil on PostgreSQL, whose
// driver keeps its own.
type pool struct {
	*sql.DB
	stmts *statements
}

// Open connects to rawURL: "sqlite:PATH" (the file is created when missing; its folder must exist)
// or "postgres://…". It checks the connection, but neither reads nor changes the schema.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	scheme, rest, ok := strings.Cut(rawURL, ":")
	if !ok {
		return nil, fmt.Errorf("database URL: expected sqlite:PATH or postgres://…")
	}
	d := &DB{turn: make(chan struct{}, 1), figures: newFigures()}
	var err error
	switch scheme {
	case "sqlite":
		err = d.openSQLite(strings.TrimPrefix(rest, "//"))
	case "postgres", "postgresql":
		err = d.openPostgres(rawURL)
	default:
		return nil, fmt.Errorf("database URL: unknown scheme %q, expected sqlite:PATH or postgres://…", scheme)
	}
	if err != nil {
		return nil, err
	}
	if err := d.Ping(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// checkpointPages is how long SQLite's log grows before a commit copies it to the database, in pages of
// 4 KiB. A page that was written often meanwhile is copied once: with SQLite's own 1000 a push pays twice
// as much for it. The log is read again after a crash, at some 500 MB/s.
const checkpointPages = 4000

// openSQLite opens a writer and a few readers. SQLite has one writer at a time anyway, and waiting for it
// in Go is fair where its busy handler is not.
func (d *DB) openSQLite(path string) (err error) {
	if path == "" {
		return errors.New("database URL: sqlite: needs a file path")
	}
	open := func(connections int, options string, pragmas ...string) (pool, error) {
		q := url.Values{"_pragma": append([]string{"busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(1)", "temp_store(MEMORY)"}, pragmas...)}
		p, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode()+options)
		if err != nil {
			return pool{}, fmt.Errorf("open SQLite %s: %w", path, err)
		}
		p.SetMaxOpenConns(connections)
		p.SetMaxIdleConns(connections)
		return pool{p, newStatements(p)}, nil
	}
	d.dialect, d.writing = SQLite, make(chan struct{}, 1)
	d.wal = &walSync{path: path + "-wal"}
	// Besides the writer's own connection there is one for migrations.
	if d.relaxed, err = open(2, "&_txlock=immediate", "synchronous(NORMAL)", fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages)); err != nil {
		return err
	}
	d.durable, d.writer = d.relaxed, &writer{pool: d.relaxed.DB}
	d.reader, err = open(max(4, 2*runtime.NumCPU()), "", "query_only(1)")
	return err
}

// maxConnections is the most of each pool on PostgreSQL.
const maxConnections = 10

// openPostgres keeps small pools: many replicas share one server.
func (d *DB) openPostgres(rawURL string) error {
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return fmt.Errorf("open PostgreSQL: %w", classify(err))
	}
	open := func(config pgx.ConnConfig) pool {
		p := stdlib.OpenDB(config)
		p.SetMaxOpenConns(maxConnections)
		p.SetMaxIdleConns(5)
		p.SetConnMaxIdleTime(5 * time.Minute)
		return pool{DB: p}
	}
	relaxed := config.Copy()
	relaxed.RuntimeParams["synchronous_commit"] = "off"
	d.dialect, d.durable, d.relaxed = Postgres, open(*config), open(*relaxed)
	d.reader = d.durable
	return nil
}

// Dialect returns which database this is.
func (d *DB) Dialect() Dialect { return d.dialect }

// Exclusive reports whether no other process uses the database, so that a lock in memory is enough.
func (d *DB) Exclusive() bool { return d.dialect == SQLite }

// Executed returns the number of statements sent since the DB was opened. Tests hold listings to
// a constant number of them; metrics export it.
func (d *DB) Executed() int64 { return d.executed.Load() }

// Syncs returns how often the log of SQLite was synced for Writes since the DB was opened; 0 on PostgreSQL.
func (d *DB) Syncs() int64 {
	if d.wal == nil {
		return 0
	}
	return d.wal.synced.Load()
}

// Ping asks the database for an answer within five seconds. The error names no credentials. It is
// ErrBroken when the database can be read but nothing can become durable.
func (d *DB) Ping(ctx context.Context) error {
	if d.wal != nil {
		if err := d.wal.failure(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := d.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("connect to the %s database: %w", d.dialect, classify(err))
	}
	return nil
}

// Writable is Ping, and besides asks PostgreSQL whether it takes writes: after a failover an address may lead to a standby. ErrReadOnly says that
// it doesn't, and that reading goes on.
func (d *DB) Writable(ctx context.Context) error {
	if d.dialect != Postgres {
		return d.Ping(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var only string
	if err := d.reader.QueryRowContext(ctx, `SELECT current_setting('transaction_read_only')`).Scan(&only); err != nil {
		return fmt.Errorf("connect to the %s database: %w", d.dialect, classify(err))
	}
	if only == "on" {
		return ErrReadOnly
	}
	return nil
}

// Close waits for running statements and closes all connections.
func (d *DB) Close() error {
	var errs []error
	if d.wal != nil {
		errs = append(errs, d.wal.close())
	}
	if d.writer != nil {
		d.writing <- struct{}{} // a transaction that runs ends first
		errs = append(errs, d.writer.close())
		<-d.writing
	}
	closed := map[*sql.DB]bool{nil: true} // nil: opening failed before it
	for _, p := range []pool{d.reader, d.relaxed, d.durable} {
		if closed[p.DB] {
			continue
		}
		closed[p.DB] = true
		if p.stmts != nil {
			p.stmts.close()
		}
		errs = append(errs, p.Close())
	}
	if d.claim != nil {
		errs = append(errs, d.claim.Close())
		d.claim = nil
	}
	return errors.Join(errs...)
}

// statements keeps prepared statements by their text. pgx has such a cache of its own; the SQLite
// driver would parse each text anew. The set of texts is the set of constants in this program plus
// the filters of listings, so the bound is only a guard.
type statements struct {
	pool *sql.DB
	mu   sync.RWMutex
	byQ  map[string]*sql.Stmt
}

const maxStatements = 1000

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, byQ: map[string]*sql.Stmt{}}
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stmt := range s.byQ {
		stmt.Close()
	}
}

// get returns the prepared statement for query, or nil when there is none yet.
func (s *statements) get(query string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byQ[query]
}

// learn prepares queries for the next time. It runs when no transaction holds a connection: the
// single writer's only one would be waited for in vain.
func (s *statements) learn(ctx context.Context, queries []string) {
	for _, query := range queries {
		s.mu.RLock()
		known, full := s.byQ[query] != nil, len(s.byQ) >= maxStatements
		s.mu.RUnlock()
		if known || full {
			continue
		}
		stmt, err := s.pool.PrepareContext(ctx, query)
		if err != nil {
			return // only a cache: the text is sent again
		}
		s.mu.Lock()
		if s.byQ[query] == nil {
			s.byQ[query], stmt = stmt, nil
		}
		s.mu.Unlock()
		if stmt != nil {
			stmt.Close()
		}
	}
}
