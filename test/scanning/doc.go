//go:build acceptance

// Package scanning meets vulnerability scanning as its users do: images are pushed with docker and others, reports
// appear, pulls are refused and allowed again, the database changes, another scanner is plugged in, the
// program is killed in the middle, and images are hostile.
package scanning
