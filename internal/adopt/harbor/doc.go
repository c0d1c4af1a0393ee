// Package harbor reads the database of a Harbor 2.x, in one read-only snapshot, and brings what it says into an empty Haven.
//
// The names of tables, columns and values are Harbor's (github.com/goharbor/harbor, Apache-2.0: make/migrations/postgresql and the
// models of src). Rows are read as JSON, so that a column that a version lacks is the zero value. Ids stay what they are, so that
// clients that remember the ids of projects, robots or policies go on.
package harbor
