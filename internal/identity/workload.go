package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/secret"
)

// WorkloadName is the user name by which a program logs in with a token of its own issuer. After it and a
// slash the full name of a trust policy may stand, to be let in by that one.
const WorkloadName = "workload"

// shortestWorkloadToken is longer than any password may be, in bytes: a person who is called like the user
// name is let in by theirs.
const shortestWorkloadToken = 129

// Admission is how a program was let in: as whom, and what to write down about it.
type Admission struct {
	Principal authz.Principal
	Note      string // the token's issuer, subject and id, for the audit log
}

// Workloads knows the programs that bring a token instead of a secret. Package workload implements it.
type Workloads interface {
	// Admit lets a program in by the policy of that full name, or by the first that fits. ErrCredentials
	// for every refusal.
	Admit(ctx context.Context, policy string, token secret.Text) (Admission, error)
	// Grants tells what a policy grants now. ErrCredentials when it changed since the epoch, or is gone.
	Grants(ctx context.Context, policyID, epoch int64) (projectID int64, all []authz.Grant, err error)
}

// asWorkload splits a user name that programs log in by.
func asWorkload(name string, password secret.Text) (policy string, ok bool) {
	if len(password) < shortestWorkloadToken {
		return "", false
	}
	if name == WorkloadName {
		return "", true
	}
	policy, ok = strings.CutPrefix(name, WorkloadName+"/")
	return policy, ok && policy != ""
}

// byWorkload authenticates by the token of a program. Refusals are slowed as those of personal tokens are:
// nobody who has a good one waits because another one guesses.
func (s *Service) byWorkload(ctx context.Context, policy string, token secret.Text, remote netip.Addr) (authz.Principal, error) {
	a, err := s.workloads.Admit(ctx, policy, token)
	if errors.Is(err, ErrCredentials) {
		return authz.Principal{}, s.refusePersonal(ctx, WorkloadName, token, remote)
	}
	if err != nil {
		return authz.Principal{}, err
	}
	return a.Principal, s.recordAdmission(ctx, a, token, remote)
}

// recordAdmission writes a log-in event for the first use of a token, and for its first from each further
// address: a token that is used again within its life is seen.
func (s *Service) recordAdmission(ctx context.Context, a Admission, token secret.Text, remote netip.Addr) error {
	hash := sha256.Sum256([]byte(token.Reveal()))
	key, now := fmt.Sprintf("workload/%x/%s", hash[:16], remote), s.clock()
	if until, ok := s.logins.GetIfPresent(key); ok && now.Before(until) {
		return nil
	}
	e := loginEvent(a.Principal, remote, now, true)
	e.Description += " with " + a.Note
	if err := s.db.Write(ctx, func(tx db.Tx) error { return event.Append(ctx, tx, e) }); err != nil {
		return err
	}
	s.logins.Set(key, now.Add(loginEvery))
	return nil
}

const holderWorkload = "workload"

// workloadEpoch is of a policy that lets in.
const workloadEpoch = `SELECT 0, w.epoch FROM workload_policy w LEFT JOIN project p ON p.id = w.project_id
	WHERE w.id = $1 AND w.enabled = TRUE AND (w.project_id IS NULL OR p.deleted_at = 0)`

// robotBinding binds to the robot account, or to the policy that let a program in.
func robotBinding(p authz.Principal) binding {
	if p.PolicyID != 0 {
		return binding{Kind: holderWorkload, ID: p.PolicyID, Epoch: p.Epoch}
	}
	return binding{Kind: holderRobot, ID: p.ID, Epoch: p.Epoch}
}

// within is how long what is issued to p may be valid: no longer than p is.
func within(p authz.Principal, most time.Duration, now time.Time) time.Duration {
	if p.Until.IsZero() {
		return most
	}
	return min(most, p.Until.Sub(now).Truncate(time.Second))
}

// holderOfWorkload is the principal that a docker token was made out to, by a policy.
func (s *Service) holderOfWorkload(ctx context.Context, p authz.Principal) (authz.Principal, error) {
	projectID, all, err := s.workloads.Grants(ctx, p.PolicyID, p.Epoch)
	return authz.Principal{Kind: authz.Robot, ID: p.ID, PolicyID: p.PolicyID, Name: p.Name, Epoch: p.Epoch, ProjectID: projectID, Grants: all}, err
}
