package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	maxToken = 64 << 10 // of a token service's answer, in bytes: more wouldn't fit into a request's headers
	// maxTokens bounds the tokens that are kept, each for one set of scopes.
	maxTokens = 1000
	// usualLife is a token's where its service doesn't say (distribution's token specification).
	usualLife = time.Minute
)

// login is what a registry or its token service knows somebody by. The zero value is nobody.
type login struct {
	user     string
	password secret.Text
	identity secret.Text // a refresh token of the token service, instead of the two
}

func (l login) nobody() bool { return l == login{} }

// logins gives the login of the moment. fresh says that the last one was refused, so that a kept one that ended early is
// made anew; what can't be made anew is given again.
type logins func(ctx context.Context, fresh bool) (login, error)

// static is a login that stays.
func static(c Credential) logins {
	return func(context.Context, bool) (login, error) { return login{user: c.AccessKey, password: c.Secret}, nil }
}

// authority puts on requests what says who asks: a name and password, or tokens of the registry's token service, which are
// kept until shortly before they end. It learns from the registry's first challenge which of them.
type authority struct {
	home   *url.URL
	http   *http.Client
	clock  func() time.Time
	login  logins
	realms []string // origins beside home's that may see the login
	// basicToo: the registry takes a name and password as well as tokens, for which it may name an address that is only known elsewhere.
	basicToo bool

	mu        sync.Mutex
	challenge *challenge // nil until there was one
	tokens    map[string]*slot
	secrets   []string // logins that were used, which words of others mustn't repeat
}

// slot is a token, or the place of one that is being asked for by whoever holds the lock.
type slot struct {
	lock  chan struct{}
	token secret.Text
	renew time.Time
}

func newAuthority(home *url.URL, client *http.Client, clock func() time.Time, login logins) *authority {
	return &authority{home: home, http: client, clock: clock, login: login, tokens: map[string]*slot{}}
}

// authorize puts on a request what the registry asked for last time. made says that it is a token made for this request.
func (a *authority) authorize(ctx context.Context, h http.Header, scopes []string) (made bool, err error) {
	a.mu.Lock()
	known := a.challenge
	a.mu.Unlock()
	if known == nil {
		return false, nil
	}
	if known.scheme == "basic" {
		l, err := a.current(ctx, false)
		if err != nil || l.nobody() {
			return false, err
		}
		h.Set("Authorization", basic(l))
		return false, nil
	}
	token, made, err := a.token(ctx, *known, scopes)
	if _, elsewhere := errors.AsType[*RealmError](err); elsewhere && a.basicToo {
		l, err := a.current(ctx, false)
		if err == nil {
			h.Set("Authorization", basic(l))
		}
		return true, err
	}
	if err != nil {
		return false, err
	}
	h.Set("Authorization", "Bearer "+token.Reveal())
	return made, nil
}

// refused learns from an answer 401 to what was sent, and returns the scopes to ask again with; nil where that can't help.
func (a *authority) refused(ctx context.Context, answer *http.Response, sent string, made bool, scopes []string) (again []string, err error) {
	c, ok := challengeOf(answer.Header)
	a.mu.Lock()
	switch {
	case ok:
		a.challenge = &c
	case a.challenge != nil && sent != "": // what it says by another status, without a challenge
		c, ok = *a.challenge, true
	}
	a.mu.Unlock()
	if !ok {
		return nil, nil
	}
	if c.scheme == "basic" {
		l, err := a.current(ctx, sent != "")
		if err != nil || l.nobody() || basic(l) == sent {
			return nil, err
		}
		return append([]string{}, scopes...), nil
	}
	// The registry says what the token lacks; some want more than the specification has.
	wider := append([]string{}, scopes...)
	for _, each := range strings.Fields(c.params["scope"]) {
		if !slices.Contains(wider, each) {
			wider = append(wider, each)
		}
	}
	a.forget(wider, strings.TrimPrefix(sent, "Bearer "))
	if made && len(wider) == len(scopes) {
		return nil, nil // the token service knows who asks, and gave what he may
	}
	return wider, nil
}

// current is the login of the moment, which words of others won't repeat from now on.
func (a *authority) current(ctx context.Context, fresh bool) (login, error) {
	l, err := a.login(ctx, fresh)
	if err != nil {
		return l, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, each := range []string{l.password.Reveal(), l.identity.Reveal()} {
		if len(each) > 3 && !slices.Contains(a.secrets, each) {
			a.secrets = append(a.secrets[max(0, len(a.secrets)-7):], each)
		}
	}
	return l, nil
}

// redacted stands in words for a secret.
const redacted = "[redacted]"

// hide takes secrets out of a stranger's words.
func (a *authority) hide(words string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, each := range a.secrets {
		words = strings.ReplaceAll(words, each, redacted)
	}
	return words
}

func basic(l login) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(l.user, l.password.Reveal())
	return r.Header.Get("Authorization")
}

// slot is the place of a token, by its scopes.
func (a *authority) slot(scopes []string) *slot {
	key := strings.Join(scopes, " ")
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.tokens[key]
	if s == nil {
		if len(a.tokens) >= maxTokens {
			clear(a.tokens)
		}
		s = &slot{lock: make(chan struct{}, 1)}
		a.tokens[key] = s
	}
	return s
}

