package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havenregistry/haven/internal/blob"
)

// unfinished begins the names of records that are being written; no record's part begins with it.
const unfinished = "~"

// unfinishedFor is how old such a file is when nobody can be writing it any more.
const unfinishedFor = time.Hour

// dropUnfinished removes what writers of records left that were killed. That it can't is no reason not to start.
func (s *Store) dropUnfinished() {
	entries, err := fs.ReadDir(s.root.FS(), recordsDir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && strings.HasPrefix(entry.Name(), unfinished) && time.Since(info.ModTime()) > unfinishedFor {
			_ = s.root.Remove(path.Join(recordsDir, entry.Name()))
		}
	}
}

// PutRecord implements blob.Records.
func (s *Store) PutRecord(ctx context.Context, name string, content []byte) error {
	target, err := recordName(name)
	if err != nil {
		return err
	}
	scratch := path.Join(recordsDir, unfinished+rand.Text())
	if err := s.writeFile(scratch, content); err != nil {
		return fmt.Errorf("put record %s: %w", name, classify(err))
	}
	if err := s.putInPlace(scratch, target); err != nil {
		return errors.Join(fmt.Errorf("put record %s: %w", name, classify(err)), s.root.Remove(scratch))
	}
	return nil
}

// putInPlace makes the record's directories only where they lack, which is seldom. A DeleteRecord may take them
// away in between; then they are made again, a few times.
func (s *Store) putInPlace(scratch, target string) error {
	var err error
	for range 10 {
		if err = s.rename(scratch, target); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.root.MkdirAll(path.Dir(target), dirMode); err != nil {
			return err
		}
	}
	return err
}

// rename gives a record that was written its name. It opens the directory of that with one call, where os.Root
// would make three for each part of the name.
func (s *Store) rename(scratch, target string) error {
	dir, err := s.root.Open(path.Dir(target))
	if err != nil {
		return err
	}
	defer dir.Close()
	return between(s.records, dir, func(from, to int) error {
		return unix.Renameat(from, path.Base(scratch), to, path.Base(target))
	})
}

func (s *Store) writeFile(name string, content []byte) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, s.root.Remove(name))
	}
	return nil
}

// SyncRecords implements blob.RecordSyncer.
func (s *Store) SyncRecords(ctx context.Context, names ...string) error {
	dirs := map[string]bool{".": true}
	for _, name := range names {
		target, err := recordName(name)
		if err == nil {
			err = s.syncName(target)
		}
		if err != nil {
			return fmt.Errorf("sync record %s: %w", name, err)
		}
		for dir := path.Dir(target); dir != "."; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	for dir := range dirs {
		if err := s.syncName(dir); err != nil {
			return fmt.Errorf("sync records: %w", err)
		}
	}
	return nil
}

// ReadRecord implements blob.Records.
func (s *Store) ReadRecord(ctx context.Context, name string) ([]byte, error) {
	target, err := recordName(name)
	if err != nil {
		return nil, err
	}
	content, err := s.root.ReadFile(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read record %s: %w", name, blob.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return content, nil
}

// DeleteRecord implements blob.Records. Directories that it leaves empty go too.
func (s *Store) DeleteRecord(ctx context.Context, name string) error {
	target, err := recordName(name)
	if err != nil {
		return err
	}
	err = s.unlink(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete record: %w", err)
	}
	for dir := path.Dir(target); dir != recordsDir; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil { // in use
			break
		}
	}
	return nil
}

// unlink removes a record's file, with one call where the directory isn't there either, as rename does.
func (s *Store) unlink(target string) error {
	dir, err := s.root.Open(path.Dir(target))
	if err != nil {
		return err
	}
	defer dir.Close()
	return between(dir, dir, func(at, _ int) error { return unix.Unlinkat(at, path.Base(target), 0) })
}

// EachRecord implements blob.Records.
func (s *Store) EachRecord(ctx context.Context, yield func(name string) error) error {
	return s.walk(ctx, recordsDir, func(name string, _ fs.FileInfo) error {
		name = strings.TrimPrefix(name, recordsDir+"/")
		if blob.CheckRecordName(name) != nil {
			return nil
		}
		return yield(name)
	})
}

func recordName(name string) (string, error) {
	if err := blob.CheckRecordName(name); err != nil {
		return "", err
	}
	return path.Join(recordsDir, name), nil
}
