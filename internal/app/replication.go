package app

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/local"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// replicating makes replication, between this registry and those that have endpoints.
func (a *App) replicating(d domain, wake func()) *replication.Service {
	here := local.New(local.Deps{
		Registry: d.registry, Projects: d.projects, Gate: d.gate, Labels: d.labels, By: "replication",
		ReadOnly: d.settings.ReadOnly,
		Proxy: func(ctx context.Context, projectID int64) (bool, error) {
			upstream, err := d.projects.Upstream(ctx, projectID)
			return upstream != 0, err
		},
	})
	d.endpoints.Here(here)
	s := replication.New(replication.Deps{
		DB: a.db, Jobs: a.jobs, Local: here, Endpoints: peers{d.endpoints}, Itself: a.addresses().has, Wake: wake, Clock: time.Now, Log: a.log,
	})
	d.endpoints.Recovers(s.Recovered)
	d.endpoints.Uses(func(ctx context.Context, tx db.Tx, id int64) (string, error) {
		name, err := s.Using(ctx, tx, id)
		if err != nil || name == "" {
			return "", err
		}
		return "replication policies", nil
	})
	return s
}

// peers are the endpoints as replication knows them.
type peers struct{ endpoints *endpoint.Service }

// Peer implements replication.Endpoints.
func (p peers) Peer(ctx context.Context, tx db.Tx, id int64) (replication.Peer, error) {
	e, err := p.endpoints.GetIn(ctx, tx, id)
	return replication.Peer{ID: e.ID, Name: e.Name, Kind: e.Kind, URL: e.URL}, err
}

// Open implements replication.Endpoints.
func (p peers) Open(ctx context.Context, id int64) (remote.Registry, error) {
	r, _, err := p.endpoints.Open(ctx, id)
	return r, err
}

// addresses are where this registry is reached.
type addresses struct {
	external map[string]bool // host:port of the external URLs
	port     string          // that it listens on
	names    []string        // of this machine
	bound    string          // the address that it listens on, "" for all of the machine
}

func (a *App) addresses() addresses {
	v := addresses{external: map[string]bool{}, names: []string{"localhost"}}
	for _, text := range a.cfg.ExternalURL {
		if u, err := url.Parse(text); err == nil {
			v.external[hostAndPort(u)] = true
		}
	}
	if host, port, err := net.SplitHostPort(a.cfg.Listen); err == nil {
		v.port, v.bound = port, host
	}
	if name, err := os.Hostname(); err == nil {
		v.names = append(v.names, strings.ToLower(name))
	}
	return v
}

func hostAndPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// has reports whether an address is one of this registry's: an external URL, or this machine with the port that is listened on.
func (v addresses) has(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	at := hostAndPort(u)
	if v.external[at] {
		return true
	}
	host, port, _ := net.SplitHostPort(at)
	if port != v.port || port == "0" {
		return false
	}
	for _, name := range v.names {
		if host == name {
			return true
		}
	}
	return v.ofThisMachine(host)
}

// ofThisMachine reports whether a host is an IP address that this registry listens on.
func (v addresses) ofThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if bound, err := netip.ParseAddr(v.bound); err == nil && !bound.IsUnspecified() {
		return ip == bound
	}
	if ip.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(net.IP(ip.AsSlice())) {
			return true
		}
	}
	return false
}
