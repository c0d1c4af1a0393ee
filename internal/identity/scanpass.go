package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/secret"
)

// ScanName is the user name that scanners send, with a pass as the password.
const ScanName = "haven-scanner"

const (
	passInsert = `INSERT INTO scan_pass (expires_at) VALUES ($1) RETURNING id`
	passDelete = `DELETE FROM scan_pass WHERE id = $1`
	passSweep  = `DELETE FROM scan_pass WHERE expires_at <= $1`
	passEpoch  = `SELECT 0, 0 FROM scan_pass WHERE id = $1 AND expires_at > $2` //nolint:gosec // a statement
)

// ScanPass lets a scanner pull one repository, by a docker token: it is good on /v2/ and for fetching further docker
// tokens of its kind, and nowhere else. There is no account behind it, so nothing that listings would have to hide.
type ScanPass struct {
	ID      int64
	Basic   secret.Text // value of an Authorization header, for scanners that want name and password
	Bearer  secret.Text // and for those that want a token
	Expires time.Time
}

// GiveScanPass makes a pass for one repository: what it grants is access, but for the actions. name is the scanner's,
// for the audit log. End it when the scan ends; after life it ends by itself. Who deletes the project ends it, too.
func (s *Service) GiveScanPass(ctx context.Context, name string, access TokenAccess, life time.Duration) (ScanPass, error) {
	issued := s.clock().UTC().Truncate(time.Second)
	pass := ScanPass{Expires: issued.Add(life)}
	err := s.db.Write(ctx, func(tx db.Tx) (err error) {
		pass.ID, err = db.Get(ctx, tx, db.ScanInt, passInsert, db.Micros(pass.Expires))
		return err
	})
	if err != nil {
		return ScanPass{}, fmt.Errorf("make a pass for scanner %s: %w", name, err)
	}
	c := newClaims("scanner:" + name)
	c.Binding = binding{Kind: holderScan, ID: pass.ID}
	access.Type, access.Actions = string(authz.Repository), []string{string(authz.Pull), string(authz.ScannerPull)}
	c.grant([]TokenAccess{access})
	token, err := s.issue(ctx, c, issued, life)
	if err != nil {
		return ScanPass{}, err
	}
	pass.Bearer = secret.Text("Bearer " + token)
	pass.Basic = secret.Text("Basic " + base64.StdEncoding.EncodeToString([]byte(ScanName+":"+token)))
	return pass, nil
}

// EndScanPass ends a pass, and what was issued on it, within a second.
func (s *Service) EndScanPass(ctx context.Context, id int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, passDelete, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("end the pass of a scanner: %w", err)
	}
	return nil
}

// VerifyScanPass tells what the password grants that came with ScanName. One that is no pass, or none any more, is
// ErrToken.
func (s *Service) VerifyScanPass(ctx context.Context, password string) (authz.Principal, error) {
	p, err := s.VerifyToken(ctx, password)
	if err == nil && p.Holder != authz.ScannerPass {
		return authz.Principal{}, ErrToken
	}
	return p, err
}

// sweepPasses drops those of scans whose process died.
func (s *Service) sweepPasses(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, passSweep, db.Micros(s.clock()))
		return err
	})
	if err != nil {
		return fmt.Errorf("drop passes that expired: %w", err)
	}
	return nil
}
