package main

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
	"time"
)

// The server's answer is compared with the content's digest, so that the content has to be the same
// whatever the size of a read is.
func TestContentIsTheSameHoweverItIsRead(t *testing.T) {
	const size = 10_001
	whole, err := io.ReadAll(newContent(3, size))
	if err != nil || len(whole) != size {
		t.Fatalf("%d bytes, %v", len(whole), err)
	}
	for name, r := range map[string]io.Reader{
		"byte by byte":  iotest.OneByteReader(newContent(3, size)),
		"half a buffer": iotest.HalfReader(newContent(3, size)),
		"in pieces of 13": io.MultiReader(io.LimitReader(newContent(3, size), 13),
			&content{seed: 3, at: 13, size: size}),
	} {
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%s: other bytes, %v", name, err)
		}
	}
	if other, _ := io.ReadAll(newContent(4, size)); bytes.Equal(other, whole) {
		t.Error("another seed gives the same bytes")
	}
	if got, err := newContent(3, size).digest(); err != nil || got != digestOf(whole) {
		t.Errorf("digest %s, %v", got, err)
	}
}

func TestPercentiles(t *testing.T) {
	o := outcome{}
	for i := range 200 {
		o.times = append(o.times, ms(i))
	}
	for p, want := range map[int]int{0: 0, 50: 100, 99: 198, 100: 199} {
		if got := o.percentile(p); got != ms(want) {
			t.Errorf("p%d is %s, want %d ms", p, got, want)
		}
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }
