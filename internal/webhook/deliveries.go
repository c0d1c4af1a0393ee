package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Status is where a delivery is.
type Status int64

// The states of a delivery.
const (
	Waiting Status = iota
	Delivered
	GivenUp
	CalledOff
)

// Delivery is an event on its way to a target.
type Delivery struct {
	ID         int64
	PolicyID   int64
	TargetID   int64
	Type       Type // of the target
	UUID       string
	EventType  EventType
	Subject    string
	Operator   string
	OccurredAt time.Time
	Data       json.RawMessage
	Status     Status
	Attempts   int64
	DueAt      time.Time // when it is tried again, zero for as soon as its turn comes
	QueuedAt   time.Time
	EndedAt    time.Time

	// Of the last attempt:
	TriedAt    time.Time
	Took       time.Duration
	Answer     int64 // status of HTTP, 0 for none
	AnswerBody string
	Complaint  string
}

func (d Delivery) told() told {
	return told{UUID: d.UUID, EventType: d.EventType, Operator: d.Operator, OccurredAt: d.OccurredAt, Data: d.Data}
}

func scanDelivery(r db.Row) (d Delivery, err error) {
	var data string
	var took int64
	err = r.Scan(&d.ID, &d.PolicyID, &d.TargetID, &d.Type, &d.UUID, &d.EventType, &d.Subject, &d.Operator, db.ScanTime(&d.OccurredAt), &data, &d.Status, &d.Attempts,
		db.ScanTime(&d.DueAt), db.ScanTime(&d.QueuedAt), db.ScanTime(&d.EndedAt), db.ScanTime(&d.TriedAt), &took, &d.Answer, &d.AnswerBody, &d.Complaint)
	d.Data, d.Took = json.RawMessage(data), time.Duration(took)*time.Microsecond
	return d, err
}

func deliveries() db.Listing {
	return db.Listing{
		Fields: deliveryFields,
		From:   "webhook_delivery",
		Columns: map[string]db.Column{
			"id":          {Expr: "id", Kind: db.Int},
			"status":      {Expr: "CASE status WHEN 0 THEN 'Running' WHEN 1 THEN 'Success' WHEN 2 THEN 'Error' ELSE 'Stopped' END"},
			"event_type":  {Expr: "event_type"},
			"target_id":   {Expr: "target_id", Kind: db.Int},
			"operator":    {Expr: "operator"},
			"subject":     {Expr: "subject"},
			"vendor_type": {Expr: "CASE type WHEN 'http' THEN 'WEBHOOK' ELSE upper(type) END"},
			"start_time":  {Expr: "queued_at", Kind: db.Timestamp},
			"end_time":    {Expr: "ended_at", Kind: db.Timestamp},
		},
		Default: "id DESC",
		Tie:     "id DESC",
	}
}

// HasDeliveryKey reports whether Deliveries filters and sorts by key.
func HasDeliveryKey(key string) bool { return deliveries().Has(key) }

// Deliveries returns a page of a policy's deliveries, newest first, and how many match. A policy that isn't the project's is
// fault.NotFound.
func (s *Service) Deliveries(ctx context.Context, projectID, policyID int64, list db.List) (page []Delivery, total int64, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		if err := s.has(ctx, tx, projectID, policyID); err != nil {
			return err
		}
		page, total, err = db.Page(ctx, tx, deliveries(), "policy_id = $1", []any{policyID}, list, scanDelivery)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list deliveries of webhook policy %d: %w", policyID, err)
	}
	return page, total, nil
}

// has is fault.NotFound unless the project has the policy.
func (s *Service) has(ctx context.Context, tx db.Tx, projectID, policyID int64) error {
	_, err := db.Get(ctx, tx, scanPolicy, policyByID, policyID, projectID)
	if errors.Is(err, db.ErrNotFound) {
		return fault.NotFoundf("webhook policy %d not found", policyID)
	}
	return err
}

const deliveryByID = `SELECT ` + deliveryFields + ` FROM webhook_delivery WHERE id = $1 AND policy_id = $2`

// Delivery returns one of a policy's deliveries, or fault.NotFound.
func (s *Service) Delivery(ctx context.Context, projectID, policyID, id int64) (d Delivery, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		d, _, err = s.find(ctx, tx, projectID, policyID, id)
		return err
	})
	return d, err
}

func (s *Service) find(ctx context.Context, tx db.Tx, projectID, policyID, id int64) (d Delivery, p Policy, err error) {
	if p, err = s.getPolicy(ctx, tx, projectID, policyID); err != nil {
		return d, p, err
	}
	d, err = db.Get(ctx, tx, scanDelivery, deliveryByID, id, policyID)
	if errors.Is(err, db.ErrNotFound) {
		return d, p, fault.NotFoundf("delivery %d of webhook policy %d not found", id, policyID)
	}
	return d, p, err
}

// Exchange is a delivery with what is sent and was answered.
type Exchange struct {
	Delivery
	Address     string
	RequestHead string // without secrets
	RequestBody string
}

