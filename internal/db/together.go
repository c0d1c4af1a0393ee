package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// queue is the transactions that wait for SQLite's one writer. Whoever gets it runs those that wait along with its own, in one transaction of
// SQLite: a page that several of them change is written to the log once, and locks are taken and given back once.
type queue struct {
	mu      sync.Mutex
	waiting []*turn
}

// turn is one of them.
type turn struct {
	ctx     context.Context
	f       func(tx Tx) error
	done    chan struct{} // closed when somebody else ran it
	after   []func()
	written []*statement
	err     error
}

// mostTogether bounds them: nobody is acknowledged before the last of them has run.
const mostTogether = 8

// errAlone: somebody else of those who ran together failed, so each runs for itself.
var errAlone = errors.New("to be run alone")

func (q *queue) join(t *turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
}

// leave reports whether nobody has begun to run it.
func (q *queue) leave(t *turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, t)
	if at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
	return at >= 0
}

// next is who waits longest, nil for nobody.
func (q *queue) next() *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	t := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	return t
}

// transactTogether is transact on SQLite, by whoever has its writer.
func (d *DB) transactTogether(ctx context.Context, f func(tx Tx) error) ([]func(), error) {
	t := &turn{ctx: ctx, f: f, done: make(chan struct{})}
	d.queue.join(t)
	select {
	case d.writing <- struct{}{}:
		d.lead(t)
	case <-t.done:
	case <-ctx.Done():
		if d.queue.leave(t) {
			return nil, ctx.Err()
		}
		<-t.done // what f refers to is in use
	}
	if !errors.Is(t.err, errAlone) {
		return t.after, t.err
	}
	select {
	case d.writing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-d.writing }()
	t.after, t.written = nil, nil
	err := d.transactAll(t, func() *turn { return nil })
	return t.after, err
}

// lead runs a transaction and those that wait. The caller holds d.writing, which it gives back.
func (d *DB) lead(t *turn) {
	defer func() { <-d.writing }()
	if !d.queue.leave(t) {
		return // who had it before ran it along, and ended it before giving it back
	}
	var along []*turn
	ended := errAlone // also when t.f panics
	defer func() {
		for _, other := range along {
			other.err = ended
			close(other.done)
		}
	}()
	t.err = d.transactAll(t, func() *turn {
		if len(along)+1 == mostTogether {
			return nil
		}
		next := d.queue.next()
		if next != nil {
			along = append(along, next)
		}
		return next
	})
	if t.err == nil {
		ended = nil
	}
}

// transactAll runs a transaction, and after it those that next gives, and commits all of them or none. Where one of the others fails it is
// errAlone.
func (d *DB) transactAll(first *turn, next func() *turn) error {
	w, ctx := d.writer, context.WithoutCancel(first.ctx)
	if err := w.begin(ctx); err != nil {
		return fmt.Errorf("begin transaction: %w", classify(err))
	}
	open := true
	defer func() {
		if open { // also when first panics
			w.rollback(ctx)
		}
	}()
	if err := d.step(first); err != nil {
		return err
	}
	written := first.written
	for t := next(); t != nil; t = next() {
		if err := d.stepAlong(t); err != nil {
			return errAlone
		}
		written = append(written, t.written...)
	}
	open = false
	if err := w.commit(ctx); err != nil {
		return fmt.Errorf("commit transaction: %w", classify(err))
	}
	d.changed(written)
	return nil
}

// step runs what a transaction does.
func (d *DB) step(t *turn) error {
	if err := t.f(Tx{db: d, writer: d.writer, uninterrupted: true, after: &t.after, written: &t.written}); err != nil {
		return err
	}
	return t.ctx.Err()
}

// stepAlong is step for somebody else, in whose own goroutine a panic belongs: there it comes again.
func (d *DB) stepAlong(t *turn) (err error) {
	defer func() {
		if recover() != nil {
			err = errAlone
		}
	}()
	return d.step(t)
}
