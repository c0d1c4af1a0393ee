package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// account is a row of oidc_account, its grant opened.
type account struct {
	id                   int64
	subject              string
	secret               []byte // sealed
	grant                grant
	person               identity.Person
	checkedAt            time.Time
	generation           int64
	createdAt, updatedAt time.Time
}

// gone reports whether the provider doesn't know the person any more.
func (a account) gone() bool { return a.checkedAt.IsZero() }

const (
	accountFields    = `o.account_id, o.subject, o.cli_secret, o.grant_tokens, o.person, o.checked_at, o.generation, o.created_at, o.updated_at`
	accountFrom      = ` FROM oidc_account o JOIN account a ON a.id = o.account_id WHERE a.deleted_at = 0 AND `
	accountByName    = `SELECT ` + accountFields + accountFrom + `a.username = $1`
	accountBySubject = `SELECT ` + accountFields + accountFrom + `o.subject = $1`
	accountByID      = `SELECT ` + accountFields + accountFrom + `o.account_id = $1`

	// A subject that came back after its account was deleted, or was linked to another.
	accountForget = `DELETE FROM oidc_account WHERE subject = $1 AND account_id <> $2`
	accountPut    = `INSERT INTO oidc_account (account_id, subject, cli_secret, grant_tokens, person, checked_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (account_id) DO UPDATE SET subject = excluded.subject, grant_tokens = excluded.grant_tokens, person = excluded.person,
		checked_at = excluded.checked_at, generation = oidc_account.generation + 1, lease_until = 0, updated_at = excluded.updated_at`
	accountLease   = `UPDATE oidc_account SET lease_until = $1 WHERE account_id = $2 AND generation = $3 AND lease_until < $4`
	accountUnlease = `UPDATE oidc_account SET lease_until = 0, grant_tokens = $1 WHERE account_id = $2 AND generation = $3`
	accountRenewed = `UPDATE oidc_account SET grant_tokens = $1, person = $2, checked_at = $3, generation = generation + 1, lease_until = 0
		WHERE account_id = $4 AND generation = $5`
	accountSecret = `UPDATE oidc_account SET cli_secret = $1, updated_at = $2 WHERE account_id = $3` //nolint:gosec // a statement, no secret

	sessionPut = `INSERT INTO oidc_session (token_hash, subject, sid, id_token) SELECT token_hash, $1, $2, $3 FROM session WHERE token_hash = $4`
)

// account scans at most one account.
func (p *Provider) account(ctx context.Context, tx db.Tx, query string, arg any) (account, error) {
	a, err := db.Get(ctx, tx, p.scanAccount, query, arg)
	if errors.Is(err, db.ErrNotFound) {
		return a, fault.NotFoundf("the account isn't one of the OpenID provider")
	}
	if err != nil {
		return a, fmt.Errorf("look up an account of the OpenID provider: %w", err)
	}
	return a, nil
}

func (p *Provider) scanAccount(r db.Row) (a account, err error) {
	var sealed []byte
	var person string
	err = r.Scan(&a.id, &a.subject, &a.secret, &sealed, &person, db.ScanTime(&a.checkedAt), &a.generation,
		db.ScanTime(&a.createdAt), db.ScanTime(&a.updatedAt))
	if err != nil {
		return a, err
	}
	if err := p.unseal(sealed, &a.grant); err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(person), &a.person)
}

func (p *Provider) accountByName(ctx context.Context, name string) (account, error) {
	return p.account(ctx, p.db.Auto(), accountByName, name)
}

func (p *Provider) accountBySubject(ctx context.Context, subject string) (account, error) {
	return p.account(ctx, p.db.Auto(), accountBySubject, subject)
}

func (p *Provider) accountByID(ctx context.Context, id int64) (account, error) {
	return p.account(ctx, p.db.Auto(), accountByID, id)
}

// seal encodes and seals a value.
func (p *Provider) seal(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode what is sealed: %w", err)
	}
	return p.box.Seal(text), nil
}

