package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
)

const getSetting = `SELECT value FROM setting WHERE name = $1`

// queued has several Writes wait for the writer, and gives it to them. It returns what each came to: an error, or what it panicked with.
func queued(t *testing.T, d *DB, all ...func(tx Tx) error) []any {
	t.Helper()
	d.writing <- struct{}{}
	came := make([]chan any, len(all))
	for i, f := range all {
		came[i] = make(chan any, 1)
		go func() {
			var err error
			defer func() {
				if p := recover(); p != nil {
					came[i] <- p
					return
				}
				came[i] <- err
			}()
			err = d.Write(context.Background(), f)
		}()
		for waiting(d) <= i {
			runtime.Gosched()
		}
	}
	<-d.writing
	results := make([]any, len(all))
	for i := range came {
		results[i] = <-came[i]
	}
	return results
}

func waiting(d *DB) int {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	return len(d.queue.waiting)
}

func putting(name string, count *atomic.Int64) func(tx Tx) error {
	return func(tx Tx) error {
		tx.AfterCommit(func() { count.Add(1) })
		_, err := tx.Exec(context.Background(), putSetting, name, "1")
		return err
	}
}

func has(t *testing.T, tx Tx, name string) bool {
	t.Helper()
	_, err := Get(context.Background(), tx, ScanString, getSetting, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	return err == nil
}

// Of three that wait, two run in the transaction of the third: the last sees what the others wrote, and nobody else does yet.
func TestWhoWaitsIsRunAlong(t *testing.T) {
	d, _ := newSQLite(t)
	var seen, seenByAll int
	var told atomic.Int64
	each := func(name string) func(tx Tx) error {
		return func(tx Tx) error {
			for _, other := range []string{"a", "b", "c"} {
				if has(t, tx, other) {
					seen++
				}
				if has(t, d.Auto(), other) {
					seenByAll++
				}
			}
			return putting(name, &told)(tx)
		}
	}
	for i, err := range queued(t, d, each("a"), each("b"), each("c")) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if seen != 0+1+2 || seenByAll != 0 {
		t.Errorf("%d rows seen from within and %d from without, want 3 and none", seen, seenByAll)
	}
	if told.Load() != 3 || !has(t, d.Auto(), "a") || !has(t, d.Auto(), "b") || !has(t, d.Auto(), "c") {
		t.Errorf("%d were told that it is durable, want all three, and their rows", told.Load())
	}
}

func TestWhoFailsFailsAlone(t *testing.T) {
	boom := errors.New("boom")
	fails := map[string]func(tx Tx) error{
		"by an error": func(tx Tx) error {
			_, err := tx.Exec(context.Background(), putSetting, "failed", "1")
			return errors.Join(err, boom)
		},
		"by a panic": func(tx Tx) error {
			if _, err := tx.Exec(context.Background(), putSetting, "failed", "1"); err != nil {
				return err
			}
			panic(boom)
		},
	}
	d, _ := newSQLite(t)
	for how, fail := range fails {
		for at := range 3 {
			t.Run(fmt.Sprintf("%s, as number %d", how, at), func(t *testing.T) {
				told := make([]atomic.Int64, 3)
				name := func(i int) string { return fmt.Sprint(how, at, i) }
				all := []func(tx Tx) error{putting(name(0), &told[0]), putting(name(1), &told[1]), putting(name(2), &told[2])}
				all[at] = fail
				for i, came := range queued(t, d, all...) {
					err, _ := came.(error)
					if i == at && !errors.Is(err, boom) || i != at && came != nil {
						t.Errorf("%d came to %v", i, came)
					}
					if i != at && (told[i].Load() != 1 || !has(t, d.Auto(), name(i))) {
						t.Errorf("%d was told %d times that it is durable, and must be so", i, told[i].Load())
					}
				}
				if has(t, d.Auto(), "failed") {
					t.Error("what failed was written")
				}
			})
		}
	}
}

func TestWhoGivesUpIsNotRun(t *testing.T) {
	d, put := newSQLite(t)
	ctx, cancel := context.WithCancel(context.Background())
	d.writing <- struct{}{}
	came := make(chan error, 1)
	go func() {
		came <- d.Write(ctx, func(Tx) error { t.Error("it was run"); return nil })
	}()
	for waiting(d) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-came; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-d.writing
	if err := put(); err != nil || waiting(d) != 0 {
		t.Errorf("%v, %d wait", err, waiting(d))
	}
}

// Who is cancelled while somebody else runs it returns when that has ended, and has written nothing.
func TestWhoIsRunAlongReturnsAfterIt(t *testing.T) {
	d, _ := newSQLite(t)
	ctx, cancel := context.WithCancel(context.Background())
	inside := false
	d.writing <- struct{}{}
	came := make(chan error, 1)
	go func() {
		came <- d.Write(ctx, func(tx Tx) error {
			inside = true
			defer func() { inside = false }()
			if _, err := tx.Exec(ctx, putSetting, "cancelled", "1"); err != nil {
				return err
			}
			cancel()
			for range 100 {
				runtime.Gosched() // whoever waits has time to leave
			}
			return nil
		})
		if inside {
			t.Error("it returned while it was run")
		}
	}()
	for waiting(d) == 0 {
		runtime.Gosched()
	}
	var told atomic.Int64
	d.lead(joined(d, putting("other", &told)))
	if err := <-came; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if has(t, d.Auto(), "cancelled") {
		t.Error("what was cancelled was written")
	}
}

// joined is a transaction that waits already.
func joined(d *DB, f func(tx Tx) error) *turn {
	t := &turn{ctx: context.Background(), f: f, done: make(chan struct{})}
	d.queue.join(t)
	return t
}
