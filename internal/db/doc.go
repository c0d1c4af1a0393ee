// Package db is the one handle to Haven's metadata: SQLite in the data directory, or PostgreSQL.
//
// One SQL text serves both. Placeholders are $1, $2, … numbered in the order of their first
// appearance. Times are stored as microseconds since 1970 UTC (0 means "never"), see Micros and
// Time. Writes go through DB.Write, which retries what the database asks to retry; snapshots
// through DB.Read; a single statement through DB.Auto.
//
// The schema is made by the numbered files in migrations/, each in its own transaction. A schema
// newer than the program is refused.
package db
