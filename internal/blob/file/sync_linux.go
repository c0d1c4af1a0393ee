package file

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// little is how much the system may have to write, in bytes, for a sync of the whole file system: somebody
// else's bytes are written with it.
const little = 16 << 20

// startWrite has the system begin to write what is dirty of the n bytes at offset, 0 for all behind it,
// without waiting. A sync that follows waits for less.
func startWrite(f *os.File, offset, n int64) {
	control(f, func(fd int) error { return unix.SyncFileRange(fd, offset, n, unix.SYNC_FILE_RANGE_WRITE) })
}

// wholeSync reports whether syncing the file system that f is on costs one commit of its journal, and tells
// of writes that failed. Linux tells since 5.8; before it syncfs succeeded always. Other file systems may
// be clever about single files (btrfs), or don't pass the call on (FUSE).
func wholeSync(f *os.File) bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil || !since(unix.ByteSliceToString(name.Release[:]), 5, 8) {
		return false
	}
	var stat unix.Statfs_t
	if !control(f, func(fd int) error { return unix.Fstatfs(fd, &stat) }) {
		return false
	}
	return stat.Type == unix.EXT4_SUPER_MAGIC || stat.Type == unix.XFS_SUPER_MAGIC
}

// since reports whether a release such as 6.1.0-13 is at least major.minor.
func since(release string, major, minor int) bool {
	var a, b int
	n, _ := fmt.Sscanf(release, "%d.%d", &a, &b)
	return n == 2 && (a > major || a == major && b >= minor)
}

// syncWhole syncs the file system that f is on, and reports whether it has: with much to write it doesn't
// try. Of four small blobs in new directories it costs a quarter of the processor's time that syncing each
// file and directory does, and twice as many are done in a second. f must stay open: Linux tells each
// descriptor of the failures since its opening, or since it was told. Who is concerned it doesn't tell.
func syncWhole(f *os.File) bool {
	return dirty() <= little && control(f, unix.Syncfs)
}

// dirty is how many bytes the system has to write, or is writing, on all file systems.
func dirty() int64 {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return little + 1
	}
	var pages int64
	for _, name := range []string{"\nnr_dirty ", "\nnr_writeback "} {
		_, rest, found := bytes.Cut(text, []byte(name))
		digits, _, _ := bytes.Cut(rest, []byte("\n"))
		n, err := strconv.ParseInt(string(digits), 10, 64)
		if !found || err != nil {
			return little + 1
		}
		pages += n
	}
	return pages * int64(os.Getpagesize())
}

// control runs do on the descriptor and reports whether that went well.
func control(f *os.File, do func(fd int) error) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = do(int(fd)) })
	return err == nil && failed == nil
}
