package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

const (
	// oldest is the first version of PostgreSQL that Haven's statements work on, endOfLife the first that still gets repairs.
	oldest    = 120000
	endOfLife = 140000
	// slowAnswer is when each request feels the way to the database.
	slowAnswer = 10 * time.Millisecond
	// pings are how many answers the latency is the median of.
	pings = 5
	// lookThrough is how long SQLite may look for damage: some gigabytes' worth.
	lookThrough = 10 * time.Second
	// largeLog is when SQLite's log has not been copied to the database for long.
	largeLog = 1 << 30
)

// WithDatabase is what else to look at when there is a database of this program's version: by the packages that own the rows.
type WithDatabase func(ctx context.Context, d *db.DB, n *Notes)

// database looks at the database, and has more look at it then.
func (g *Given) database(then WithDatabase) func(context.Context, *Notes) {
	return func(ctx context.Context, n *Notes) {
		if path := db.File(g.DatabaseURL); path != "" && !g.sqliteFile(n, path) {
			return
		}
		d, err := db.Open(ctx, g.DatabaseURL)
		if err != nil {
			n.Wrong("See that the database runs and is reached from this machine, and that user, password and name in database_url are right.", "database_url: %v", err)
			return
		}
		defer d.Close()
		if d.Dialect() == db.Postgres {
			server(ctx, d, n)
		} else {
			damage(ctx, d, n)
		}
		if schema(ctx, d, n) {
			then(ctx, d, n)
		}
	}
}

// sqliteFile looks at the file before anything opens it, which would make it. It reports whether to go on.
func (g *Given) sqliteFile(n *Notes, path string) bool {
	if kind := kindOf(filepath.Dir(path)); slices.Contains([]string{"NFS", "CIFS", "SMB", "9p", "Ceph", "AFS"}, kind) {
		n.Wrong("Put the database on a disk of this machine, or use PostgreSQL.", "database_url: %s is on a network file system (%s), where SQLite's locks and log don't hold", path, kind)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		n.Good("there is no database yet; the first start makes %s", path)
		return false
	case err != nil:
		n.Wrong("Let the user that Haven runs as read and write the database.", "database_url: %v", err)
		return false
	}
	if info.Mode().Perm()&0o004 != 0 {
		parent, err := os.Stat(filepath.Dir(path))
		if err == nil && parent.Mode().Perm()&0o001 != 0 {
			n.Doubt("Run chmod o-r "+path+"*.", "every user of this machine may read %s", path)
		}
	}
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			n.Wrong("Give the file, with those beside it that end in -wal and -shm, to the user that Haven runs as.", "database_url: %v", err)
			return false
		}
		f.Close()
	}
	if log := db.LogSize(path); log > largeLog {
		n.Doubt("Restart Haven, and see whether something else has the database open.", "SQLite's log has grown to %s", size(uint64(log)))
	}
	return true
}

func damage(ctx context.Context, d *db.DB, n *Notes) {
	ctx, cancel := context.WithTimeout(ctx, lookThrough)
	defer cancel()
	switch found, err := d.QuickCheck(ctx); {
	case ctx.Err() != nil:
		n.Good("SQLite answers; the database is too large to look through in %s, and what was seen of it is sound", lookThrough)
	case err != nil:
		n.Wrong("Restore the database from a backup (docs/backup.md), or make it anew with haven rebuild (docs/repair.md).", "%v", err)
	case found != "":
		n.Wrong("Stop Haven, keep a copy of the file, and restore the database from a backup (docs/backup.md), or make it anew with haven rebuild (docs/repair.md).", "the database is damaged: %s", found)
	default:
		n.Good("SQLite answers, and the database is sound")
	}
}

func server(ctx context.Context, d *db.DB, n *Notes) {
	began := time.Now()
	s, err := d.Examine(ctx)
	if err != nil {
		n.Wrong("See PostgreSQL's log.", "%v", err)
		return
	}
	compareClock(n, "the database's clock", outside(s.Now, began, time.Now()), 0)
	switch {
	case s.Number < oldest:
		n.Wrong("Use PostgreSQL 14 or newer.", "PostgreSQL %s is too old", s.Version)
	case s.Number < endOfLife:
		n.Doubt("Move to a newer PostgreSQL.", "PostgreSQL %s gets no repairs any more", s.Version)
	default:
		n.Good("PostgreSQL %s answers", s.Version)
	}
	if s.Encoding != "UTF8" {
		n.Wrong("Make a database with ENCODING 'UTF8' (createdb -E UTF8 -T template0), and move to it with haven backup and haven restore.", "the database's encoding is %s", s.Encoding)
	}
	if s.ReadOnly {
		n.Wrong("Let database_url lead to the primary server, or end its read-only mode.", "the database takes no writes: it is a standby, or read-only")
	}
	if !s.Durable {
		n.Doubt("Set fsync, full_page_writes and synchronous_commit to on.", "PostgreSQL may lose what was acknowledged when the power goes")
	}
	// What is open already may be Haven's own.
	switch free := s.MaxConnections - s.Connections; {
	case s.MaxConnections < db.Pooled:
		n.Wrong("Raise max_connections of PostgreSQL to 100 or more.", "PostgreSQL allows %d connections, and each Haven opens up to %d", s.MaxConnections, db.Pooled)
	case free < db.Pooled:
		n.Doubt("Raise max_connections of PostgreSQL, or have fewer programs use it.", "%d of PostgreSQL's %d connections are left, and each Haven opens up to %d", free, s.MaxConnections, db.Pooled)
	}
	latency(ctx, d, n)
}

func latency(ctx context.Context, d *db.DB, n *Notes) {
	var took []time.Duration
	for range pings {
		began := time.Now()
		if err := d.Ping(ctx); err != nil {
			n.Wrong("See why the connection to the database ends.", "%v", err)
			return
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	if median := took[pings/2]; median > slowAnswer {
		n.Doubt("Run Haven near its database: each request asks it a few times.", "the database answers in %s", median.Round(100*time.Microsecond))
	}
}

// schema compares the schema with this program's. It reports whether the rows can be read by it.
func schema(ctx context.Context, d *db.DB, n *Notes) bool {
	switch migrated, err := d.Migrated(ctx); {
	case err != nil:
		n.Wrong("See the database's log.", "the schema's version can't be read: %v", err)
		return false
	case !migrated:
		n.Good("the database is empty; the first start fills it")
		return false
	}
	s, err := d.Schema(ctx)
	switch {
	case errors.Is(err, db.ErrNewerSchema):
		n.Wrong("Start the newer version of Haven that made it, or restore a backup of before.", "the database has schema %d, and this program knows %d: it refuses to start", s.Current, s.Target)
	case err != nil:
		n.Wrong("Finish or repeat what was filling the database, as the message says.", "%s", strings.TrimSpace(err.Error()))
	case s.Pending():
		n.Doubt("Make a backup, look at haven migrate --check, then start this version.", "the database has schema %d: the next start brings it to %d", s.Current, s.Target)
	case s.Ahead():
		n.Doubt("Start the newer version everywhere, unless you want to go back.", "a newer version has brought the database to schema %d: this one, which knows %d, goes on with it", s.Current, s.Target)
		return true
	default:
		n.Good("the schema is this program's (%d)", s.Current)
		return true
	}
	return false
}
