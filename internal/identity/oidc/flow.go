package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// FlowLife is how long somebody may take to sign in at the provider.
const FlowLife = 10 * time.Minute

// maxNext bounds the address to return to, in bytes: it lies in a cookie.
const maxNext = 1024

// Why an attempt to sign in ends without a session, besides ErrRefused and ErrProfile.
var (
	// ErrFlow: this browser began no such attempt, or it took too long, or was used already.
	ErrFlow = errors.New("no such attempt to sign in")
	// ErrDenied: the provider, or the person there, said no.
	ErrDenied = errors.New("the provider didn't sign the person in")
	// ErrNext: the address to return to isn't one of ours.
	ErrNext = errors.New("not a path of this registry")
)

// flow is an attempt to sign in. The browser that began it holds it, sealed.
type flow struct {
	Kind      string `json:"kind"` // of what is sealed: always flowKind
	State     string `json:"state"`
	Nonce     string `json:"nonce"`
	Verifier  string `json:"verifier"` // of PKCE
	Redirect  string `json:"redirect"` // our callback, as the provider was told
	Next      string `json:"next"`     // the page to return to
	Issuer    string `json:"issuer"`
	ClientID  string `json:"client_id"`
	StartedAt int64  `json:"started_at"` // Unix seconds
}

const flowKind = "sign-in"

// CleanNext returns the path of a page to return to, "/" for none. Anything that a browser might read as
// another site is ErrNext (S20).
func CleanNext(next string) (string, error) {
	if next == "" {
		return "/", nil
	}
	odd := func(r rune) bool { return r == '\\' || unicode.IsControl(r) || unicode.IsSpace(r) }
	if len(next) > maxNext || next[0] != '/' || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, odd) {
		return "", ErrNext
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "", ErrNext
	}
	return u.String(), nil
}

// Begin starts an attempt to sign in: location is where the browser goes, and sealed what it has to bring
// back. callback is our address for the answer, next the page to return to, from CleanNext.
func (p *Provider) Begin(ctx context.Context, callback, next string) (location, sealed string, err error) {
	c, r, err := p.connect(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{
		Kind: flowKind, State: secret.NewToken(), Nonce: secret.NewToken(), Verifier: oauth2.GenerateVerifier(),
		Redirect: callback, Next: next, Issuer: r.Issuer, ClientID: c.clientID, StartedAt: p.clock().Unix(),
	}
	text, err := json.Marshal(f)
	if err != nil {
		return "", "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)}
	for name := range c.extra {
		options = append(options, oauth2.SetAuthURLParam(name, c.extra.Get(name)))
	}
	client := r.oauth(c, callback)
	return client.AuthCodeURL(f.State, options...), base64.RawURLEncoding.EncodeToString(p.box.Seal(text)), nil
}

// arrival is somebody who has come back from the provider.
type arrival struct {
	Person identity.Person `json:"person"`
	Grant  grant           `json:"grant"`
	Raw    string          `json:"id_token"`
	SID    string          `json:"sid"`
	Next   string          `json:"next"`
}

// finish checks the provider's answer against the attempt, redeems its code, and finds out who it is.
func (p *Provider) finish(ctx context.Context, sealed string, answer url.Values) (arrival, error) {
	f, err := p.openFlow(sealed, answer)
	if err != nil {
		return arrival{}, err
	}
	c, r, err := p.connect(ctx)
	if err != nil {
		return arrival{}, err
	}
	iss := answer.Get("iss")
	if f.Issuer != r.Issuer || f.ClientID != c.clientID || iss != "" && iss != r.Issuer || iss == "" && r.NamesItself {
		return arrival{}, ErrFlow // the provider is another one by now, or another one answered
	}
	if err := p.once(ctx, "state", f.State, FlowLife); err != nil {
		return arrival{}, err
	}
	code := answer.Get("code")
	if answer.Get("error") != "" || code == "" {
		return arrival{}, ErrDenied
	}
	token, tokens, err := r.exchange(ctx, c, f, code, p.clock())
	if err != nil {
		return arrival{}, err
	}
	person, err := r.describe(ctx, c, token.sub, token.claims, tokens.AccessToken)
	if err != nil {
		return arrival{}, err
	}
	return arrival{Person: person, Grant: grantOf(tokens), Raw: token.raw, SID: token.sid, Next: f.Next}, nil
}

func (p *Provider) openFlow(sealed string, answer url.Values) (flow, error) {
	var f flow
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return f, ErrFlow
	}
	plain, err := p.box.Open(raw)
	if err != nil || json.Unmarshal(plain, &f) != nil || f.Kind != flowKind {
		return f, ErrFlow
	}
	age := p.clock().Sub(time.Unix(f.StartedAt, 0))
	if age < -skew || age > FlowLife || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(f.State)) != 1 {
		return f, ErrFlow
	}
	return f, nil
}
