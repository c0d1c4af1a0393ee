package file

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openBeneath opens what lies below dir, and nothing else, by openat2 (Linux 5.6). It is
// errors.ErrUnsupported where the system has no such call, or a filter of system calls doesn't know it.
func openBeneath(dir *os.File, name string, flag int, perm fs.FileMode) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flag | unix.O_CLOEXEC), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	if flag&os.O_CREATE != 0 {
		how.Mode = uint64(perm.Perm())
	}
	raw, err := dir.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	err = raw.Control(func(at uintptr) {
		for fd, failed = -1, unix.EINTR; errors.Is(failed, unix.EINTR); {
			fd, failed = unix.Openat2(int(at), name, &how)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case errors.Is(failed, unix.ENOSYS), errors.Is(failed, unix.EPERM), errors.Is(failed, unix.EAGAIN):
		return nil, errors.ErrUnsupported
	case failed != nil:
		return nil, &fs.PathError{Op: "openat2", Path: name, Err: failed}
	}
	return os.NewFile(uintptr(fd), name), nil
}
