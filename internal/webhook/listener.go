package webhook

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

// subscriber is a target that wants to hear of something.
type subscriber struct {
	policyID, targetID int64
	kind               Type
}

// wish is a type of events in a project, or in the project Whole.
type wish struct {
	projectID int64
	eventType EventType
}

// subscriptions are who wants what, as of a version of the policies.
type subscriptions struct {
	version int64
	by      map[wish][]subscriber
}

// of are the targets that want an event.
func (v subscriptions) of(projectID int64, t EventType) []subscriber {
	own, whole := v.by[wish{projectID, t}], v.by[wish{Whole, t}]
	if projectID == Whole || len(whole) == 0 {
		return own
	}
	return append(own[:len(own):len(own)], whole...)
}

const allSubscribers = `SELECT p.project_id, p.event_types, p.id, t.id, t.type FROM webhook_policy p JOIN webhook_target t ON t.policy_id = p.id AND t.position >= 0
	WHERE p.enabled ORDER BY t.id`

// subscribers returns who wants what. It is remembered until a policy changes, wherever that happens.
func (s *Service) subscribers(ctx context.Context, tx db.Tx) (subscriptions, error) {
	now, err := db.Get(ctx, tx, db.ScanInt, version)
	if err != nil {
		return subscriptions{}, fmt.Errorf("read the version of webhook policies: %w", err)
	}
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known.version == now {
		return known, nil
	}
	read := subscriptions{version: now, by: map[wish][]subscriber{}}
	_, err = db.Collect(ctx, tx, func(r db.Row) (struct{}, error) {
		var projectID int64
		var types string
		var who subscriber
		if err := r.Scan(&projectID, &types, &who.policyID, &who.targetID, &who.kind); err != nil {
			return struct{}{}, err
		}
		var list []EventType
		if err := json.Unmarshal([]byte(types), &list); err != nil {
			return struct{}{}, err
		}
		for _, t := range list {
			read.by[wish{projectID, t}] = append(read.by[wish{projectID, t}], who)
		}
		return struct{}{}, nil
	}, allSubscribers)
	if err != nil {
		return subscriptions{}, fmt.Errorf("read who wants to hear of events: %w", err)
	}
	s.mu.Lock()
	s.known = read
	s.mu.Unlock()
	return read, nil
}

// Handle writes a delivery for each target that wants an event. It is the event.Listener's.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	if !slices.ContainsFunc(events, func(e event.Event) bool { return typeOf(e) != "" }) {
		return nil
	}
	if on, err := s.Enabled(ctx); err != nil || !on {
		return err
	}
	wanted, err := s.subscribers(ctx, tx)
	if err != nil || len(wanted.by) == 0 {
		return err
	}
	b := batch{s: s, tx: tx, places: map[place]facts{}, triggers: map[triggered]int64{}, targets: map[int64]int64{}}
	for _, e := range events {
		t := typeOf(e)
		if t == "" {
			continue
		}
		if to := wanted.of(e.ProjectID, t); len(to) > 0 {
			if err := b.add(ctx, e, t, to); err != nil {
				return fmt.Errorf("announce %s of %s: %w", t, e.Resource, err)
			}
		}
	}
	return b.write(ctx)
}

// place is where something happened.
type place struct {
	projectID  int64
	repository string // without the project
}

// batch is what some events become.
type batch struct {
	s        *Service
	tx       db.Tx
	places   map[place]facts
	rows     [][]any
	triggers map[triggered]int64
	targets  map[int64]int64 // rows of each
	lost     map[int64]int64
}

func (b *batch) add(ctx context.Context, e event.Event, t EventType, to []subscriber) error {
	room := to[:0:0]
	for _, who := range to {
		if b.s.hasRoom(who.targetID, b.targets[who.targetID]) {
			room = append(room, who)
			b.targets[who.targetID]++
			continue
		}
		if b.lost == nil {
			b.lost = map[int64]int64{}
		}
		b.lost[who.targetID]++
	}
	if len(room) == 0 {
		return nil
	}
	text, err := b.data(ctx, e)
	if err != nil {
		return err
	}
	now, subject := db.Micros(b.s.Clock()), subjectOf(e)
	for _, who := range room {
		b.rows = append(b.rows, []any{who.policyID, who.targetID, string(who.kind), newUUID(), string(t), subject, e.By, db.Micros(e.At), text, now})
		b.triggers[triggered{who.policyID, t}] = db.Micros(e.At)
	}
	return nil
}

// data is what an event's bodies say, as text.
func (b *batch) data(ctx context.Context, e event.Event) (string, error) {
	_, name, _ := strings.Cut(e.Repository, "/")
	f, err := b.at(ctx, place{e.ProjectID, name})
	if err != nil {
		return "", err
	}
	if e.Kind == event.ScanArtifact {
		d := event.ScanDetail{Type: "vulnerability"}
		if len(e.Detail) > 0 {
			if err := json.Unmarshal(e.Detail, &d); err != nil {
				return "", err
			}
		}
		if f.overview, err = b.s.Overview(ctx, e, d.Type); err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			b.s.Log.WarnContext(ctx, "what a scan found is left out of its webhook", "artifact", e.Resource, "error", err)
		}
	}
	d, err := dataOf(e, f)
	if err != nil {
		return "", err
	}
	text, err := encode(d)
	return string(text), err
}

