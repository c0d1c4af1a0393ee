package workload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// admitted is a token that fits a policy.
type admitted struct {
	policy  Policy
	claims  map[string]any
	expires time.Time // the token's
}

func (a admitted) claim(name string) string {
	text, _ := a.claims[name].(string)
	text = strings.Map(visible, text)
	return text[:min(len(text), 255)]
}

// note is what the audit log tells of the token.
func (a admitted) note() string {
	note := fmt.Sprintf("a token of %s for %s", a.policy.Issuer, a.claim("sub"))
	if id := a.claim("jti"); id != "" {
		note += ", id " + id
	}
	return note
}

// Admit implements identity.Workloads. The token is the issuer's, or what Exchange gave for one.
func (s *Service) Admit(ctx context.Context, policy string, token secret.Text) (identity.Admission, error) {
	if isPass(token) {
		return s.admitPass(ctx, policy, token)
	}
	a, err := s.judge(ctx, policy, token)
	if err != nil {
		return identity.Admission{}, err
	}
	p, err := s.principal(ctx, a.policy.ID, a.policy.Epoch)
	if err != nil {
		return identity.Admission{}, err
	}
	p.Name, p.Until = principalName(a.policy, a.claim("sub")), s.until(a)
	return identity.Admission{Principal: p, Note: a.note()}, nil
}

// until is when what follows from the token itself ends: with the policy's life, and no later than the token.
func (s *Service) until(a admitted) time.Time {
	end := s.clock().Add(time.Duration(a.policy.LifeMinutes) * time.Minute)
	if late := a.expires.Add(skew); late.Before(end) {
		return late
	}
	return end
}

// judge finds the policy that lets the token in. Every refusal is identity.ErrCredentials; the log has why.
func (s *Service) judge(ctx context.Context, name string, token secret.Text) (admitted, error) {
	t, err := parse(token.Reveal())
	if err != nil {
		return admitted{}, s.refuse(ctx, name, "", err)
	}
	found, err := candidates(ctx, s.db.Auto(), name, t.issuer)
	if err != nil {
		return admitted{}, err
	}
	why := unusable("no policy trusts its issuer, %s", strings.Map(visible, t.issuer[:min(len(t.issuer), 255)]))
	for _, p := range found {
		a, err := s.fits(ctx, p, t)
		if err == nil {
			return a, nil
		}
		if !errors.Is(err, errToken) && !errors.Is(err, errNotFitting) {
			return admitted{}, err
		}
		why = fmt.Errorf("policy %s: %w", p.FullName(), err)
	}
	return admitted{}, s.refuse(ctx, name, t.issuer, why)
}

func (s *Service) refuse(ctx context.Context, name, issuer string, why error) error {
	s.log.InfoContext(ctx, "a workload's token was refused", slog.String("policy", name), slog.String("issuer", issuer), slog.Any("reason", why))
	return identity.ErrCredentials
}

// errNotFitting: the token is good, but isn't one that the policy means.
var errNotFitting = errors.New("the policy doesn't mean this token")

// fits checks the token from its signature to the condition.
func (s *Service) fits(ctx context.Context, p Policy, t unverified) (admitted, error) {
	if !p.Enabled {
		return admitted{}, fmt.Errorf("%w: it is disabled", errNotFitting)
	}
	if t.issuer != p.Issuer { // before anybody is asked for keys
		return admitted{}, unusable("its issuer is not %s", p.Issuer)
	}
	set, err := s.keySet(ctx, p, t.keyID)
	if err != nil {
		return admitted{}, err
	}
	claims, err := t.verify(set)
	if err != nil {
		return admitted{}, err
	}
	if err := s.accepts(ctx, p, claims); err != nil {
		return admitted{}, err
	}
	expires, _ := timeOf(claims["exp"])
	return admitted{p, claims, expires}, nil
}

// accepts checks claims that are known to be the issuer's.
func (s *Service) accepts(ctx context.Context, p Policy, claims map[string]any) error {
	if err := p.identifies(claims, s.clock()); err != nil {
		return err
	}
	if err := s.conditions.holds(ctx, p.Condition, claims); err != nil {
		return fmt.Errorf("%w: %w", errNotFitting, err)
	}
	return nil
}

// keySet returns the policy's own keys, or the issuer's. A private network is asked for keys only when a
// system administrator named the issuer: whoever else may write a policy mustn't learn what is there.
func (s *Service) keySet(ctx context.Context, p Policy, keyID string) (jose.JSONWebKeySet, error) {
	if p.KeySet != "" {
		set, err := parseKeySet([]byte(p.KeySet))
		if err != nil {
			return set, unusable("the policy's key set can't be used: %v", err)
		}
		return set, nil
	}
	private := p.ProjectID == 0
	if !private {
		n, err := db.Get(ctx, s.db.Auto(), db.ScanInt, systemIssuer, p.Issuer)
		if err != nil {
			return jose.JSONWebKeySet{}, fmt.Errorf("look up who trusts %s: %w", p.Issuer, err)
		}
		private = n > 0
	}
	return s.issuers.keysOf(ctx, p.Issuer, keyID, private)
}

// mostGrants bounds the policies whose grants are kept in memory.
const mostGrants = 2000

// grantsKey: with another epoch a policy grants something else.
type grantsKey struct{ policyID, epoch int64 }

type granted struct {
	projectID int64
	all       []authz.Grant
}

// Grants implements identity.Workloads.
func (s *Service) Grants(ctx context.Context, policyID, epoch int64) (int64, []authz.Grant, error) {
	p, err := s.principal(ctx, policyID, epoch)
	return p.ProjectID, p.Grants, err
}

// principal is the robot that a policy stands for, without a name. identity.ErrCredentials when it isn't
// at this epoch.
func (s *Service) principal(ctx context.Context, policyID, epoch int64) (authz.Principal, error) {
	k := grantsKey{policyID, epoch}
	g, kept := s.grants.GetIfPresent(k)
	if !kept {
		var err error
		if g, err = s.readGrants(ctx, k); err != nil {
			return authz.Principal{}, err
		}
		s.grants.Set(k, g)
	}
	return authz.Principal{Kind: authz.Robot, ID: policyID, PolicyID: policyID, Epoch: epoch, ProjectID: g.projectID, Grants: g.all}, nil
}

const policyAtEpoch = policySelect + ` AND w.id = $1 AND w.epoch = $2`

func (s *Service) readGrants(ctx context.Context, k grantsKey) (g granted, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		p, err := db.Get(ctx, tx, scanPolicy, policyAtEpoch, k.policyID, k.epoch)
		if errors.Is(err, db.ErrNotFound) {
			return identity.ErrCredentials
		}
		if err != nil {
			return fmt.Errorf("look up policy %d: %w", k.policyID, err)
		}
		rows, err := grantRows(ctx, tx, k.policyID)
		if err != nil {
			return err
		}
		g.projectID = p.ProjectID
		for _, r := range rows {
			g.all = append(g.all, r.Grant())
		}
		return nil
	})
	return g, err
}
