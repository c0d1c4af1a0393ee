package trivy

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// window bounds the memory that a zstd stream may ask for.
const window = 128 << 20

// unpack returns the archive in a blob, whatever its media type says it is packed by. Close ends what unpacks.
func unpack(r io.Reader) (archive io.Reader, closer func(), err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, contentf("the layer says that it is gzip, and isn't: %v", err)
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, contentf("the layer says that it is zstd, and isn't: %v", err)
		}
		return z, z.Close, nil
	case bytes.HasPrefix(head, []byte("BZh")), bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return nil, nil, contentf("the layer is packed by bzip2 or xz, which no image may be")
	default:
		return b, func() {}, nil
	}
}

// counted refuses to unpack more than a limit.
type counted struct {
	r          io.Reader
	read, most int64
}

func (c *counted) Read(p []byte) (int, error) {
	if c.read >= c.most {
		return 0, contentf("the layer unpacks to more than %d bytes", c.most)
	}
	n, err := c.r.Read(p)
	c.read += int64(n)
	return n, err
}
