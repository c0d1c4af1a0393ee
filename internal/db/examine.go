package db

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Pooled is how many connections a process opens to PostgreSQL at most: those whose commits are synced and those whose aren't.
const Pooled = 2 * maxConnections

// Server is what a PostgreSQL server says of itself.
type Server struct {
	Version        string
	Number         int64 // of the version: 160004 is 16.4
	Encoding       string
	ReadOnly       bool  // a standby, or set so
	Durable        bool  // a commit survives the loss of power: fsync, full_page_writes and synchronous_commit are on
	MaxConnections int64 // for those who aren't superusers
	Connections    int64 // of everybody now
	Now            time.Time
}

const examine = `SELECT current_setting('server_version'), current_setting('server_version_num')::bigint, current_setting('server_encoding'),
	pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on',
	current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AND current_setting('synchronous_commit') <> 'off',
	current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
	(SELECT COALESCE(sum(numbackends), 0)::bigint FROM pg_stat_database), (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint`

// Examine asks PostgreSQL about itself. Nothing is changed.
func (d *DB) Examine(ctx context.Context) (s Server, err error) {
	s, err = Get(ctx, d.Auto(), func(r Row) (s Server, err error) {
		err = r.Scan(&s.Version, &s.Number, &s.Encoding, &s.ReadOnly, &s.Durable, &s.MaxConnections, &s.Connections, ScanTime(&s.Now))
		return s, err
	}, examine)
	if err != nil {
		return s, fmt.Errorf("ask PostgreSQL about itself: %w", err)
	}
	return s, nil
}

// QuickCheck has SQLite look through its file for damage, as long as ctx lets it, and returns what is wrong, "" when nothing is.
func (d *DB) QuickCheck(ctx context.Context) (damage string, err error) {
	err = d.Read(ctx, func(tx Tx) error {
		lines, err := Collect(ctx, tx, func(r Row) (line string, err error) {
			err = r.Scan(&line)
			return line, err
		}, `PRAGMA quick_check(3)`)
		if text := strings.Join(lines, "; "); text != "ok" {
			damage = text
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("look through the database: %w", classify(err))
	}
	return damage, nil
}

// Migrated reports whether the database has a schema of any version. Asking for it with Schema writes into a database that has none.
func (d *DB) Migrated(ctx context.Context) (bool, error) {
	return d.Auto().HasTable(ctx, gooseTable)
}

// File is where a SQLite database lies, by its URL; "" for another kind.
func File(rawURL string) string {
	path, ok := strings.CutPrefix(rawURL, "sqlite:")
	if !ok {
		return ""
	}
	return strings.TrimPrefix(path, "//")
}

// LogSize is how many bytes the write-ahead log of SQLite has, 0 without one.
func LogSize(path string) int64 {
	info, err := os.Stat(path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}
