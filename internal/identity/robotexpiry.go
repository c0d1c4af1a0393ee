package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

const (
	// warnAhead is how long before its end a robot is said to expire soon, or for those that live shorter
	// than five times that, the last fifth of their life.
	warnAhead = 7 * 24 * time.Hour
	warnPart  = 5
	// warnBatch bounds the robots that one transaction warns of.
	warnBatch = 100
)

// ExpiresSoon reports whether the robot's end is near: within a week, and within the last fifth of its life.
func (r Robot) ExpiresSoon(now time.Time) bool {
	if r.ExpiresAt.IsZero() || expired(r.ExpiresAt, now) {
		return false
	}
	left := r.ExpiresAt.Sub(now)
	return left <= warnAhead && left <= r.ExpiresAt.Sub(r.CreatedAt)/warnPart
}

// soon is ExpiresSoon in SQL, for robots that could be used till then. It takes now, now and a week, and now.
const soon = `r.expires_at > $1 AND r.expires_at <= $2 AND (r.expires_at - $3) * 5 <= r.expires_at - r.created_at
	AND r.disabled = FALSE AND ` + robotAlive

const (
	robotsToWarn = `SELECT ` + robotFields + ` FROM ` + robotFrom + ` LEFT JOIN robot_warning w ON w.robot_id = r.id
		WHERE ` + soon + ` AND COALESCE(w.expires_at, 0) <> r.expires_at ORDER BY r.expires_at, r.id LIMIT $4`
	robotsExpiring = `SELECT COUNT(*) FROM ` + robotFrom + ` WHERE ` + soon
	warningPut     = `INSERT INTO robot_warning (robot_id, expires_at) VALUES ($1, $2)
		ON CONFLICT (robot_id) DO UPDATE SET expires_at = excluded.expires_at`
)

func (s *Service) soonArgs() []any {
	now := s.clock()
	return []any{db.Micros(now), db.Micros(now.Add(warnAhead)), db.Micros(now)}
}

// RobotsExpiring counts the robots that expire soon.
func (s *Service) RobotsExpiring(ctx context.Context) (int64, error) {
	n, err := db.Get(ctx, s.db.Auto(), db.ScanInt, robotsExpiring, s.soonArgs()...)
	if err != nil {
		return 0, fmt.Errorf("count robots that expire soon: %w", err)
	}
	return n, nil
}

// warnOfExpiry announces robots that expire soon, each once, by an event and a line in the log.
func (s *Service) warnOfExpiry(ctx context.Context) error {
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		return err
	}
	var warned []Robot
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		if warned, err = db.Collect(ctx, tx, scanRobot, robotsToWarn, append(s.soonArgs(), warnBatch)...); err != nil {
			return err
		}
		for _, b := range warned {
			if _, err := tx.Exec(ctx, warningPut, b.ID, db.Micros(b.ExpiresAt)); err != nil {
				return err
			}
			if err := event.Append(ctx, tx, s.expiryEvent(prefix, b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("warn of robots that expire soon: %w", err)
	}
	for _, b := range warned {
		s.log.WarnContext(ctx, "a robot account expires soon", "robot", prefix+b.Name, "project", b.ProjectName, "expires_at", b.ExpiresAt)
	}
	return nil
}

func (s *Service) expiryEvent(prefix string, b Robot) event.Event {
	return event.Event{
		Kind: event.ExpireRobot, At: s.clock(), By: "haven", ProjectID: b.ProjectID, Project: b.ProjectName, Resource: prefix + b.Name, Success: true,
		Description: fmt.Sprintf("robot %s expires on %s", prefix+b.Name, b.ExpiresAt.UTC().Format(time.RFC3339)),
	}
}
