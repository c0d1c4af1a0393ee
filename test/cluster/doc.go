//go:build acceptance

// Package cluster runs a real Kubernetes API server on a real etcd. There are no nodes and no controllers: what is accepted is stored
// and doesn't run.
package cluster
