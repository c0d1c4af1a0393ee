//go:build acceptance

// Package kubernetes has a real API server, on a real etcd, ask `haven admission`, which asks a real Haven, and another
// registry. There are no nodes: what is accepted is stored and doesn't run.
package kubernetes
