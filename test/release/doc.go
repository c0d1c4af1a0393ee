//go:build acceptance

// Package release makes a whole release, and meets it as those do who install it: by the clients of registries, dpkg, rpm, systemd and Cosign.
package release
