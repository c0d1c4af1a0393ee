package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	// ErrNewerSchema: the database was migrated by a newer program, and this one can't go on with it.
	ErrNewerSchema = errors.New("the database was made by a newer version of Haven; start that version, or restore a backup of the older schema")
	// ErrOldSchema: Migrate has something to do first.
	ErrOldSchema = errors.New("the database's schema is not up to date: run haven migrate, or start haven serve of this version once")
	// ErrAhead: what needs to know all that is in the database is for a newer program.
	ErrAhead = errors.New("a newer version of Haven has migrated the database, and only that one knows all of its tables: let it do this")
)

// Schema says which migrations a database has.
type Schema struct {
	Current int64 // number of the last migration applied, 0 for an empty database
	Target  int64 // number of the last migration this program knows
}

// Pending reports whether Migrate would change something.
func (s Schema) Pending() bool { return s.Current < s.Target }

// Ahead reports whether a newer program has migrated the database, in a way that this one can go on with: it serves, but doesn't
// know all that is there.
func (s Schema) Ahead() bool { return s.Current > s.Target }

// Exact refuses a schema that isn't this program's: ErrOldSchema or ErrAhead.
func (s Schema) Exact() error {
	switch {
	case s.Pending():
		return ErrOldSchema
	case s.Ahead():
		return ErrAhead
	}
	return nil
}

// Newest is the number of the last migration that this program knows.
func Newest() int64 {
	all := migrations()
	return all[len(all)-1].number
}

// Migration is a change of the schema.
type Migration struct {
	Name string // 00039_compatible_schema
	// Alone: programs that don't know it can't go on with the database.
	Alone  bool
	number int64
	text   string
}

// upMark and downMark begin what does a migration, and what takes it back.
const (
	upMark   = "-- +goose Up\n"
	downMark = "-- +goose Down\n"
)

// raises is what a migration says after which older programs can't go on: UPDATE compatible_schema SET since = its number.
const raises = "UPDATE compatible_schema"

// later are migrations behind the program's own, each with its line "-- +goose Up". Tests of upgrades have the linker set it; in a
// release there are none.
var later string

// migrations are all that this program knows, in their order.
func migrations() (all []Migration) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, e := range entries {
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			panic(err)
		}
		number, _, _ := strings.Cut(e.Name(), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(err)
		}
		all = append(all, newMigration(n, strings.TrimSuffix(e.Name(), ".sql"), string(text)))
	}
	for _, text := range strings.SplitAfter(later, upMark)[1:] {
		n := all[len(all)-1].number + 1
		all = append(all, newMigration(n, fmt.Sprintf("%05d_later", n), upMark+strings.TrimSuffix(text, upMark)))
	}
	return all
}

func newMigration(number int64, name, text string) Migration {
	return Migration{name, strings.Contains(text, raises), number, text}
}

// Lacking are the migrations that Migrate would do, in their order.
func (s Schema) Lacking() []Migration { return between(s.Current, s.Target) }

// between are the migrations after one up to another.
func between(after, upTo int64) (some []Migration) {
	for _, m := range migrations() {
		if after < m.number && m.number <= upTo {
			some = append(some, m)
		}
	}
	return some
}

// SchemaVersion is the number of the last migration applied, as the transaction sees it.
func (tx Tx) SchemaVersion(ctx context.Context) (int64, error) {
	last, err := Get(ctx, tx, ScanInt, `SELECT MAX(version_id) FROM `+gooseTable)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return last, nil
}

// compatibleSince is the oldest schema whose programs can go on with the database.
const compatibleSince = `SELECT since FROM compatible_schema`

// Schema reads which migrations the database has, changing nothing but goose's own version table.
// A database that is ahead of what the program can go on with gives ErrNewerSchema besides, one that is being filled ErrFilling alone.
func (d *DB) Schema(ctx context.Context) (Schema, error) {
	switch filling, err := d.Auto().HasTable(ctx, FillingTable); {
	case err != nil:
		return Schema{}, fmt.Errorf("look whether the database is whole: %w", err)
	case filling:
		return Schema{}, ErrFilling
	}
	p, err := d.provider()
	if err != nil {
		return Schema{}, err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return Schema{}, fmt.Errorf("read schema version: %w", classify(err))
	}
	s := Schema{Current: current, Target: target}
	if !s.Ahead() {
		return s, nil
	}
	since, err := Get(ctx, d.Auto(), ScanInt, compatibleSince)
	if err != nil {
		return s, fmt.Errorf("read which programs the schema is for: %w", err)
	}
	if since > target {
		return s, ErrNewerSchema
	}
	return s, nil
}
