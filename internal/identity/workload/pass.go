package workload

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// passPrefix is what a password that Exchange made begins with.
const passPrefix = "hvw_"

// pass is what such a password holds, sealed: nobody but a replica reads or makes one.
type pass struct {
	PolicyID int64  `json:"p"`
	Epoch    int64  `json:"e"`
	Subject  string `json:"s"`
	Note     string `json:"n"`
	Until    int64  `json:"u"` // Unix seconds
	Purpose  string `json:"a"` // what else is sealed with the same key is no pass
}

const passPurpose = "workload pass"

// Credentials is what a token was exchanged for: a user name and a password for registry and API.
type Credentials struct {
	Username string
	Password secret.Text
	Policy   string // full name
	Subject  string // the token's
	Until    time.Time
}

// Exchange gives credentials for a token, by the policy of that full name or the first that fits. They
// live as long as the policy says, which may be longer than the token, and end when it changes. Refusals
// are identity.ErrCredentials.
func (s *Service) Exchange(ctx context.Context, policy string, token secret.Text) (Credentials, error) {
	a, err := s.judge(ctx, policy, token)
	if err != nil {
		return Credentials{}, err
	}
	until := s.clock().Add(time.Duration(a.policy.LifeMinutes) * time.Minute).Truncate(time.Second).UTC()
	sealed, err := json.Marshal(pass{a.policy.ID, a.policy.Epoch, a.claim("sub"), a.note(), until.Unix(), passPurpose})
	if err != nil {
		return Credentials{}, fmt.Errorf("encode a workload's password: %w", err)
	}
	e := event.Event{Kind: event.ExchangeToken, At: s.clock(), By: principalName(a.policy, a.claim("sub")), ProjectID: a.policy.ProjectID,
		Project: a.policy.ProjectName, Resource: a.policy.FullName(), Success: true, Description: "exchange " + a.note() + " by the policy " + a.policy.FullName()}
	if err := s.db.Write(ctx, func(tx db.Tx) error { return event.Append(ctx, tx, e) }); err != nil {
		return Credentials{}, fmt.Errorf("record an exchange: %w", err)
	}
	return Credentials{
		Username: identity.WorkloadName + "/" + a.policy.FullName(),
		Password: secret.Text(passPrefix + base64.RawURLEncoding.EncodeToString(s.box.Seal(sealed))),
		Policy:   a.policy.FullName(), Subject: a.claim("sub"), Until: until,
	}, nil
}

func isPass(token secret.Text) bool { return strings.HasPrefix(token.Reveal(), passPrefix) }

func (s *Service) admitPass(ctx context.Context, name string, token secret.Text) (identity.Admission, error) {
	v, err := s.openPass(token)
	if err != nil {
		return identity.Admission{}, s.refuse(ctx, name, "", err)
	}
	until := time.Unix(v.Until, 0).UTC()
	if !s.clock().Before(until) {
		return identity.Admission{}, s.refuse(ctx, name, "", unusable("it expired at %s", until.Format(time.RFC3339)))
	}
	policy, err := s.Get(ctx, v.PolicyID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return identity.Admission{}, err
	}
	if err != nil || policy.Epoch != v.Epoch || !policy.Enabled || name != "" && name != policy.FullName() {
		return identity.Admission{}, s.refuse(ctx, name, "", unusable("its policy changed, or is another one"))
	}
	p, err := s.principal(ctx, v.PolicyID, v.Epoch)
	if err != nil {
		return identity.Admission{}, err
	}
	p.Name, p.Until = principalName(policy, v.Subject), until
	return identity.Admission{Principal: p, Note: "the password for " + v.Note}, nil
}

func (s *Service) openPass(token secret.Text) (v pass, err error) {
	if len(token) > longestToken {
		return v, unusable("it has more than %d bytes", longestToken)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token.Reveal(), passPrefix))
	if err != nil {
		return v, unusable("it isn't one of ours")
	}
	plain, err := s.box.Open(sealed)
	if err != nil {
		return v, unusable("it isn't one of ours")
	}
	if err := json.Unmarshal(plain, &v); err != nil || v.Purpose != passPurpose {
		return v, unusable("it isn't one of ours")
	}
	return v, nil
}
