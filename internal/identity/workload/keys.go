package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/maypok86/otter/v2"
)

const (
	// keysFor is how long keys are used before they are asked for again.
	keysFor = 10 * time.Minute
	// keysAgain is how soon a token with an unknown key id lets us ask again: issuers rotate.
	keysAgain = 10 * time.Second
	// staleKeysFor is how long keys are used while the issuer can't be asked.
	staleKeysFor = time.Hour
	// mostIssuers bounds the issuers whose keys are in memory.
	mostIssuers = 500
	// mostKeys bounds the keys of one issuer.
	mostKeys = 100
)

// issuers knows the keys of issuers that can be asked.
type issuers struct {
	trusted, guarded *http.Client // for addresses of all networks, and of the internet alone
	clock            func() time.Time
	log              *slog.Logger
	known            *otter.Cache[issuerKey, *issuer]
}

// issuerKey: what may be reached of an issuer for one policy mustn't be read from memory for another.
type issuerKey struct {
	url     string
	private bool
}

type issuer struct {
	mu      sync.Mutex
	keys    jose.JSONWebKeySet
	heard   time.Time // when keys came, zero for never
	asked   time.Time // when they were asked for, whatever came of it
	failure error     // of the last time
}

func newIssuers(calls *outbound.Calls, clock func() time.Time, log *slog.Logger) *issuers {
	return &issuers{
		trusted: client(outbound.Administered(), calls), guarded: client(outbound.Internet(), calls), clock: clock, log: log,
		known: otter.Must(&otter.Options[issuerKey, *issuer]{MaximumSize: mostIssuers}),
	}
}

// keysOf returns the keys of an issuer: those in memory, unless they are old or lack the key id. private
// says that its address may be one of a private network.
func (s *issuers) keysOf(ctx context.Context, url, keyID string, private bool) (jose.JSONWebKeySet, error) {
	i, _ := s.known.ComputeIfAbsent(issuerKey{url, private}, func() (*issuer, bool) { return &issuer{}, false })
	i.mu.Lock() // whoever comes while the issuer is asked waits for the answer
	defer i.mu.Unlock()
	now := s.clock()
	old := now.Sub(i.heard) >= keysFor
	lacking := keyID != "" && len(i.keys.Key(keyID)) == 0
	if (old || lacking) && now.Sub(i.asked) >= keysAgain {
		s.ask(ctx, i, url, private, now)
	}
	if i.heard.IsZero() || now.Sub(i.heard) >= staleKeysFor {
		return jose.JSONWebKeySet{}, unusable("the keys of its issuer can't be read: %v", i.failure)
	}
	return i.keys, nil
}

// ask needs the issuer's lock.
func (s *issuers) ask(ctx context.Context, i *issuer, url string, private bool, now time.Time) {
	c := s.guarded
	if private {
		c = s.trusted
	}
	i.asked = now
	// Whoever waits for the answer shouldn't lose it because the first that asked has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	keys, err := discover(ctx, c, url)
	i.failure = err
	if err != nil {
		s.log.WarnContext(ctx, "read the keys of an issuer", slog.String("issuer", url), slog.Any("error", err))
		return
	}
	i.keys, i.heard = keys, now
}

// discover reads the issuer's configuration and its keys. OpenID Connect Discovery 1.0, section 4.
func discover(ctx context.Context, c *http.Client, url string) (jose.JSONWebKeySet, error) {
	var configuration struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	body, err := get(ctx, c, strings.TrimSuffix(url, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	if err := json.Unmarshal(body, &configuration); err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("its configuration is no JSON object")
	}
	if configuration.Issuer != url {
		return jose.JSONWebKeySet{}, fmt.Errorf("its configuration is of the issuer %q", configuration.Issuer)
	}
	if err := checkIssuer(configuration.Keys); err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("its jwks_uri %q can't be used", configuration.Keys)
	}
	body, err = get(ctx, c, configuration.Keys)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	return parseKeySet(body)
}
