package audit

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/audit/syslog"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/setting"
)

const (
	// forwardBatch bounds what is in memory: the rows of one delivery.
	forwardBatch = 500
	forwardPoll  = time.Second
	// forwardGather lets rows that come one by one share a delivery.
	forwardGather = 200 * time.Millisecond
	// A delivery counts when the receiver still lives settleAfter later: it has done by then with what it read.
	settleAfter = time.Second
	// forwardLease is how long a process that ended keeps the others from going on. It is renewed at a third.
	forwardLease = 15 * time.Second
	releaseTime  = 2 * time.Second
	firstPause   = time.Second // after a failure; doubles
	longestPause = 30 * time.Second
)

// Forwarder delivers rows to the receiver that the settings name: each at least once, in their order. Of all
// processes one does it, who has the lease.
type Forwarder struct {
	*Service
	clock  func() time.Time
	log    *slog.Logger
	host   string // as which messages come
	holder string

	target   target
	session  *syslog.Session // nil: none is open
	position int64           // up to this row all was sent in this session
	marks    []mark          // what was sent and isn't settled
	leased   time.Time       // when the lease was renewed; zero: another process has it
	pause    time.Duration   // before the next try, after a failure

	sent, failures atomic.Int64
}

// mark is a delivery: the row with which it ended.
type mark struct {
	row  Row
	rows int64
	at   time.Time
}

// NewForwarder returns the forwarder of a log. host is how this registry calls itself in messages.
func NewForwarder(s *Service, host string, clock func() time.Time, log *slog.Logger) *Forwarder {
	return &Forwarder{Service: s, clock: clock, log: log, host: host, holder: rand.Text()}
}

// Forwarded is what this process has delivered, and how often that failed.
func (f *Forwarder) Forwarded() (rows, failures int64) { return f.sent.Load(), f.failures.Load() }

// target is where rows go by the settings.
type target struct{ address, protocol, authorities string }

func targetOf(v setting.Values) target {
	return target{v.AuditForwardEndpoint(), v.Text(setting.AuditForwardProtocol), v.Text(setting.AuditForwardAuthorities)}
}

// receiver is the target as syslog knows it.
func (t target) receiver() (syslog.Receiver, error) {
	r := syslog.Receiver{Address: t.address}
	host, _, err := net.SplitHostPort(t.address)
	if err != nil || t.protocol != setting.ForwardTLS {
		return r, err
	}
	r.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if t.authorities != "" {
		r.TLS.RootCAs = x509.NewCertPool()
		if !r.TLS.RootCAs.AppendCertsFromPEM([]byte(t.authorities)) {
			return r, fmt.Errorf("%s holds no certificate", setting.AuditForwardAuthorities)
		}
	}
	return r, nil
}

// CheckReceiver connects to the receiver of a configuration that is about to be set, where it is another one than
// before. A receiver that can't be reached is a fault.Invalid.
func CheckReceiver(ctx context.Context, before, after setting.Values) error {
	t := targetOf(after)
	if t.address == "" || t == targetOf(before) {
		return nil
	}
	r, err := t.receiver()
	if err == nil {
		err = r.Check(ctx)
	}
	if err != nil {
		return fault.Invalidf("item name %s: the receiver can't be reached: %v", setting.AuditForwardEndpoint, err)
	}
	return nil
}

// Run forwards until ctx is cancelled, and returns nil then. A failure is logged and tried again.
func (f *Forwarder) Run(ctx context.Context) error {
	for {
		wait, err := f.step(ctx)
		if err != nil && ctx.Err() == nil {
			wait = f.failed(ctx, err)
		}
		if !f.rest(ctx, wait) {
			f.drop()
			return f.release(context.WithoutCancel(ctx))
		}
	}
}

// rest waits, a little only when rows come. It reports false when ctx ends.
func (f *Forwarder) rest(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	rows := f.waiting
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-rows:
			if rows = nil; f.pause == 0 {
				timer.Reset(min(wait, forwardGather))
			}
		}
	}
}

// step delivers a batch, or finishes the session when there is none, and tells how long to wait before the next.
func (f *Forwarder) step(ctx context.Context) (wait time.Duration, err error) {
	values, err := f.settings.Get(ctx)
	if err != nil {
		return forwardPoll, fmt.Errorf("read where rows go: %w", err)
	}
	if t := targetOf(values); t != f.target {
		f.drop()
		f.target, f.pause = t, 0
	}
	if f.target.address == "" {
		return forwardPoll, nil
	}
	if mine, err := f.lead(ctx); err != nil || !mine {
		return forwardPoll, err
	}
	rows, err := rowsToForward(ctx, f.db.Auto(), f.position)
	if err != nil {
		return forwardPoll, err
	}
	if len(rows) == 0 {
		return forwardPoll, f.finish(ctx)
	}
	if err := f.deliver(ctx, rows); err != nil {
		return forwardPoll, err
	}
	if len(rows) == forwardBatch {
		return 0, nil
	}
	return forwardGather, nil
}

