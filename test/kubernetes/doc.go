//go:build acceptance

// Package kubernetes has a real API server, on a real etcd, ask `haven admission`. There are no nodes: what is accepted is
// stored and doesn't run. Haven's evaluation API is a stand-in here, because what it says is decided and tested
// elsewhere.
package kubernetes
