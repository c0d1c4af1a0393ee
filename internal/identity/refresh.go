package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	// refreshAfter is how old a provider's word about an account may be before it is asked again.
	refreshAfter = 5 * time.Minute
	// holdFor is how long the old word holds while the provider can't be asked: an outage of a directory
	// shall not stop the work of those who are in, and shall not keep them in for ever.
	holdFor = 24 * time.Hour
	// refreshTime bounds one round of questions about an account.
	refreshTime = 20 * time.Second
	// silentFor is how long a provider that couldn't be asked is left alone.
	silentFor = 30 * time.Second
	// refreshMost bounds the accounts of one round of refreshUsed.
	refreshMost = 500
)

// upToDate asks the providers of an account about it when their last word is too old, once for all who
// wait. It reports whether the account may go on; what it is now is to be read again.
func (s *Service) upToDate(ctx context.Context, accountID int64, used bool) (bool, error) {
	done := s.refreshing.DoChan(strconv.FormatInt(accountID, 10), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
		defer cancel()
		return s.refresh(ctx, accountID, used)
	})
	select {
	case r := <-done:
		vouched, _ := r.Val.(bool)
		return vouched, r.Err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// refresh reports whether a password or a provider lets the account in.
func (s *Service) refresh(ctx context.Context, accountID int64, used bool) (bool, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return false, err
	}
	links, err := db.Collect(ctx, s.db.Auto(), scanLink, linksOf, accountID)
	if err != nil {
		return false, fmt.Errorf("look up the links of account %d: %w", accountID, err)
	}
	on, vouched := s.active(v), false
	for _, l := range links {
		i := slices.IndexFunc(on, func(p NamedProvider) bool { return p.Name == l.provider })
		if l.gone || i < 0 { // one that is switched off vouches for nobody
			continue
		}
		ok, err := s.refreshLink(ctx, on[i], l, used)
		if err != nil {
			return false, err
		}
		vouched = vouched || ok
	}
	if vouched {
		return true, nil
	}
	_, err = db.Get(ctx, s.db.Auto(), db.ScanString, hashSelect, accountID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// refreshLink asks one provider, and reports whether it vouches for the account.
func (s *Service) refreshLink(ctx context.Context, from NamedProvider, l link, used bool) (bool, error) {
	now := s.clock()
	if now.Sub(l.heardAt) < refreshAfter {
		return true, nil
	}
	if until, silent := s.silent.GetIfPresent(from.Name); silent && now.Before(until) {
		return now.Sub(l.heardAt) < holdFor, nil
	}
	person, err := from.Refresh(ctx, l.subject)
	if errors.Is(err, fault.NotFound) {
		return false, s.depart(ctx, from, l)
	}
	if err != nil {
		if !errors.Is(err, ErrUntold) {
			s.silent.Set(from.Name, now.Add(silentFor))
		}
		s.log.WarnContext(ctx, "a provider can't be asked about an account", "provider", from.Name, "account", l.accountID, "error", err)
		return now.Sub(l.heardAt) < holdFor, nil
	}
	person = tidy(person)
	write := s.db.WriteRelaxed
	if person.Admin != l.admin || wordOf(person) != l.word {
		write = s.db.Write
	}
	return true, write(ctx, func(tx db.Tx) error {
		current, err := db.Get(ctx, tx, scanLink, linkBySubject, l.provider, l.subject)
		if errors.Is(err, db.ErrNotFound) || err == nil && current.heardAt.After(now) {
			return nil // deleted, or somebody heard later
		}
		if err != nil {
			return err
		}
		if used {
			if _, err := tx.Exec(ctx, linkUsed, db.Micros(now), l.provider, l.subject); err != nil {
				return err
			}
		}
		return s.writeWord(ctx, tx, from, current, person)
	})
}

const linksInUse = `SELECT DISTINCT l.account_id FROM account_link l JOIN account a ON a.id = l.account_id
	WHERE l.used_at > $1 AND NOT l.gone AND a.ask_after > 0 AND a.ask_after < $2 LIMIT `

// refreshUsed asks about the accounts that may hold docker tokens, which nobody asks about when they are
// used: what a provider takes away is gone from tokens too, long before they expire.
func (s *Service) refreshUsed(ctx context.Context) error {
	life, err := s.tokenExpiration(ctx)
	if err != nil {
		return err
	}
	now := s.clock()
	since := now.Add(-life - refreshAfter - rememberFor)
	ids, err := db.Collect(ctx, s.db.Auto(), db.ScanInt, linksInUse+strconv.Itoa(refreshMost), db.Micros(since), db.Micros(now))
	if err != nil {
		return fmt.Errorf("find the accounts in use: %w", err)
	}
	for _, id := range ids {
		if _, err := s.upToDate(ctx, id, false); err != nil {
			return err
		}
	}
	return nil
}