// forget drops a token that was refused, unless it is another already, or somebody asks for another now.
func (a *authority) forget(scopes []string, refused string) {
	s := a.slot(scopes)
	select {
	case s.lock <- struct{}{}:
		if s.token.Reveal() == refused {
			s.token = ""
		}
		<-s.lock
	default:
	}
}

// token is one with these scopes. Who comes while it is asked for waits, and asks himself only if that failed.
func (a *authority) token(ctx context.Context, c challenge, scopes []string) (token secret.Text, made bool, err error) {
	s := a.slot(scopes)
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		return "", false, broken(ctx, a.home.Hostname(), ctx.Err())
	}
	defer func() { <-s.lock }()
	if s.token != "" && a.clock().Before(s.renew) {
		return s.token, false, nil
	}
	token, life, err := a.fetch(ctx, c, scopes, false)
	if errors.Is(err, ErrCredential) {
		token, life, err = a.fetch(ctx, c, scopes, true)
	}
	if err != nil {
		return "", false, err
	}
	// Renewed before its end: a request that is under way when the token ends may be refused.
	s.token, s.renew = token, a.clock().Add(life-min(life/4, 30*time.Second))
	return token, true, nil
}

// fetch asks the token service.
func (a *authority) fetch(ctx context.Context, c challenge, scopes []string, fresh bool) (secret.Text, time.Duration, error) {
	realm, err := a.home.Parse(c.params["realm"])
	if err != nil || outbound.CheckURL(realm) != nil {
		return "", 0, fmt.Errorf("%w: its token service has no address that requests can go to", ErrNoRegistry)
	}
	if a.home.Scheme == "https" && realm.Scheme == "http" && strings.EqualFold(realm.Hostname(), a.home.Hostname()) {
		realm.Scheme, realm.Host = a.home.Scheme, a.home.Host // it stands behind another server, and doesn't know that it is spoken to encrypted
	}
	l, err := a.current(ctx, fresh)
	if err != nil {
		return "", 0, err
	}
	if !l.nobody() && !a.believes(realm) {
		return "", 0, &RealmError{Origin: outbound.Origin(realm)}
	}
	r, err := a.request(ctx, realm, c.params["service"], scopes, l)
	if err != nil {
		return "", 0, err
	}
	answer, err := a.http.Do(r) //nolint:bodyclose // answered closes it
	if err != nil {
		return "", 0, broken(ctx, realm.Hostname(), err)
	}
	return a.answered(ctx, answer)
}

// believes says whether a token service may see the login: at the registry's own origin, or where somebody said so. Another port of
// its host may be another's (S5).
func (a *authority) believes(realm *url.URL) bool {
	at := outbound.Origin(realm)
	return at == outbound.Origin(a.home) || slices.Contains(a.realms, at)
}

// leads sees to it that the login may go to the token services that a kind is known to have.
func (a *authority) leads(origins ...string) {
	for _, each := range origins {
		if u, err := url.Parse(each); err == nil {
			a.realms = append(a.realms, outbound.Origin(u))
		}
	}
}

// request asks for a token: as distribution's token specification has it, or by a form where there is an identity.
func (a *authority) request(ctx context.Context, realm *url.URL, service string, scopes []string, l login) (*http.Request, error) {
	if !strings.EqualFold(realm.Hostname(), a.home.Hostname()) {
		ctx = outbound.LedBy(ctx, a.home)
	}
	q := url.Values{}
	if service != "" {
		q.Set("service", service)
	}
	if l.identity != "" {
		q.Set("scope", strings.Join(scopes, " "))
		q.Set("client_id", "haven")
		q.Set("grant_type", "refresh_token")
		q.Set("refresh_token", l.identity.Reveal())
		return form(ctx, realm, q)
	}
	for _, each := range scopes {
		q.Add("scope", each)
	}
	at := *realm
	if at.RawQuery != "" {
		at.RawQuery += "&"
	}
	at.RawQuery += q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask for a token: %w", err)
	}
	if !l.nobody() {
		r.Header.Set("Authorization", basic(l))
	}
	return r, nil
}

// answered reads a token service's answer.
func (a *authority) answered(ctx context.Context, answer *http.Response) (secret.Text, time.Duration, error) {
	defer answer.Body.Close()
	host := answer.Request.URL.Hostname()
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests:
		return "", 0, &LimitError{RetryAfter: retryAfter(answer.Header, a.clock())}
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusBadRequest:
		return "", 0, fmt.Errorf("%w (the token service at %s answers %d)", ErrCredential, host, status)
	case status != http.StatusOK:
		return "", 0, &UnreachableError{Words: fmt.Sprintf("the token service at %s answers %d", host, status)}
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxToken+1))
	if err != nil {
		return "", 0, broken(ctx, host, err)
	}
	var found struct {
		Token       secret.Text `json:"token"`
		AccessToken secret.Text `json:"access_token"`
		ExpiresIn   float64     `json:"expires_in"`
	}
	if len(text) > maxToken || json.Unmarshal(text, &found) != nil || found.Token == "" && found.AccessToken == "" {
		return "", 0, fmt.Errorf("%w: its token service at %s gives no token", ErrNoRegistry, host)
	}
	if found.Token == "" {
		found.Token = found.AccessToken
	}
	life := usualLife
	if found.ExpiresIn > 0 && found.ExpiresIn < (30*24*time.Hour).Seconds() {
		life = time.Duration(found.ExpiresIn * float64(time.Second))
	}
	return found.Token, life, nil
}