// lead reports whether this process forwards. Who just began goes on where all is settled.
func (f *Forwarder) lead(ctx context.Context) (bool, error) {
	now := f.clock()
	if age := now.Sub(f.leased); !f.leased.IsZero() && age >= 0 && age < forwardLease/3 {
		return true, nil
	}
	mine, position, err := claimForward(ctx, f.db, f.holder, now, now.Add(forwardLease))
	if err != nil || !mine {
		f.drop()
		return false, err
	}
	if f.leased.IsZero() {
		f.position = position
	}
	f.leased = now
	return true, nil
}

// release lets another process go on at once.
func (f *Forwarder) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	if err := releaseForward(ctx, f.db, f.holder); err != nil {
		f.log.WarnContext(ctx, "the lease of forwarding isn't given back", "error", err) // it ends by itself
	}
	return nil
}

func (f *Forwarder) deliver(ctx context.Context, rows []Row) error {
	if f.session == nil {
		r, err := f.target.receiver()
		if err != nil {
			return err
		}
		if f.session, err = r.Open(ctx); err != nil {
			return err
		}
	}
	var frames []byte
	for _, row := range rows {
		frames = f.message(row).AppendTo(frames)
	}
	if err := f.session.Deliver(ctx, frames); err != nil {
		return err
	}
	last, now := rows[len(rows)-1], f.clock()
	f.position, f.pause = last.ID, 0
	f.marks = append(f.marks, mark{last, int64(len(rows)), now})
	return f.settle(ctx, now.Add(-settleAfter))
}

// finish ends a session that has nothing to send, when all that it sent can be settled.
func (f *Forwarder) finish(ctx context.Context) error {
	if f.session == nil {
		return nil
	}
	now := f.clock()
	if n := len(f.marks); n > 0 && now.Sub(f.marks[n-1].at) < settleAfter {
		return nil
	}
	session := f.session
	f.session = nil
	if err := session.Finish(ctx); err != nil {
		return err
	}
	return f.settle(ctx, now)
}

// settle notes the deliveries up to a time, each with the deletion of its rows that aren't kept.
func (f *Forwarder) settle(ctx context.Context, until time.Time) error {
	for len(f.marks) > 0 && !f.marks[0].at.After(until) {
		if err := settleForward(ctx, f.db, f.holder, f.marks[0]); err != nil {
			return err
		}
		f.sent.Add(f.marks[0].rows)
		f.marks = f.marks[1:]
	}
	return nil
}

// drop ends the session and forgets what isn't settled: it is sent again. The lease is asked for anew, which
// tells where to go on.
func (f *Forwarder) drop() {
	if f.session != nil {
		_ = f.session.Close()
		f.session = nil
	}
	f.marks = nil
	f.leased = time.Time{}
}

func (f *Forwarder) failed(ctx context.Context, err error) time.Duration {
	f.failures.Add(1)
	f.drop()
	f.pause = min(max(2*f.pause, firstPause), longestPause)
	f.log.WarnContext(ctx, "audit rows can't be forwarded and wait", "receiver", f.target.address, "again_in", f.pause, "error", err)
	if err := noteFailure(ctx, f.db, f.holder, err.Error(), f.clock()); err != nil {
		f.log.WarnContext(ctx, "the failure to forward can't be noted", "error", err)
	}
	return f.pause
}

// dataID is the structured data's. 32473 is the number that RFC 5612 keeps for examples, as this program has none.
const dataID = "haven@32473"

func (f *Forwarder) message(r Row) syslog.Message {
	severity, result := syslog.Information, "success"
	if !r.Success {
		severity, result = syslog.Warning, "failure"
	}
	m := syslog.Message{At: r.At, Severity: severity, Host: f.host, App: "haven", Kind: string(r.EventType), DataID: dataID, Text: r.Description}
	add := func(name, value string) {
		if value != "" {
			m.Fields = append(m.Fields, syslog.Field{Name: name, Value: value})
		}
	}
	add("id", strconv.FormatInt(r.ID, 10))
	add("user", r.Username)
	add("operation", r.Operation)
	add("resource_type", r.ResourceType)
	add("resource", r.Resource)
	add("result", result)
	if r.ProjectID != 0 {
		add("project_id", strconv.FormatInt(r.ProjectID, 10))
	}
	add("client_ip", r.Client)
	add("request_id", r.RequestID)
	return m
}
