//go:build acceptance

package haventest

import (
	"net"
	"testing"
)

// Silence is the address of a server that takes connections and never says a word.
func Silence(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
