//go:build acceptance

// Package harborclient holds the registry against what Harbor's clients do: its own Go client (in the
// module under day), and operation by operation what the Terraform provider and harbor-cli rely on.
package harborclient