const (
	placeFacts   = `SELECT p.public, COALESCE((SELECT r.created_at FROM repository r WHERE r.project_id = p.id AND r.name = $1), 0) FROM project p WHERE p.id = $2`
	deliveryRows = `INSERT INTO webhook_delivery (policy_id, target_id, type, uuid, event_type, subject, operator, occurred_at, data, queued_at) VALUES `
	addLost      = `UPDATE webhook_target SET lost = lost + $1 WHERE id = $2`
)

// at reads what bodies say of a place, once for all of a batch.
func (b *batch) at(ctx context.Context, p place) (facts, error) {
	if f, ok := b.places[p]; ok {
		return f, nil
	}
	f, err := db.Get(ctx, b.tx, func(r db.Row) (f facts, err error) {
		err = r.Scan(&f.public, db.ScanTime(&f.made))
		return f, err
	}, placeFacts, p.repository, p.projectID)
	if errors.Is(err, db.ErrNotFound) {
		err = nil // what belongs to no project
	}
	f.host = b.s.Host
	b.places[p] = f
	return f, err
}

// rowsAtOnce is how many rows one statement writes; the rest is written one by one, so that two texts stay prepared.
const rowsAtOnce = 16

// write writes the rows, and has their targets looked at.
func (b *batch) write(ctx context.Context) error {
	for rows := b.rows; len(rows) > 0; {
		n := 1
		if len(rows) >= rowsAtOnce {
			n = rowsAtOnce
		}
		if err := insert(ctx, b.tx, rows[:n]); err != nil {
			return fmt.Errorf("write deliveries: %w", err)
		}
		rows = rows[n:]
	}
	for _, t := range slices.SortedFunc(maps.Keys(b.triggers), func(x, y triggered) int {
		return cmp.Or(cmp.Compare(x.policyID, y.policyID), strings.Compare(string(x.eventType), string(y.eventType)))
	}) {
		if _, err := b.tx.Exec(ctx, triggerPut, t.policyID, t.eventType, b.triggers[t]); err != nil {
			return fmt.Errorf("note that a policy was set off: %w", err)
		}
	}
	if err := b.wake(ctx); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(b.lost)) {
		if _, err := b.tx.Exec(ctx, addLost, b.lost[id], id); err != nil {
			return fmt.Errorf("note that a queue is full: %w", err)
		}
	}
	b.tx.AfterCommit(func() { b.s.wrote(b.targets, b.lost) })
	return nil
}

func insert(ctx context.Context, tx db.Tx, rows [][]any) error {
	var text []string
	var args []any
	for _, row := range rows {
		marks, more := db.In(len(args), row)
		text, args = append(text, "("+marks+")"), append(args, more...)
	}
	_, err := tx.Exec(ctx, deliveryRows+strings.Join(text, ", "), args...)
	return err
}

// wake has targets looked at: those that are idle, and those that only wait for the next try of a delivery that is held up. One that
// somebody works on finds what is new by itself, and one that has a pause is left alone.
func (b *batch) wake(ctx context.Context) error {
	ids := slices.Sorted(maps.Keys(b.targets))
	for len(ids) > 0 {
		n := min(len(ids), 64)
		marks, args := db.In(1, padded(ids[:n]))
		ids = ids[n:]
		if _, err := b.tx.Exec(ctx, `UPDATE webhook_target SET due_at = $1 WHERE id IN (`+marks+`) AND (due_at = 0 OR due_at > $1 AND lease_until <= $1)`, append([]any{db.Micros(b.s.Clock())}, args...)...); err != nil {
			return fmt.Errorf("have targets looked at: %w", err)
		}
	}
	return nil
}

// newUUID is a random UUID (RFC 9562, version 4).
func newUUID() string {
	var u [16]byte
	rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// backlog is how long a target's queue is, as far as this process knows.
type backlog struct {
	counted, added int64
	full           bool // and that was logged
}

const (
	// maxWaiting bounds a target's queue; above maxWaitingAll in all queues each has only smallQueue.
	maxWaiting    = 250_000
	maxWaitingAll = 1_000_000
	smallQueue    = 10_000
	countEvery    = 30 * time.Second
)

// hasRoom reports whether a target's queue may grow by one more than adding. It goes by a count that Run renews.
func (s *Service) hasRoom(target, adding int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := int64(maxWaiting)
	if s.total > maxWaitingAll {
		limit = smallQueue
	}
	q := s.queued[target]
	return q.counted+q.added+adding < limit
}

// wrote counts what was committed.
func (s *Service) wrote(rows, lost map[int64]int64) {
	s.mu.Lock()
	for id, n := range rows {
		q := s.queued[id]
		q.added += n
		s.queued[id] = q
		s.total += n
	}
	var filled []int64
	for id, n := range lost {
		s.stats.lost.Add(n)
		if q := s.queued[id]; !q.full {
			q.full = true
			s.queued[id], filled = q, append(filled, id)
		}
	}
	s.mu.Unlock()
	for _, id := range filled {
		s.Log.Warn("a webhook's queue is full, and events are lost to it", "target", id)
	}
	s.look()
}
