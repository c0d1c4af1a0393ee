package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/pause"
)

// Backups share blobs, so nobody may delete from a target while somebody else counts on what lies there. Each says first what it
// is about to do, by a record with a lease, and looks then who else has said something: of two that meet at least one sees the other,
// as what was written is listed at once by all stores.

// use is what somebody does in a target.
type use string

const (
	reading  use = "read"
	writing  use = "write"
	deleting use = "delete"
)

const (
	locksDir  = "locks/"
	lockLease = 10 * time.Minute
	lockEvery = 2 * time.Minute
)

// ErrInUse: somebody else is at work in the target.
var ErrInUse = errors.New("the target is in use")

// lock is what a record of locks says.
type lock struct {
	Use   use       `json:"use"`
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// using runs f while nobody does in the target what doesn't go together with it. The context of f ends when that can't be promised
// any more.
func (t Target) using(ctx context.Context, u use, f func(ctx context.Context) error) error {
	name := locksDir + string(u) + "-" + uuid.NewString()
	host, _ := os.Hostname() // only for people
	now := time.Now().UTC()
	mine := lock{Use: u, Host: host, PID: os.Getpid(), Since: now, Until: now.Add(lockLease)}
	if err := t.say(ctx, name, mine); err != nil {
		return err
	}
	defer func() {
		_ = t.DeleteRecord(context.WithoutCancel(ctx), name) // else its lease ends
	}()
	if err := t.alone(ctx, name, u); err != nil {
		return err
	}
	held, lose := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		t.renew(held, name, mine, lose)
	}()
	err := f(held)
	if lost := context.Cause(held); err != nil && ctx.Err() == nil && lost != nil {
		err = errors.Join(lost, err)
	}
	lose(nil)
	<-renewed
	return err
}

func (t Target) say(ctx context.Context, name string, l lock) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := t.PutRecord(ctx, name, text); err != nil {
		return fmt.Errorf("write to the target: %w", err)
	}
	return nil
}

// renew keeps the lock until ctx ends.
func (t Target) renew(ctx context.Context, name string, l lock, lose context.CancelCauseFunc) {
	for pause.For(ctx, lockEvery) {
		next := l
		next.Until = time.Now().UTC().Add(lockLease)
		err := t.say(ctx, name, next)
		switch {
		case err == nil:
			l = next
		case ctx.Err() != nil:
			return
		case time.Now().After(l.Until):
			lose(fmt.Errorf("the target could not be told for some minutes that it is in use: %w", err))
			return
		}
	}
}

// alone is ErrInUse where somebody does what doesn't go together with u. What died is forgotten by who wants to delete.
func (t Target) alone(ctx context.Context, mine string, u use) error {
	var names []string
	err := t.EachRecord(ctx, func(name string) error {
		if strings.HasPrefix(name, locksDir) && name != mine {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the target: %w", err)
	}
	for _, name := range names {
		text, err := t.ReadRecord(ctx, name)
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read from the target: %w", err)
		}
		var other lock
		if err := json.Unmarshal(text, &other); err != nil {
			other = lock{Use: deleting} // torn by the loss of power: long dead
		}
		switch {
		case time.Now().After(other.Until):
			if u == deleting {
				_ = t.DeleteRecord(ctx, name) // else the next one does
			}
		case u == deleting || other.Use == deleting:
			return fmt.Errorf("%w: process %d on %s %s since %s; if it has died, its claim ends at %s", ErrInUse, other.PID, other.Host,
				map[use]string{reading: "reads there", writing: "writes a backup", deleting: "deletes there"}[other.Use],
				other.Since.Format(time.RFC3339), other.Until.Format(time.RFC3339))
		}
	}
	return nil
}
