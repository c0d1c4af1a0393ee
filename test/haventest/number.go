//go:build acceptance

package haventest

import (
	"os"
	"strconv"
	"testing"
)

// Number reads a number from the environment, such as the seed of a run that is to be repeated.
func Number(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q: expected a number", name, text)
	}
	return n
}
