package file

import (
	"fmt"
	"os"
	"syscall"

	"github.com/havenregistry/haven/internal/blob"
)

// The last bytes of a file system are not for blobs: the database often lies on the same one, and whoever
// is to free space needs it to delete.
const (
	reserve      = 64 << 20 // bytes, and no more than one in reserveShare
	reserveShare = 8
	// roomEvery is after how many bytes of one append the room is looked at again.
	roomEvery = 16 << 20
)

// room returns blob.ErrNoSpace when the file system of f has nothing left but the reserve.
func room(f *os.File) error {
	total, free, err := capacity(f)
	if err != nil || total == 0 {
		return nil // a file system that doesn't tell says so by failing a write
	}
	if kept := min(reserve, total/reserveShare); free < kept {
		return fmt.Errorf("%w: %d MB are left, which are kept for deleting", blob.ErrNoSpace, free>>20)
	}
	return nil
}

// capacity returns the size of the file system that dir is on, and the bytes that a
// process without privileges can still write to it.
func capacity(dir *os.File) (total, free uint64, err error) {
	raw, err := dir.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var stat syscall.Statfs_t
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Fstatfs(int(fd), &stat) }); err != nil {
		return 0, 0, err
	}
	if failed != nil {
		return 0, 0, failed
	}
	block := uint64(stat.Bsize)
	return stat.Blocks * block, stat.Bavail * block, nil
}
