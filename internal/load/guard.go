package load

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/telemetry"
)

// Limits are what a Guard holds requests to.
type Limits struct {
	Requests int           // under way at a time, of the class that has most
	Wait     time.Duration // for a place
	Network  float64       // requests a second of a network, 0 for any number
	Account  float64       // of an account, likewise
	Search   float64       // searches of an account, of a network without one
}

// Reason says why a request was refused.
type Reason string

// The reasons.
const (
	Busy      Reason = "busy"    // too many are under way
	ByNetwork Reason = "network" // that network asks too often
	ByAccount Reason = "account"
	BySearch  Reason = "search"
)

// Reasons are all of them.
func Reasons() []Reason { return []Reason{Busy, ByNetwork, ByAccount, BySearch} }

// Limited refuses what comes too often. Its words are for clients.
type Limited struct{ RetryAfter time.Duration }

// Error says what to do.
func (e *Limited) Error() string {
	return fmt.Sprintf("too many requests: try again in %d s", seconds(e.RetryAfter))
}

// account is whose requests are counted together: a user's and those of the user's tokens, a robot's, a trust policy's.
type account struct {
	kind   authz.Kind
	id     int64
	policy bool
}

// Guard decides which requests are served. It is safe for concurrent use. A nil Guard serves all.
type Guard struct {
	limits   Limits
	places   [classes]*places
	networks *rates[netip.Prefix]
	accounts *rates[account]
	searches *rates[account]
	unknown  *rates[netip.Prefix] // searches without an account
	refused  telemetry.Tally[refusal]
}

type refusal struct {
	class  Class
	reason Reason
}

// New returns a Guard.
func New(l Limits, clock func() time.Time) *Guard {
	g := &Guard{
		limits: l, networks: newRates[netip.Prefix](l.Network, clock), accounts: newRates[account](l.Account, clock),
		searches: newRates[account](l.Search, clock), unknown: newRates[netip.Prefix](l.Search, clock),
	}
	for c := None + 1; c < classes; c++ {
		g.places[c] = newPlaces(c.places(l.Requests))
	}
	return g
}

// Protect serves by next what there is a place for.
func (g *Guard) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		class := ClassOf(r)
		if class == None {
			next.ServeHTTP(w, r)
			return
		}
		if g.networks != nil {
			if wait := g.networks.take(networkOf(r)); wait > 0 {
				g.refused.Add(refusal{class, ByNetwork}, 1)
				refuse(w, r, http.StatusTooManyRequests, wait, "too many requests from this network: try again later")
				return
			}
		}
		p := g.places[class]
		if !p.enter(r.Context(), g.limits.Wait) {
			g.refused.Add(refusal{class, Busy}, 1)
			// Not all at the same moment again.
			refuse(w, r, http.StatusServiceUnavailable, time.Duration(1+rand.IntN(spread))*time.Second, "the registry has too much to do: try again later") //nolint:gosec // no secret
			return
		}
		defer p.leave()
		next.ServeHTTP(w, r)
	})
}

// spread is within how many seconds clients that found no place come again.
const spread = 5

// Account takes a request into account for whoever sends it, whom the edge has found out. The error is a *Limited.
func (g *Guard) Account(r *http.Request, p authz.Principal) error {
	if g == nil {
		return nil
	}
	class := ClassOf(r)
	if p.Authenticated() {
		if wait := g.accounts.take(accountOf(p)); wait > 0 {
			g.refused.Add(refusal{class, ByAccount}, 1)
			return &Limited{wait}
		}
	}
	if class != Search || g.searches == nil {
		return nil
	}
	var wait time.Duration
	if p.Authenticated() {
		wait = g.searches.take(accountOf(p))
	} else {
		wait = g.unknown.take(networkOf(r))
	}
	if wait > 0 {
		g.refused.Add(refusal{class, BySearch}, 1)
		return &Limited{wait}
	}
	return nil
}

func accountOf(p authz.Principal) account {
	kind := p.Kind
	if kind == authz.Bearer {
		kind = p.Holder
	}
	if kind == authz.Personal {
		kind = authz.User
	}
	return account{kind, p.ID, p.PolicyID != 0}
}

// networkOf is an address of IPv4, or the /64 around one of IPv6, which one machine may have to itself.
func networkOf(r *http.Request) netip.Prefix {
	a := httpauth.Remote(r).WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an address that isn't known
	}
	return p
}

// Watch adds the Guard's figures.
func (g *Guard) Watch(m *telemetry.Metrics) {
	m.Family(telemetry.Family{Name: "haven_requests_refused_total", Help: "Requests that this process refused because of too many, by class and reason.",
		Labels: []string{"class", "reason"}, Grows: true, Read: func(report telemetry.Report) {
			all := g.refused.All()
			for c := None + 1; c < classes; c++ {
				for _, why := range Reasons() {
					report(float64(all[refusal{c, why}]), c.String(), string(why))
				}
			}
		}})
	m.Family(telemetry.Family{Name: "haven_requests_underway", Help: "Requests that have a place, by class.",
		Labels: []string{"class"}, Read: func(report telemetry.Report) {
			for c := None + 1; c < classes; c++ {
				report(float64(len(g.places[c].taken)), c.String())
			}
		}})
	m.Family(telemetry.Family{Name: "haven_requests_places", Help: "How many requests of a class have a place at a time.",
		Labels: []string{"class"}, Read: func(report telemetry.Report) {
			for c := None + 1; c < classes; c++ {
				report(float64(cap(g.places[c].taken)), c.String())
			}
		}})
}
