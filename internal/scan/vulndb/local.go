package vulndb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Copies lie in folders named by the archive's digest. Those that begin with a dot are being made.
const unmade = ".new-"

func (s *Service) temporary() (string, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", fmt.Errorf("a folder for the vulnerability database: %w", err)
	}
	dir, err := os.MkdirTemp(s.dir, unmade)
	if err != nil {
		return "", fmt.Errorf("a folder for the vulnerability database: %w", err)
	}
	return dir, nil
}

func (s *Service) folder(digest string) string {
	return filepath.Join(s.dir, strings.TrimPrefix(digest, "sha256:"))
}

// Current implements Store. The first call after another edition came into force fetches it from the store.
func (s *Service) Current(ctx context.Context) (Edition, error) {
	rows, err := s.newest(ctx, s.db.Auto())
	if err != nil {
		return Edition{}, err
	}
	if len(rows) == 0 {
		return Edition{}, ErrNone
	}
	e := rows[0]
	if err := s.unpacked(ctx, e); err != nil {
		return Edition{}, err
	}
	e.Dir = s.folder(e.Digest)
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.Edition, s.sweep(rows)
}

// unpacked makes a copy on this machine unless there is one.
func (s *Service) unpacked(ctx context.Context, e row) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Stat(s.folder(e.Digest)); err == nil {
		return nil
	}
	dir, err := s.temporary()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	archive := filepath.Join(dir, "layer")
	if err := s.fetch(ctx, e, archive); err != nil {
		return err
	}
	// It was verified when it was imported, and has the same digest.
	if _, err := unpackDatabase(archive, dir); err != nil {
		return fmt.Errorf("unpack the vulnerability database: %w", err)
	}
	return s.move(dir, e.Digest)
}

// keep makes the folder of an import the copy of its edition.
func (s *Service) keep(dir, digest string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Stat(s.folder(digest)); err == nil {
		return nil
	}
	return s.move(dir, digest)
}

// move gives a folder its name, with the two files alone, whose bytes are on the disk.
func (s *Service) move(dir, digest string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != databaseFile && name != metadataFile {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return errors.Join(syncFolder(dir), os.Rename(dir, s.folder(digest)), syncFolder(s.dir))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sweep removes copies of all but these editions, and what an import that was cut off left behind. Whoever reads a
// removed copy has it open.
func (s *Service) sweep(keep []row) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, e := range keep {
		kept[strings.TrimPrefix(e.Digest, "sha256:")] = true
	}
	for _, entry := range entries {
		name := entry.Name()
		if kept[name] {
			continue
		}
		if strings.HasPrefix(name, unmade) {
			info, err := entry.Info()
			if err != nil || s.clock().Sub(info.ModTime()) < unfinished {
				continue
			}
		}
		if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	return nil
}
