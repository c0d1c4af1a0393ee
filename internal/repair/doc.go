// Package repair finds damage and mends it: `haven scrub` compares what lies in the store with what the
// database says, and `haven rebuild` makes a lost database anew from the store.
//
// It owns the table rebuilding. Blobs, manifests and tags are written by package registry, projects by package
// project, records by package record.
package repair
