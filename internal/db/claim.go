package db

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ErrServed: another process serves this SQLite database.
var ErrServed = errors.New("another Haven serves this SQLite database; stop it first, or use PostgreSQL for several")

// Claim makes this process the one that serves the database, until Close or its end. It is ErrServed when
// another one does: what a server remembers of a database of its own (Exclusive) would be wrong. On PostgreSQL
// any number may serve. Opening the database needs no claim.
func (d *DB) Claim() error {
	if d.wal == nil {
		return nil
	}
	f, err := os.OpenFile(strings.TrimSuffix(d.wal.path, "-wal")+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("claim the database: %w", err)
	}
	switch err := flock(f); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return errors.Join(ErrServed, f.Close())
	case err != nil:
		return errors.Join(fmt.Errorf("claim the database: %w", err), f.Close())
	}
	d.claim = f
	return nil
}

// flock locks the file for this descriptor, without waiting; the kernel unlocks it when the process ends.
func flock(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil {
		return err
	}
	return failed
}
