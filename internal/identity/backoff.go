package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// After so many failed log-ins in a row each further one makes the next wait: a second, then twice as
// long each time, up to a quarter of an hour. A network has more patience, because one address may
// stand for a company; there only distinct guesses count, so that one misconfigured client which
// repeats itself doesn't lock out its neighbours.
const (
	patienceAccount = 5
	patienceNetwork = 20
	firstDelay      = time.Second
	longestDelay    = 15 * time.Minute
	// forgetAfter is when a failure no longer counts as being in a row with the next one.
	forgetAfter = time.Hour
	// sweepSize bounds the forgotten rows that one failure removes.
	sweepSize = 100
)

// subjects are the rows of login_failure that one attempt is about.
type subjects struct {
	account string
	network string // "" when the client's address is unknown
}

func subjectsOf(h holder, name string, remote netip.Addr) subjects {
	s := subjects{account: h.subject}
	if s.account == "" {
		// A hash, because people type passwords into the wrong field.
		sum := sha256.Sum256([]byte(name))
		s.account = "name/" + hex.EncodeToString(sum[:16])
	}
	if n := networkOf(remote); n.IsValid() {
		s.network = "network/" + n.String()
	}
	return s
}

// networkOf is the /24 or /64 around an address.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (s subjects) list() []any {
	if s.network == "" {
		return []any{s.account, s.account}
	}
	return []any{s.account, s.network}
}

// delayAfter is how long to wait after so many failures in a row.
func delayAfter(failures, patience int64) time.Duration {
	over := failures - patience
	switch {
	case over < 0:
		return 0
	case over > 10: // 1024 s is more than the longest
		return longestDelay
	}
	return min(firstDelay<<over, longestDelay)
}

type failureRow struct {
	subject       string
	failures      int64
	lastAt, until time.Time
}

const (
	failureSelect = `SELECT subject, failures, last_at, until FROM login_failure WHERE subject IN ($1, $2)`
	failurePut    = `INSERT INTO login_failure (subject, failures, last_at, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, until = excluded.until`
	failureDelete = `DELETE FROM login_failure WHERE subject IN ($1, $2)`
	failureSweep  = `DELETE FROM login_failure WHERE subject IN
		(SELECT subject FROM login_failure WHERE last_at < $1 ORDER BY last_at LIMIT `
)

func scanFailure(r db.Row) (f failureRow, err error) {
	err = r.Scan(&f.subject, &f.failures, db.ScanTime(&f.lastAt), db.ScanTime(&f.until))
	return f, err
}

// delay returns how long the subjects have to wait still, and whether there is anything to reset.
func (s *Service) delay(ctx context.Context, who subjects) (wait time.Duration, marked bool, err error) {
	rows, err := db.Collect(ctx, s.db.Auto(), scanFailure, failureSelect, who.list()...)
	if err != nil {
		return 0, false, fmt.Errorf("look up failed log-ins: %w", err)
	}
	for _, r := range rows {
		wait = max(wait, r.until.Sub(s.clock()))
	}
	return wait, len(rows) > 0, nil
}

// countFailure adds a failure to the account and, unless the very same was tried just before, to the
// network.
func (s *Service) countFailure(ctx context.Context, tx db.Tx, who subjects, repeated bool) error {
	rows, err := db.Collect(ctx, tx, scanFailure, failureSelect, who.list()...)
	if err != nil {
		return fmt.Errorf("look up failed log-ins: %w", err)
	}
	now := s.clock()
	count := func(subject string, patience int64) error {
		n := int64(1)
		for _, r := range rows {
			if r.subject == subject && now.Before(r.lastAt.Add(forgetAfter)) {
				n = r.failures + 1
			}
		}
		_, err := tx.Exec(ctx, failurePut, subject, n, db.Micros(now), db.Micros(now.Add(delayAfter(n, patience))))
		return err
	}
	if err := count(who.account, patienceAccount); err != nil {
		return fmt.Errorf("count a failed log-in: %w", err)
	}
	if who.network != "" && !repeated {
		if err := count(who.network, patienceNetwork); err != nil {
			return fmt.Errorf("count a failed log-in: %w", err)
		}
	}
	_, err = tx.Exec(ctx, failureSweep+strconv.Itoa(sweepSize)+")", db.Micros(now.Add(-forgetAfter)))
	return err
}

func (s *Service) forgetFailures(ctx context.Context, tx db.Tx, who subjects) error {
	_, err := tx.Exec(ctx, failureDelete, who.list()...)
	return err
}
