package db

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Watch tells whether some tables have changed. What was read from them may be used again as long as their
// version is what it was before it was read.
type Watch struct {
	tables  map[string]bool
	spared  []string
	exact   bool
	version atomic.Int64
}

// Watch watches the tables, by their names in statements. A change that the database makes by itself
// (ON DELETE CASCADE) counts as one of the table that the statement names.
func (d *DB) Watch(tables ...string) *Watch { return d.WatchBut(nil, tables...) }

// WatchBut is Watch for somebody to whom some statements make no difference: those whose text begins like one of
// the spared.
func (d *DB) WatchBut(spared []string, tables ...string) *Watch {
	w := &Watch{tables: map[string]bool{}, spared: spared, exact: d.Exclusive()}
	for _, t := range tables {
		w.tables[t] = true
	}
	for {
		before := d.watches.Load()
		all := []*Watch{w}
		if before != nil {
			all = append(all, *before...)
		}
		if d.watches.CompareAndSwap(before, &all) {
			return w
		}
	}
}

// Version is another number after each committed change of the tables, before Write returns. It is not ok
// where other processes may change them too.
func (w *Watch) Version() (version int64, ok bool) { return w.version.Load(), w.exact }

// concerns reports whether the statement changes what is watched.
func (w *Watch) concerns(s *statement) bool {
	if s.table == anyTable {
		return true
	}
	return w.tables[s.table] && !slices.ContainsFunc(w.spared, func(begin string) bool { return strings.HasPrefix(s.query, begin) })
}

// changed counts a commit of the statements.
func (d *DB) changed(written []*statement) {
	if len(written) == 0 {
		return
	}
	for _, w := range *d.watches.Load() { // somebody watches: else nothing would be noted
		if slices.ContainsFunc(written, w.concerns) {
			w.version.Add(1)
		}
	}
}

// Notice looks whether another process has written to SQLite since it last looked, which counts as a change of all
// tables: a scrub may run beside the server, and somebody may repair the database by hand. Called each second it
// bounds how long what is remembered may be wrong by that. On PostgreSQL it does nothing.
func (d *DB) Notice(ctx context.Context) error {
	if d.writer == nil {
		return nil
	}
	select {
	case d.writing <- struct{}{}: // while another one holds it no other process writes
		defer func() { <-d.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	changed, err := d.writer.overtaken(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("look for changes by other processes: %w", classify(err))
	}
	if watches := d.watches.Load(); changed && watches != nil {
		for _, w := range *watches {
			w.version.Add(1)
		}
	}
	return nil
}

// anyTable stands for tables that are not known.
const anyTable = "*"

// statement is a text, and which table it writes: "" for one that only reads.
type statement struct{ query, table string }

// targets remembers statements by their text. Texts are as many as are prepared.
type targets struct{ byQuery sync.Map }

func (t *targets) of(query string) *statement {
	if known, ok := t.byQuery.Load(query); ok {
		return known.(*statement)
	}
	s := &statement{query, target(query)}
	if len(query) < maxRemembered {
		t.byQuery.Store(query, s)
	}
	return s
}

// maxRemembered is the length of the longest statement that is remembered: longer ones are made for
// one use.
const maxRemembered = 2000

func target(query string) string {
	words := strings.Fields(query)
	at := func(i int) string {
		if i < len(words) {
			return strings.ToUpper(words[i])
		}
		return ""
	}
	name := 0
	switch {
	case at(0) == "SELECT":
		return ""
	case at(0) == "INSERT" && at(1) == "INTO", at(0) == "DELETE" && at(1) == "FROM":
		name = 2
	case at(0) == "UPDATE":
		name = 1
	}
	if name == 0 || name >= len(words) {
		return anyTable
	}
	table, _, _ := strings.Cut(words[name], "(")
	return strings.ToLower(table)
}
