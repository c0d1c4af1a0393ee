package scan

import (
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// maxUnpacked bounds what a row may unpack to, in bytes.
const maxUnpacked = 256 << 20

// packer turns values into small rows and back. It is safe for concurrent use.
type packer struct {
	in  *zstd.Encoder
	out *zstd.Decoder
}

func newPacker() packer {
	// Without a reader or writer both only fail on options that are out of range.
	in, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	out, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
	return packer{in, out}
}

func (p packer) pack(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return p.in.EncodeAll(text, nil), nil
}

func (p packer) unpack(content []byte, v any) error {
	text, err := p.out.DecodeAll(content, nil)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}