// Exchange returns a delivery as it is sent, or fault.NotFound.
func (s *Service) Exchange(ctx context.Context, projectID, policyID, id int64) (x Exchange, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		var p Policy
		if x.Delivery, p, err = s.find(ctx, tx, projectID, policyID, id); err != nil {
			return err
		}
		for _, t := range p.Targets {
			if t.ID != x.TargetID {
				continue
			}
			at := x.TriedAt
			if at.IsZero() {
				at = x.QueuedAt
			}
			head, body, err := requestHead(p, t, x.told(), at)
			x.Address, x.RequestHead, x.RequestBody = t.Address, head, string(body)
			return err
		}
		return nil // the target was taken away; its deliveries follow
	})
	return x, err
}

// Log tells for people what became of a delivery.
func (x Exchange) Log() string {
	var b strings.Builder
	line := func(at time.Time, format string, args ...any) {
		fmt.Fprintf(&b, "%s %s\n", at.UTC().Format(time.RFC3339Nano), fmt.Sprintf(format, args...))
	}
	line(x.QueuedAt, "%s of %s, for %s", x.EventType, x.Subject, x.Address)
	if x.Attempts > 0 {
		line(x.TriedAt, "attempt %d:\n\n%s\n\n%s\n", x.Attempts, x.RequestHead, x.RequestBody)
		switch {
		case x.Answer > 0:
			line(x.TriedAt.Add(x.Took), "answer %d after %s:\n\n%s\n", x.Answer, x.Took.Round(time.Millisecond), x.AnswerBody)
		default:
			line(x.TriedAt.Add(x.Took), "no answer after %s", x.Took.Round(time.Millisecond))
		}
	}
	switch x.Status {
	case Delivered:
		line(x.EndedAt, "delivered")
	case GivenUp:
		line(x.EndedAt, "not delivered: %s", x.Complaint)
	case CalledOff:
		line(x.EndedAt, "called off")
	case Waiting:
		if x.Complaint != "" {
			line(x.TriedAt.Add(x.Took), "to be tried again: %s", x.Complaint)
		}
	}
	return b.String()
}

const (
	again = `UPDATE webhook_delivery SET status = 0, attempts = 0, due_at = 0, queued_at = $1, ended_at = 0 WHERE id = $2 AND policy_id = $3`
	// That a status of 2 is above 0 SQLite has to be told, or it doesn't use the index.
	againMany = `UPDATE webhook_delivery SET status = 0, attempts = 0, due_at = 0, queued_at = $1, ended_at = 0 WHERE id IN (SELECT id FROM webhook_delivery
		WHERE target_id = $2 AND status = 2 AND status > 0 ORDER BY id LIMIT $3)`
	// Somebody's wish ends a pause.
	wakeTarget = `UPDATE webhook_target SET due_at = $1, lease_until = CASE WHEN holder = '' THEN 0 ELSE lease_until END WHERE id = $2 AND position >= 0`
	callOff    = `UPDATE webhook_delivery SET status = 3, due_at = 0, ended_at = $1 WHERE id = $2 AND status = 0`
)

// Redeliver sends a delivery again, with the id it had, whatever became of it.
func (s *Service) Redeliver(ctx context.Context, projectID, policyID, id int64) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.look)
		d, _, err := s.find(ctx, tx, projectID, policyID, id)
		if err != nil {
			return err
		}
		now := db.Micros(s.Clock())
		if _, err := tx.Exec(ctx, again, now, id, policyID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, wakeTarget, now, d.TargetID)
		return err
	})
	if err != nil {
		return fmt.Errorf("redeliver %d: %w", id, err)
	}
	return nil
}

// maxRedeliver is how many deliveries are sent again by one call.
const maxRedeliver = 10_000

// RedeliverFailed sends again what a policy's targets were not delivered, the oldest first, and returns how much that is.
func (s *Service) RedeliverFailed(ctx context.Context, projectID, policyID int64) (count int64, err error) {
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.look)
		p, err := s.getPolicy(ctx, tx, projectID, policyID)
		if err != nil {
			return err
		}
		now := db.Micros(s.Clock())
		count = 0
		for _, t := range p.Targets {
			n, err := tx.Exec(ctx, againMany, now, t.ID, maxRedeliver)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, wakeTarget, now, t.ID); err != nil {
				return err
			}
			count += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("redeliver what failed of webhook policy %d: %w", policyID, err)
	}
	return count, nil
}

// CallOff gives up a delivery that waits. One that is over stays as it is.
func (s *Service) CallOff(ctx context.Context, projectID, policyID, id int64) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		if _, _, err := s.find(ctx, tx, projectID, policyID, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, callOff, db.Micros(s.Clock()), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("call off delivery %d: %w", id, err)
	}
	return nil
}

// TaskStatus is where a delivery is, in the words of Harbor's tasks.
func (d Delivery) TaskStatus() string {
	switch d.Status {
	case Delivered:
		return "Success"
	case GivenUp:
		return "Error"
	case CalledOff:
		return "Stopped"
	}
	if d.Attempts > 0 {
		return "Scheduled"
	}
	return "Pending"
}

// ChangedAt is when something last became of a delivery.
func (d Delivery) ChangedAt() time.Time {
	at := d.QueuedAt
	for _, later := range []time.Time{d.TriedAt, d.EndedAt} {
		if later.After(at) {
			at = later
		}
	}
	return at
}
