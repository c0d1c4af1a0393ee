package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// content is noise that depends on its seed alone. It is made while it is read, at several GB/s, and is
// neither in memory nor on a disk.
type content struct {
	seed uint64
	at   int64 // bytes that were read
	size int64
}

func newContent(seed uint64, size int64) *content { return &content{seed: seed, size: size} }

// word is the n-th eight bytes: the output function of SplitMix64.
func (c *content) word(n uint64) uint64 {
	z := c.seed<<40 + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.at == c.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), c.size-c.at)]
	total := len(p)
	var eight [8]byte
	for len(p) > 0 {
		w, skip := c.word(uint64(c.at/8)), c.at%8
		if skip == 0 && len(p) >= 8 {
			binary.LittleEndian.PutUint64(p, w)
			p, c.at = p[8:], c.at+8
			continue
		}
		binary.LittleEndian.PutUint64(eight[:], w)
		n := copy(p, eight[skip:])
		p, c.at = p[n:], c.at+int64(n)
	}
	return total, nil
}

// digest reads all of the content that a fresh one of the same seed and size has.
func (c *content) digest() (string, error) {
	sum := sha256.New()
	if _, err := io.CopyBuffer(onlyWriter{sum}, newContent(c.seed, c.size), make([]byte, 1<<20)); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), nil
}

// onlyWriter hides other methods, so that io.CopyBuffer uses the buffer.
type onlyWriter struct{ io.Writer }

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }
