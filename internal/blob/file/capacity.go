package file

import (
	"os"
	"syscall"
)

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
