//go:build acceptance

// Package helm renders the chart deploy/helm/haven with the real helm, has a real Kubernetes API server take what comes out, installs,
// upgrades and rolls back there, and starts a real Haven with the settings of the chart. There are no nodes: pods are stored, not run.
package helm