func (p *Provider) unseal(sealed []byte, into any) error {
	plain, err := p.box.Open(sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// welcome notes who has signed in, by which session. Whoever comes for the first time gets a CLI secret.
func (p *Provider) welcome(ctx context.Context, accountID int64, sessionToken string, from arrival) error {
	tokens, err := p.seal(from.Grant)
	if err != nil {
		return err
	}
	person, err := json.Marshal(from.Person)
	if err != nil {
		return fmt.Errorf("encode a person: %w", err)
	}
	fresh := p.box.Seal([]byte(secret.NewPassword().Reveal()))
	hint := p.box.Seal([]byte(from.Raw))
	hash, now := sha256.Sum256([]byte(sessionToken)), db.Micros(p.clock())
	subject, sid := from.Person.Subject, ""
	if from.SID != "" {
		issuer, _ := splitSubject(subject)
		sid = subjectOf(issuer, from.SID)
	}
	return p.db.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, accountForget, subject, accountID); err != nil {
			return fmt.Errorf("forget an account of %s: %w", subject, err)
		}
		if _, err := tx.Exec(ctx, accountPut, accountID, subject, fresh, tokens, string(person), now, now, now); err != nil {
			return fmt.Errorf("keep the tokens of %s: %w", subject, err)
		}
		if _, err := tx.Exec(ctx, sessionPut, subject, sid, hint, hash[:]); err != nil {
			return fmt.Errorf("keep the session of %s: %w", subject, err)
		}
		return nil
	})
}

// lease reports whether it is this process that asks about the account now.
func (p *Provider) lease(ctx context.Context, a account) (bool, error) {
	now := p.clock()
	var n int64
	err := p.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		n, err = tx.Exec(ctx, accountLease, db.Micros(now.Add(leaseFor)), a.id, a.generation, db.Micros(now))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("lease account %d: %w", a.id, err)
	}
	return n > 0, nil
}

// unlease gives a lease back, with the tokens that are good now.
func (p *Provider) unlease(ctx context.Context, a account) error {
	tokens, err := p.seal(a.grant)
	if err != nil {
		return err
	}
	return p.update(ctx, a, accountUnlease, tokens, a.id, a.generation)
}

func (p *Provider) renewed(ctx context.Context, a account, person identity.Person, next grant) error {
	tokens, err := p.seal(next)
	if err != nil {
		return err
	}
	text, err := json.Marshal(person)
	if err != nil {
		return fmt.Errorf("encode a person: %w", err)
	}
	return p.update(ctx, a, accountRenewed, tokens, string(text), db.Micros(p.clock()), a.id, a.generation)
}

// left notes that the provider doesn't know the person any more: until the next sign-in nothing is asked.
func (p *Provider) left(ctx context.Context, a account) error {
	tokens, err := p.seal(grant{})
	if err != nil {
		return err
	}
	return p.update(ctx, a, accountRenewed, tokens, `{}`, int64(0), a.id, a.generation)
}

// update writes an account that nobody else changed meanwhile, else errChanged.
func (p *Provider) update(ctx context.Context, a account, query string, args ...any) error {
	var n int64
	err := p.db.Write(ctx, func(tx db.Tx) (err error) {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("update account %d: %w", a.id, err)
	}
	if n == 0 {
		return errChanged
	}
	return nil
}

const (
	onceInsert = `INSERT INTO oidc_once (name, expires_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
	onceSweep  = `DELETE FROM oidc_once WHERE name IN (SELECT name FROM oidc_once WHERE expires_at < $1 ORDER BY expires_at LIMIT `
	sweepSize  = 100
)

// once returns ErrFlow when a name of this kind came before. life is how long it could come again.
func (p *Provider) once(ctx context.Context, kind, name string, life time.Duration) error {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	key, now := base64.RawURLEncoding.EncodeToString(sum[:]), p.clock()
	var n int64
	err := p.db.Write(ctx, func(tx db.Tx) (err error) {
		if _, err := tx.Exec(ctx, onceSweep+strconv.Itoa(sweepSize)+")", db.Micros(now)); err != nil {
			return err
		}
		n, err = tx.Exec(ctx, onceInsert, key, db.Micros(now.Add(life+skew)))
		return err
	})
	if err != nil {
		return fmt.Errorf("note the use of a %s: %w", kind, err)
	}
	if n == 0 {
		return ErrFlow
	}
	return nil
}
