package db

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// ValueKind is what a column holds, in the words of both databases.
type ValueKind string

// The kinds of columns that there are.
const (
	IntValue   ValueKind = "int"
	BoolValue  ValueKind = "bool" // on PostgreSQL; SQLite keeps such as an IntValue of 0 or 1
	TextValue  ValueKind = "text"
	BytesValue ValueKind = "bytes"
)

// TableColumn is a column of a Table.
type TableColumn struct {
	Name string
	Kind ValueKind
}

// Table is a table of the migrations, as it is in this database.
type Table struct {
	Name    string
	Columns []TableColumn // in the order of their names
	Counter string        // the column whose values the database gives and never gives again, "" for none
	Refers  []string      // the other tables that rows of this one refer to, in the order of their names
}

// Tables returns the tables that the migrations have made, and no others that may lie beside them. Each comes after those that
// its rows refer to.
func (d *DB) Tables(ctx context.Context) (tables []Table, err error) {
	err = d.Read(ctx, func(tx Tx) (err error) {
		tables, err = tx.Tables(ctx)
		return err
	})
	return tables, err
}

// Tables is DB.Tables within a transaction.
func (tx Tx) Tables(ctx context.Context) ([]Table, error) {
	find := tx.tablesOfPostgres
	if tx.db.dialect == SQLite {
		find = tx.tablesOfSQLite
	}
	found, err := find(ctx)
	if err != nil {
		return nil, fmt.Errorf("look what tables there are: %w", err)
	}
	found = slices.DeleteFunc(found, func(t Table) bool { return !madeByMigrations()[t.Name] })
	for _, t := range found {
		slices.SortFunc(t.Columns, func(a, b TableColumn) int { return strings.Compare(a.Name, b.Name) })
		slices.Sort(t.Refers)
	}
	return inOrder(found)
}

var makesTable = regexp.MustCompile(`(?:CREATE TABLE|RENAME TO) (\w+)`)

// madeByMigrations are the names of all tables that a migration has ever made.
var madeByMigrations = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, m := range migrations() {
		for _, made := range makesTable.FindAllStringSubmatch(m.text, -1) {
			names[made[1]] = true
		}
	}
	return names
})

// inOrder puts tables behind those that they refer to, and else in the order of their names.
func inOrder(tables []Table) ([]Table, error) {
	slices.SortFunc(tables, func(a, b Table) int { return strings.Compare(a.Name, b.Name) })
	done := map[string]bool{}
	ordered := make([]Table, 0, len(tables))
	for len(ordered) < len(tables) {
		before := len(ordered)
		for _, t := range tables {
			if !done[t.Name] && !slices.ContainsFunc(t.Refers, func(other string) bool { return !done[other] }) {
				done[t.Name] = true
				ordered = append(ordered, t)
			}
		}
		if len(ordered) == before {
			return nil, fmt.Errorf("order the tables: some refer to each other in a circle")
		}
	}
	return ordered, nil
}

const (
	sqliteTables = `SELECT name, CASE WHEN sql LIKE '%AUTOINCREMENT%' THEN 1 ELSE 0 END FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`
	// pk is 1 for the first column of the primary key.
	sqliteColumns = `SELECT name, type, pk FROM pragma_table_info($1)`
	sqliteRefers  = `SELECT DISTINCT "table" FROM pragma_foreign_key_list($1) WHERE "table" <> $1`
)

func (tx Tx) tablesOfSQLite(ctx context.Context) (tables []Table, err error) {
	type named struct {
		name    string
		counted bool
	}
	all, err := Collect(ctx, tx, func(r Row) (n named, err error) { err = r.Scan(&n.name, &n.counted); return n, err }, sqliteTables)
	if err != nil {
		return nil, err
	}
	for _, n := range all {
		t := Table{Name: n.name}
		type column struct {
			name, kind string
			key        int
		}
		columns, err := Collect(ctx, tx, func(r Row) (c column, err error) { err = r.Scan(&c.name, &c.kind, &c.key); return c, err }, sqliteColumns, n.name)
		if err != nil {
			return nil, err
		}
		for _, c := range columns {
			if err := t.add(c.name, map[string]ValueKind{"INTEGER": IntValue, "TEXT": TextValue, "BLOB": BytesValue}[c.kind], c.kind); err != nil {
				return nil, err
			}
			if n.counted && c.key == 1 {
				t.Counter = c.name
			}
		}
		if t.Refers, err = Collect(ctx, tx, ScanString, sqliteRefers, n.name); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

const (
	postgresColumns = `SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attidentity <> ''
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY c.relname`
	postgresRefers = `SELECT DISTINCT c.relname, o.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class o ON o.oid = k.confrelid
		WHERE k.contype = 'f' AND c.relnamespace = CAST(current_schema() AS regnamespace) AND c.oid <> o.oid`
)

func (tx Tx) tablesOfPostgres(ctx context.Context) (tables []Table, err error) {
	type column struct {
		table, name, kind string
		counted           bool
	}
	columns, err := Collect(ctx, tx, func(r Row) (c column, err error) { err = r.Scan(&c.table, &c.name, &c.kind, &c.counted); return c, err }, postgresColumns)
	if err != nil {
		return nil, err
	}
	for _, c := range columns {
		if len(tables) == 0 || tables[len(tables)-1].Name != c.table {
			tables = append(tables, Table{Name: c.table})
		}
		t := &tables[len(tables)-1]
		kind := map[string]ValueKind{"bigint": IntValue, "boolean": BoolValue, "text": TextValue, "bytea": BytesValue}[c.kind]
		if err := t.add(c.name, kind, c.kind); err != nil {
			return nil, err
		}
		if c.counted {
			t.Counter = c.name
		}
	}
	refers, err := Collect(ctx, tx, func(r Row) (v [2]string, err error) { err = r.Scan(&v[0], &v[1]); return v, err }, postgresRefers)
	if err != nil {
		return nil, err
	}
	for i := range tables {
		for _, r := range refers {
			if r[0] == tables[i].Name {
				tables[i].Refers = append(tables[i].Refers, r[1])
			}
		}
	}
	return tables, nil
}

// add adds a column. What is no table of the migrations may have columns of any type.
func (t *Table) add(name string, kind ValueKind, spelled string) error {
	if kind == "" && madeByMigrations()[t.Name] {
		return fmt.Errorf("column %s.%s has the type %s, which isn't one of those that both databases know", t.Name, name, spelled)
	}
	t.Columns = append(t.Columns, TableColumn{name, kind})
	return nil
}

// quoted is a name as SQL takes it, whatever words the databases keep for themselves.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// columns are the names of the columns for a statement.
func (t Table) columns() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = quoted(c.Name)
	}
	return strings.Join(names, ", ")
}
