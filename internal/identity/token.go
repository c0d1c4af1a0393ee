package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/maypok86/otter/v2"
)

// What tokens say and are held to. The algorithm is ours, never the header's choice.
const (
	tokenIssuer    = "harbor-token-issuer"
	tokenAudience  = "harbor-registry"
	tokenAlgorithm = jose.HS256
)

const (
	// maxAccess bounds the resources of one token, and with it the token's size.
	maxAccess = 100
	// maxToken bounds what is parsed, in bytes.
	maxToken = 64 << 10
	// clockSkew is how much faster the clock of the replica that issued a token may go.
	clockSkew = time.Minute
	// verifiedMost bounds the remembered tokens.
	verifiedMost = 20_000
	// maxBindings bounds the remembered epochs, in bytes.
	maxBindings = 2 << 20
)

// TokenAccess is a resource with the actions that were granted on it. For a repository it names the
// project by id and epoch: the token dies with either.
type TokenAccess struct {
	Type, Name              string
	Actions                 []string
	ProjectID, ProjectEpoch int64
}

// claims is a token's payload. The first part is Harbor's, binding is ours.
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub,omitempty"`
	Audience  string   `json:"aud"` // one string, as Harbor has it
	Expires   int64    `json:"exp"`
	NotBefore int64    `json:"nbf"`
	IssuedAt  int64    `json:"iat"`
	ID        string   `json:"jti"`
	Access    []access `json:"access"`
	Binding   binding  `json:"haven"`
}

type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// binding ties a token to immutable ids and their epochs (S8). Projects are in the order of access.
type binding struct {
	Kind     string         `json:"kind,omitempty"` // "user", "robot", "personal", "scan", or "" for nobody
	ID       int64          `json:"id,omitempty"`
	Token    int64          `json:"token,omitempty"` // the personal access token's
	Epoch    int64          `json:"epoch,omitempty"`
	Projects []projectEpoch `json:"projects,omitempty"`
}

type projectEpoch struct {
	ID    int64 `json:"id"`
	Epoch int64 `json:"epoch"`
}

const (
	holderUser  = "user"
	holderRobot = "robot"
	holderToken = "personal"
	holderScan  = "scan"
)

// verified is a token whose signature was checked.
type verified struct {
	claims
	bound atomic.Pointer[bound]
}

// bound is what a token granted at a time, when the tables that say so were at a version.
type bound struct {
	principal authz.Principal
	version   int64
	at        time.Time
}

// boundFor is how long it is believed while those tables don't change: robots expire, and somebody may
// repair the database by hand.
const boundFor = time.Second

// newVerified remembers tokens by their hash, until they expire.
func newVerified() *otter.Cache[[sha256.Size]byte, *verified] {
	return otter.Must(&otter.Options[[sha256.Size]byte, *verified]{MaximumSize: verifiedMost})
}

func newClaims(subject string) claims {
	return claims{Issuer: tokenIssuer, Subject: subject, Audience: tokenAudience, ID: secret.NewToken()[:16]}
}

// IssueToken signs a docker token with what was granted to p, and tells how long it is valid. It reads
// nothing of p again: when p or a project changed since it was read, the token is dead from the start.
func (s *Service) IssueToken(ctx context.Context, p authz.Principal, granted []TokenAccess) (token string, expires time.Duration, issued time.Time, err error) {
	if len(granted) > maxAccess {
		return "", 0, time.Time{}, fault.Invalidf("more than %d scopes", maxAccess)
	}
	c := newClaims(p.Name)
	switch p.Kind {
	case authz.Anonymous:
	case authz.User:
		c.Binding = binding{Kind: holderUser, ID: p.ID, Epoch: p.Epoch}
	case authz.Robot:
		c.Binding = robotBinding(p)
	case authz.Personal:
		c.Binding = binding{Kind: holderToken, ID: p.ID, Epoch: p.Epoch, Token: p.TokenID}
	case authz.Bearer:
		if p.Holder != authz.ScannerPass {
			return "", 0, time.Time{}, ErrCredentials // a token doesn't beget tokens
		}
		c.Binding = binding{Kind: holderScan, ID: p.ID}
	default:
		return "", 0, time.Time{}, ErrCredentials
	}
	c.grant(granted)
	if expires, err = s.tokenExpiration(ctx); err != nil {
		return "", 0, time.Time{}, err
	}
	issued = s.clock().UTC().Truncate(time.Second)
	expires = within(p, expires, issued)
	token, err = s.issue(ctx, c, issued, expires)
	return token, expires, issued, err
}

