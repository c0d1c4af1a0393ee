// Package oci knows the names and documents of the OCI distribution and image
// specifications, version 1.1: digests, repository names, tags, media types and
// manifests. It does no I/O and keeps no state.
//
// Whatever it returns without an error is valid: callers parse once, at the edge, and
// pass typed values on. All limits are constants of this package.
package oci
