//go:build acceptance

package haventest

import "testing"

// Size is what a registry runs on.
type Size string

// The sizes there are.
const (
	Alone      Size = "alone"    // SQLite and files, one process
	OnPostgres Size = "postgres" // PostgreSQL and files, one process
	Replicated Size = "cluster"  // PostgreSQL, Redis and an object store; two replicas, asked in turn
)

// Site is a registry as its clients see it: one address, and one replica or several behind it.
type Site struct {
	Door
	Replicas []*Server
}

// OnEachSize runs the test on registries of the sizes given, of all sizes when none is.
func OnEachSize(t *testing.T, run func(t *testing.T, size Size), sizes ...Size) {
	if len(sizes) == 0 {
		sizes = []Size{Alone, OnPostgres, Replicated}
	}
	for _, size := range sizes {
		t.Run(string(size), func(t *testing.T) { run(t, size) })
	}
}

// Start runs a registry of this size, with servers of its own, until the test ends.
func (size Size) Start(t *testing.T, o Options) *Site {
	t.Helper()
	switch size {
	case Replicated:
		return StartCluster(t, o).Site
	case OnPostgres:
		o.DatabaseURL = Postgres(t)
	}
	s := Start(t, o)
	return &Site{Door: s.Door, Replicas: []*Server{s}}
}
