package file

import (
	"crypto/rand"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// punchesHoles reports whether the file system of the directory gives space back out of the middle of a file.
func punchesHoles(dir *folder) bool {
	name := ".probe-" + rand.Text()
	f, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return false
	}
	defer dir.Remove(name)
	defer f.Close()
	_, err = f.Write(make([]byte, 2*blockSize))
	return err == nil && punch(f, 0, blockSize) == nil
}

// punch makes a hole of n bytes at the offset.
func punch(f *os.File, offset, n int64) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.Fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, offset, n)
	})
	return errors.Join(err, failed)
}

// nextData returns the beginning of the block at which, or behind which, the file has data next. more is false
// when only holes come.
func nextData(f *os.File, at int64) (next int64, more bool, err error) {
	next, err = f.Seek(at, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return 0, false, nil
	}
	if errors.Is(err, unix.EINVAL) { // the file system doesn't tell
		end, err := f.Seek(0, io.SeekEnd)
		return at, at < end, err
	}
	return next / blockSize * blockSize, true, err
}
