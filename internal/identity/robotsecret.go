package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

// maxOverlap bounds how long two secrets of a robot may be good at once.
const maxOverlap = 90 * 24 * time.Hour

// lapseBatch bounds the robots whose previous secret one transaction ends.
const lapseBatch = 100

const (
	secretInsert  = `INSERT INTO robot_secret (robot_id, hash) VALUES ($1, $2)`
	presentSelect = `SELECT hash, previous_until FROM robot_secret WHERE robot_id = $1`
	presentPut    = `UPDATE robot_secret SET hash = $1, previous_hash = $2, previous_until = $3 WHERE robot_id = $4`
	previousEnd   = `UPDATE robot_secret SET previous_hash = '', previous_until = 0 WHERE robot_id = $1 AND previous_until > 0`
	lapsed        = `SELECT robot_id FROM robot_secret WHERE previous_until > 0 AND previous_until <= $1 ORDER BY previous_until LIMIT $2`
	robotEdited   = `UPDATE robot SET updated_at = $1 WHERE id = $2`
	robotTouch    = `UPDATE robot SET epoch = epoch + 1, updated_at = $1 WHERE id = $2`
)

// storedSecret is a row of robot_secret, without the previous hash.
type storedSecret struct {
	hash          string
	previousUntil time.Time // zero: there is none
}

func scanSecret(r db.Row) (v storedSecret, err error) {
	err = r.Scan(&v.hash, db.ScanTime(&v.previousUntil))
	return v, err
}

// SetRobotSecret gives a robot another secret in place of the present one: the given one, or with "" a
// random one, which is returned. Tokens of the robot end.
func (s *Service) SetRobotSecret(ctx context.Context, by authz.Principal, id int64, text secret.Text) (secret.Text, error) {
	return s.RotateRobotSecret(ctx, by, id, text, 0)
}

// RotateRobotSecret is SetRobotSecret, with the present secret good for so long still (90 days at most),
// so that its users can change over one by one; a secret before that ends now. Tokens go on, unless
// such a secret ended.
func (s *Service) RotateRobotSecret(ctx context.Context, by authz.Principal, id int64, text secret.Text, overlap time.Duration) (secret.Text, error) {
	if overlap < 0 || overlap > maxOverlap {
		return "", fault.Invalidf("the overlap must be 0 to %d hours", int(maxOverlap.Hours()))
	}
	var generated secret.Text
	if text == "" {
		generated = secret.NewPassword()
		text = generated
	}
	if err := checkPassword(text, "secret"); err != nil {
		return "", err
	}
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		return "", err
	}
	hash, err := s.hasher.hash(ctx, text)
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		b, err := getRobot(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := s.putSecret(ctx, tx, id, hash, overlap); err != nil {
			return fmt.Errorf("set the secret of robot %d: %w", id, err)
		}
		if err := s.keepPrefix(ctx, tx, prefix); err != nil {
			return err
		}
		return s.robotEvent(ctx, tx, event.UpdateRobot, by, prefix, b)
	})
	if err != nil {
		return "", err
	}
	return generated, nil
}

func (s *Service) putSecret(ctx context.Context, tx db.Tx, id int64, hash string, overlap time.Duration) error {
	now := s.clock()
	present, err := db.Get(ctx, tx, scanSecret, presentSelect, id)
	if errors.Is(err, db.ErrNotFound) {
		return fault.NotFoundf("robot %d has no secret", id)
	}
	if err != nil {
		return err
	}
	previous, until := "", time.Time{}
	touch := robotTouch
	if overlap > 0 {
		previous, until = present.hash, now.Add(overlap)
		if present.previousUntil.IsZero() {
			touch = robotEdited
		}
	}
	if _, err := tx.Exec(ctx, presentPut, hash, previous, db.Micros(until), id); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, touch, db.Micros(now), id)
	return err
}

// EndPreviousSecret ends the secret that a rotation kept good, and tokens of the robot with it. Without
// one nothing happens.
func (s *Service) EndPreviousSecret(ctx context.Context, by authz.Principal, id int64) error {
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		b, err := getRobot(ctx, tx, id)
		if err != nil {
			return err
		}
		ended, err := s.endPrevious(ctx, tx, id)
		if err != nil || !ended {
			return err
		}
		return s.robotEvent(ctx, tx, event.UpdateRobot, by, prefix, b)
	})
}

func (s *Service) endPrevious(ctx context.Context, tx db.Tx, id int64) (ended bool, err error) {
	n, err := tx.Exec(ctx, previousEnd, id)
	if err == nil && n > 0 {
		_, err = tx.Exec(ctx, robotTouch, db.Micros(s.clock()), id)
	}
	if err != nil {
		return false, fmt.Errorf("end the previous secret of robot %d: %w", id, err)
	}
	return n > 0, nil
}

// endLapsed ends the previous secrets whose time is over: log-ins have refused them since then, and now
// their hashes go and the tokens that they got.
func (s *Service) endLapsed(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		ids, err := db.Collect(ctx, tx, db.ScanInt, lapsed, db.Micros(s.clock()), lapseBatch)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := s.endPrevious(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("end previous secrets: %w", err)
	}
	return nil
}
