package blob

import "context"

// MaxPacked is the size of the largest blob that is packed, in bytes.
const MaxPacked = 128 << 10

// Packer is a Store that can keep small blobs many to a file: a file and a directory of its own cost more to
// make, and to sync, than what such a blob holds.
type Packer interface {
	Resumer
	// Packs reports whether Pack may be called: not every file system gives space back out of the middle of a
	// file. The first call tries it out.
	Packs() bool
	// Pack writes a blob of at most MaxPacked bytes to a location of its own, which Open, Sync and Delete know. It
	// survives the end of the process; Sync makes it survive the loss of power. On an error nothing is there.
	Pack(ctx context.Context, content []byte) (location string, err error)
	// Unended calls yield with location and size, in bytes, of what was packed by processes that ended without
	// Close, until it returns an error. The last of it may be known to no database.
	Unended(ctx context.Context, yield func(location string, size int64) error) error
	// End is told when the caller has seen to what Unended listed: it isn't listed again.
	End(ctx context.Context) error
}