func (c *claims) grant(granted []TokenAccess) {
	c.Access = make([]access, len(granted))
	for i, g := range granted {
		c.Access[i] = access{g.Type, g.Name, g.Actions}
		if g.Actions == nil {
			c.Access[i].Actions = []string{}
		}
		c.Binding.Projects = append(c.Binding.Projects, projectEpoch{g.ProjectID, g.ProjectEpoch})
	}
}

func (s *Service) issue(ctx context.Context, c claims, issued time.Time, life time.Duration) (string, error) {
	c.IssuedAt, c.NotBefore, c.Expires = issued.Unix(), issued.Unix(), issued.Add(life).Unix()
	token, err := s.sign(ctx, c)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	s.verified.Set(sha256.Sum256([]byte(token)), &verified{claims: c}) // its first use will come soon
	return token, nil
}

// sign encodes the claims by itself: the library's own JSON encoder costs as much as the signature.
func (s *Service) sign(ctx context.Context, c claims) (string, error) {
	signer, err := s.signer(ctx)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// VerifyToken tells what a docker token grants now: nothing in projects that changed or are gone since
// it was issued. A token that is forged or expired, or whose holder changed, is ErrToken.
func (s *Service) VerifyToken(ctx context.Context, token string) (authz.Principal, error) {
	if len(token) > maxToken {
		return authz.Principal{}, ErrToken
	}
	hash := sha256.Sum256([]byte(token))
	v, known := s.verified.GetIfPresent(hash)
	if !known {
		c, err := s.parseToken(ctx, token)
		if err != nil {
			return authz.Principal{}, err
		}
		v = &verified{claims: c}
	}
	now := s.clock()
	if now.Unix() >= v.Expires || now.Add(clockSkew).Unix() < max(v.NotBefore, v.IssuedAt) {
		s.verified.Invalidate(hash)
		return authz.Principal{}, ErrToken
	}
	if !known {
		s.verified.Set(hash, v)
	}
	return s.bindAgain(ctx, v, now)
}

// bindAgain is bind, without asking the database where it knows that the answer is the same.
func (s *Service) bindAgain(ctx context.Context, v *verified, now time.Time) (authz.Principal, error) {
	version, exact := s.epochs.Version()
	if b := v.bound.Load(); exact && b != nil && b.version == version {
		if age := now.Sub(b.at); age >= 0 && age < boundFor {
			return b.principal, nil
		}
	}
	p, err := s.bind(ctx, v.claims)
	if err == nil && exact {
		v.bound.Store(&bound{p, version, now})
	}
	return p, err
}

// parseToken checks everything that stays as it is.
func (s *Service) parseToken(ctx context.Context, token string) (claims, error) {
	var c claims
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{tokenAlgorithm})
	if err != nil || len(parsed.Headers) != 1 {
		return c, ErrToken
	}
	key, err := s.tokenKey(ctx, parsed.Headers[0].KeyID)
	if err != nil {
		return c, err
	}
	if key == nil {
		return c, ErrToken
	}
	if err := parsed.Claims(key, &c); err != nil {
		return c, ErrToken
	}
	if c.Issuer != tokenIssuer || c.Audience != tokenAudience || c.IssuedAt == 0 || c.ID == "" ||
		len(c.Binding.Projects) != len(c.Access) || len(c.Access) > maxAccess {
		return c, ErrToken
	}
	return c, nil
}

const (
	userEpoch  = `SELECT 0, epoch FROM account WHERE id = $1 AND deleted_at = 0`
	robotEpoch = `SELECT 0, epoch FROM robot WHERE id = $1 AND disabled = FALSE AND (expires_at = 0 OR expires_at > $2)`
	// Preceded by one of the above, or alone for nobody's token.
	projectEpochs = `SELECT id, epoch FROM project WHERE deleted_at = 0 AND id IN (`
)

func scanEpoch(r db.Row) (e projectEpoch, err error) {
	err = r.Scan(&e.ID, &e.Epoch)
	return e, err
}

