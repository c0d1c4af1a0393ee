package proxycache

import (
	"bytes"
	"io"
	"testing"
)

// Passing over what is held takes as long as it takes: each piece that comes shows that upstream doesn't stall.
func TestPassOver(t *testing.T) {
	body := bytes.NewReader(make([]byte, 10*chunk))
	came := 0
	if err := passOver(body, 5*chunk+1, func() { came++ }); err != nil || came != 6 || body.Len() != 5*chunk-1 {
		t.Errorf("something came %d times, %d bytes are left, %v", came, body.Len(), err)
	}
	if err := passOver(body, 6*chunk, func() {}); err != io.EOF {
		t.Errorf("of a body that ends: %v", err)
	}
}
