package db

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// ErrBroken: a sync of the database's log failed. What was committed since can be lost with the power,
// and with it all that comes after, so no change is acknowledged any more until the process starts anew.
var ErrBroken = errors.New("the database's log could not be synced; restart Haven when the disk is well")

// walSync makes commits of SQLite survive the loss of power, many of them by one sync of the write-ahead
// log. SQLite itself would sync inside of each commit, while it lets no other writer in; so the writer
// commits without (synchronous=NORMAL), lets the next one in, and then waits here.
//
// A sync that begins after a commit covers it, wherever the commit's pages are by then:
//
//   - In the log: a sync through any descriptor flushes the file. The log stays the same file while a
//     connection is open; open looks nevertheless.
//   - In the database, and the log begun anew: a checkpoint syncs the log before it copies pages from it,
//     and the database before the log's frames may be overwritten (synchronous=NORMAL does both).
//
// After the loss of power SQLite takes the log up to its first broken frame, so a commit never is there
// without those before it. It follows that after a failed sync no later one may count: the system may have
// dropped the pages that it couldn't write, and then reports success. PostgreSQL stops in this case, too.
type walSync struct {
	path string

	mu      sync.Mutex
	running bool
	next    *walRound
	broken  error

	log    *os.File // used by the round that runs
	synced atomic.Int64
}

// walRound is a sync that has not begun.
type walRound struct {
	done chan struct{}
	err  error
}

// wait returns when all that was committed before the call survives the loss of power.
func (w *walSync) wait() error {
	w.mu.Lock()
	if w.next == nil {
		w.next = &walRound{done: make(chan struct{})}
	}
	round, lead := w.next, !w.running
	if lead {
		w.running, w.next = true, nil
	}
	w.mu.Unlock()
	if lead {
		w.run(round)
	}
	<-round.done
	return round.err
}

// run does a round. The next one, if somebody waits for it, is left to another goroutine.
func (w *walSync) run(round *walRound) {
	round.err = w.failure()
	if round.err == nil {
		round.err = w.sync()
	}
	close(round.done)
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.next
	w.next, w.running = nil, next != nil
	if next != nil {
		go w.run(next)
	}
}

// failure returns why nothing can become durable any more, or nil.
func (w *walSync) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

func (w *walSync) sync() error {
	err := w.open()
	if err == nil {
		err = w.log.Sync()
		w.synced.Add(1)
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%w: %w", ErrBroken, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = err
	return err
}

// open has w.log be the log, and its entry in the directory be durable.
func (w *walSync) open() error {
	named, err := os.Stat(w.path)
	if err != nil {
		return err
	}
	if w.log != nil {
		if held, err := w.log.Stat(); err == nil && os.SameFile(held, named) {
			return nil
		}
		w.log.Close()
	}
	if w.log, err = os.OpenFile(w.path, os.O_RDWR, 0); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(w.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// close is called after the last wait. A second time it does nothing, as with the pools.
func (w *walSync) close() error {
	if w.log == nil {
		return nil
	}
	log := w.log
	w.log = nil
	return log.Close()
}
