//go:build !race

package confined

// shadowed: a child's memory is its own.
const shadowed = false
