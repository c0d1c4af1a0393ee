//go:build acceptance

// Package haventest runs the real program for the whole-program tests: it builds
// bin/test/haven once, starts `haven serve` on a free port with a fresh data
// directory, on SQLite or on a PostgreSQL of its own, and stops, kills and restarts it.
//
// The program is built with the race detector unless Options.Plain is set; a race
// that it reports fails the test that ran the server. What a test needs and can't
// have (a client, PostgreSQL) fails it with one line; nothing is skipped.
package haventest