// bind compares the token's epochs with the database's, in one statement (S8, S10).
func (s *Service) bind(ctx context.Context, c claims) (authz.Principal, error) {
	p := authz.Principal{Kind: authz.Bearer, ID: c.Binding.ID, Name: c.Subject, Epoch: c.Binding.Epoch}
	query, args := "", []any{}
	switch c.Binding.Kind {
	case holderUser:
		p.Holder = authz.User
		query, args = userEpoch, []any{c.Binding.ID}
	case holderRobot:
		p.Holder = authz.Robot
		query, args = robotEpoch, []any{c.Binding.ID, db.Micros(s.clock())}
	case holderWorkload:
		p.Holder, p.PolicyID = authz.Robot, c.Binding.ID
		query, args = workloadEpoch, []any{c.Binding.ID}
	case holderToken:
		p.Holder, p.TokenID = authz.Personal, c.Binding.Token
		query, args = personalEpoch, []any{c.Binding.Token, db.Micros(s.clock())}
	case holderScan:
		p.Holder, p.Until = authz.ScannerPass, time.Unix(c.Expires, 0)
		query, args = passEpoch, []any{c.Binding.ID, db.Micros(s.clock())}
	}
	if ids := projectIDs(c.Binding.Projects); len(ids) > 0 {
		if query != "" {
			query += " UNION ALL "
		}
		marks, more := db.In(len(args), ids)
		query, args = query+projectEpochs+marks+")", append(args, more...)
	}
	if query == "" {
		return p, nil
	}
	rows, err := s.epochsOf(ctx, c.Binding, query, args)
	if err != nil {
		return authz.Principal{}, fmt.Errorf("look up the epochs of a token: %w", err)
	}
	epochs := map[int64]int64{}
	for _, r := range rows {
		epochs[r.ID] = r.Epoch
	}
	if epoch, ok := epochs[0]; c.Binding.Kind != "" && (!ok || epoch != c.Binding.Epoch) {
		return authz.Principal{}, ErrToken
	}
	for i, bound := range c.Binding.Projects {
		a := c.Access[i]
		if epoch, ok := epochs[bound.ID]; bound.ID == 0 || !ok || epoch != bound.Epoch || a.Type != string(authz.Repository) {
			continue
		}
		g := authz.TokenGrant{ProjectID: bound.ID, Repository: a.Name, Actions: make([]authz.Action, len(a.Actions))}
		for k, action := range a.Actions {
			g.Actions[k] = authz.Action(action)
		}
		p.Token = append(p.Token, g)
	}
	return p, nil
}

// boundTo is what tokens of one user, or of nobody, for one project are bound to.
type boundTo struct{ userID, projectID int64 }

// epochsOf runs the query of a binding. Users log in for each image, and where no other process serves the database the
// rows are remembered until they change. What ends by the clock is always read.
func (s *Service) epochsOf(ctx context.Context, b binding, query string, args []any) ([]projectEpoch, error) {
	version, exact := s.epochs.Version()
	if !exact || len(b.Projects) != 1 || b.Kind != "" && b.Kind != holderUser {
		return db.Collect(ctx, s.db.Auto(), scanEpoch, query, args...)
	}
	key := boundTo{b.ID, b.Projects[0].ID}
	if rows, ok := s.bindings.Get(version, key); ok {
		return rows, nil
	}
	rows, err := db.Collect(ctx, s.db.Auto(), scanEpoch, query, args...)
	if err == nil {
		s.bindings.Put(version, key, rows, 0)
	}
	return rows, err
}

const robotProject = `SELECT COALESCE(project_id, 0) FROM robot WHERE id = $1`

// Holder returns the principal that a verified token was made out to, with all its rights; another
// principal is its own holder.
func (s *Service) Holder(ctx context.Context, p authz.Principal) (authz.Principal, error) {
	switch {
	case p.Kind != authz.Bearer:
		return p, nil
	case p.Holder == authz.User:
		return s.Principal(ctx, p.ID)
	case p.Holder == authz.Personal:
		return s.personalPrincipal(ctx, p.TokenID, p.ID)
	case p.PolicyID != 0:
		return s.holderOfWorkload(ctx, p)
	case p.Holder != authz.Robot:
		return authz.Principal{}, nil
	}
	projectID, err := db.Get(ctx, s.db.Auto(), db.ScanInt, robotProject, p.ID)
	if err != nil {
		return authz.Principal{}, notFound(err, "look up robot %d", p.ID)
	}
	grants, err := s.grantsOf(ctx, p.ID, p.Epoch)
	return authz.Principal{Kind: authz.Robot, ID: p.ID, Name: p.Name, Epoch: p.Epoch, ProjectID: projectID, Grants: grants}, err
}

// projectIDs are the distinct projects, without 0.
func projectIDs(bound []projectEpoch) []int64 {
	var ids []int64
	seen := map[int64]bool{0: true}
	for _, b := range bound {
		if !seen[b.ID] {
			seen[b.ID], ids = true, append(ids, b.ID)
		}
	}
	return ids
}
