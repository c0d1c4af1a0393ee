package db

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Watch tells whether some tables have changed. What was read from them may be used again as long as their
// version is what it was before it was read.
type Watch struct {
	tables  map[string]bool
	exact   bool
	version atomic.Int64
}

// Watch watches the tables, by their names in statements. A change that the database makes by itself
// (ON DELETE CASCADE) counts as one of the table that the statement names.
func (d *DB) Watch(tables ...string) *Watch {
	w := &Watch{tables: map[string]bool{}, exact: d.Exclusive()}
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

// changed counts a commit that wrote to the tables.
func (d *DB) changed(tables []string) {
	if len(tables) == 0 {
		return
	}
	for _, w := range *d.watches.Load() { // somebody watches: else tables would be empty
		for _, t := range tables {
			if t == anyTable || w.tables[t] {
				w.version.Add(1)
				break
			}
		}
	}
}

// anyTable stands for tables that are not known.
const anyTable = "*"

// targets remembers which table a statement writes, by its text. Texts are as many as are prepared.
type targets struct{ byQuery sync.Map }

// of returns the table that the statement writes, "" for one that only reads.
func (t *targets) of(query string) string {
	if known, ok := t.byQuery.Load(query); ok {
		return known.(string)
	}
	table := target(query)
	if len(query) < maxRemembered {
		t.byQuery.Store(query, table)
	}
	return table
}

// maxRemembered is the length of the longest statement whose table is remembered: longer ones are made for
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
