package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// leastFree is when the store takes no blobs any more; see package blob/file.
	leastFree = 64 << 20
	// littleFree is when people should know, in bytes; or one in littleShare of the disk.
	littleFree  = 2 << 30
	littleShare = 20
	// leastInodes is how many files there should be room for.
	leastInodes = 10_000
)

// folder looks whether a folder that Haven keeps something in can be used, and how much room there is.
func folder(n *Notes, setting, dir string) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		parent, err := existing(dir)
		if err == nil {
			err = syscall.Access(parent, writable)
		}
		if err != nil {
			n.Wrong("Make the folder, owned by the user that Haven runs as.", "%s: %s isn't there, and can't be made: %v", setting, dir, err)
			return
		}
		n.Good("%s: %s isn't there yet; the first start makes it", setting, dir)
		room(n, setting, parent)
		return
	}
	switch {
	case err != nil:
		n.Wrong("Let the user that Haven runs as into the folder and those above it.", "%s: %v", setting, err)
		return
	case !info.IsDir():
		n.Wrong("Name a folder.", "%s: %s is no folder", setting, dir)
		return
	}
	owner(n, setting, dir, info)
	if err := probe(dir); err != nil {
		advice := "Let the user that Haven runs as write to it, and see that the file system isn't mounted read-only."
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			advice = "Free space, or make the disk larger: deleting artifacts works on a full disk too."
		}
		n.Wrong(advice, "%s: %v", setting, err)
		return
	}
	n.Good("%s: %s can be written, synced, read and deleted", setting, dir)
	room(n, setting, dir)
	fileSystem(n, setting, dir)
}

// writable is W_OK|X_OK of access(2).
const writable = 0x2 | 0x1

// existing is the nearest folder above that is there.
func existing(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir, err
		}
		dir = filepath.Dir(dir)
	}
}

// owner compares who owns a folder with who asks: what is found out as another user may not hold for Haven.
func owner(n *Notes, setting, dir string, info fs.FileInfo) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	if uid := os.Geteuid(); int(stat.Uid) != uid {
		n.Doubt("Run haven doctor as the user that Haven runs as, and give the folder to that user.", "%s: %s belongs to user %d, this is user %d", setting, dir, stat.Uid, uid)
	}
	if info.Mode().Perm()&0o002 != 0 {
		n.Doubt("Run chmod o-w "+dir+".", "%s: every user of this machine may write to %s", setting, dir)
	}
}

// probe writes a file, syncs it, renames it, reads it, and deletes it: what a push does.
func probe(dir string) error {
	content := []byte("haven doctor " + rand.Text())
	name := filepath.Join(dir, ".haven-doctor-"+rand.Text())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(name)
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write and sync a file: %w", err)
	}
	moved := name + "-renamed"
	if err := os.Rename(name, moved); err != nil {
		return fmt.Errorf("rename a file: %w", err)
	}
	defer os.Remove(moved)
	read, err := os.ReadFile(moved)
	if err == nil && !bytes.Equal(read, content) {
		err = errors.New("other bytes than were written")
	}
	if err != nil {
		return fmt.Errorf("read a file: %w", err)
	}
	if err := os.Remove(moved); err != nil {
		return fmt.Errorf("delete a file: %w", err)
	}
	return nil
}

// room tells how many bytes and files there is room for.
func room(n *Notes, setting, dir string) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		n.Doubt("See what file system the folder is on.", "%s: how much is free isn't known: %v", setting, err)
		return
	}
	total, free := s.Blocks*uint64(s.Bsize), s.Bavail*uint64(s.Bsize)
	const advice = "Free space, or make the disk larger; docs/space.md says what takes how much."
	switch {
	case total == 0: // a file system without a limit of its own
	case free < min(leastFree, total/8):
		n.Wrong(advice, "%s: %s of %s are free: pushes are refused", setting, size(free), size(total))
	case free < min(littleFree, total/littleShare):
		n.Doubt(advice, "%s: only %s of %s are free", setting, size(free), size(total))
	default:
		n.Good("%s: %s of %s are free", setting, size(free), size(total))
	}
	if s.Files > 0 && s.Ffree < leastInodes && s.Ffree < s.Files/littleShare {
		n.Wrong("Make a file system with more inodes, or delete small files on this one.", "%s: the file system has room for %d more files (inodes)", setting, s.Ffree)
	}
}

func size(n uint64) string {
	value, unit := float64(n), 0
	for ; value >= 1000 && unit < 5; unit++ {
		value /= 1000
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %cB", value, " kMGTP"[unit])
}

// fileSystem warns of those that lose what is written.
func fileSystem(n *Notes, setting, dir string) {
	switch kind := kindOf(dir); kind {
	case "tmpfs":
		n.Doubt("Put it on a disk: what is in memory is gone after a restart of the machine.", "%s: %s is in memory (tmpfs)", setting, dir)
	case "overlayfs":
		n.Doubt("Mount a volume there: what is written into a container is gone with it.", "%s: %s is inside of a container's own file system", setting, dir)
	}
}

// skewed compares this machine's clock with that of a file system, which is another machine's where it comes over the network.
func skewed(ctx context.Context, dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, ".haven-doctor-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	began := time.Now()
	if _, err := f.WriteString("what time is it?\n"); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	ended := time.Now()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return outside(info.ModTime(), began, ended), ctx.Err()
}

// outside is how far a time lies before began (negative) or after ended.
func outside(at, began, ended time.Time) time.Duration {
	switch {
	case at.Before(began):
		return at.Sub(began)
	case at.After(ended):
		return at.Sub(ended)
	}
	return 0
}
