//go:build race

package confined

// shadowed: the race detector keeps a shadow of a child's memory, several times as large, that counts within its limit.
const shadowed = true
