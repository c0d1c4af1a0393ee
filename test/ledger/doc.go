//go:build acceptance

// Package ledger is a client that remembers what a registry has acknowledged, and can
// tell afterwards whether it kept its word. Tests that kill the server, cut its power
// or fill its disk drive it.
//
// Each Worker has a repository of its own and changes it step by step at random, so
// that at any time one change at most is without an answer: the repository must be in
// the State before that change or in the one after it, whole. Blobs are shared: workers
// push the same layers and mount them from each other, so that deleting and reclaiming
// on one side meets pushing on the other.
package ledger
