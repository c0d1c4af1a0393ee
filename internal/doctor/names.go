package doctor

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/http/httpproxy"
)

// named is a host that the configuration names.
type named struct {
	setting, host string
	proxied       bool // it is reached by the proxy, where there is one
	clients       bool // it is for clients: this machine may not know it
}

// hosts are those that the configuration names, without addresses.
func (g *Given) hosts() (all []named) {
	add := func(setting, host string, proxied, clients bool) {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if _, err := netip.ParseAddr(host); err != nil && host != "" && !slices.ContainsFunc(all, func(n named) bool { return n.host == host }) {
			all = append(all, named{setting, host, proxied, clients})
		}
	}
	addURL := func(setting, raw string, proxied, clients bool) {
		u, err := url.Parse(raw)
		if err == nil {
			add(setting, u.Hostname(), proxied, clients)
		}
	}
	for _, raw := range g.ExternalURL {
		addURL("external_url", raw, false, true)
	}
	if strings.HasPrefix(g.DatabaseURL, "postgres") {
		u, err := url.Parse(g.DatabaseURL)
		if err == nil {
			for host := range strings.SplitSeq(u.Host, ",") { // several servers, of which one is the primary
				name, _, err := net.SplitHostPort(host)
				if err != nil {
					name = host
				}
				add("database_url", name, false, false)
			}
		}
	}
	addURL("redis_url", g.RedisURL.Reveal(), false, false)
	if u, err := url.Parse(g.StorageURL); err == nil && u.Scheme != "file" {
		endpoint := u.Query().Get("endpoint")
		if !strings.Contains(endpoint, "://") {
			endpoint = "https://" + endpoint
		}
		addURL("storage_url", endpoint, true, false)
	}
	for _, s := range g.VulnDBSource {
		if raw := s.Reveal(); strings.HasPrefix(raw, "oci:") {
			addURL("vulndb_source", raw, true, false)
		}
	}
	addURL("tracing_endpoint", g.TracingEndpoint, true, false)
	if g.TLSACME {
		addURL("acme_directory", g.ACMEDirectory, true, false)
	}
	return all
}

// names looks up all hosts that the configuration names.
func (g *Given) names(ctx context.Context, n *Notes) {
	proxy := httpproxy.FromEnvironment()
	var all sync.WaitGroup
	for _, h := range g.hosts() {
		if h.proxied && proxy.HTTPSProxy != "" {
			continue // the proxy looks it up
		}
		all.Go(func() {
			found, err := net.DefaultResolver.LookupHost(ctx, h.host)
			switch {
			case err == nil:
				n.Good("%s of %s is known in DNS (%s)", h.host, h.setting, strings.Join(found[:min(2, len(found))], ", "))
			case h.clients:
				n.Doubt("Add the name to DNS, where it isn't known to clients either.", "%s of %s is not known here: %s", h.host, h.setting, reason(err))
			default:
				n.Wrong("Correct the name, or this machine's DNS (/etc/resolv.conf).", "%s of %s is not known: %s", h.host, h.setting, reason(err))
			}
		})
	}
	all.Wait()
	if n.quiet() {
		n.Good("no setting names a host that would have to be looked up")
	}
}

// proxy looks whether the proxy that the environment names lets connections through.
func (g *Given) proxy(ctx context.Context, n *Notes) {
	c := httpproxy.FromEnvironment()
	for _, raw := range slices.Compact([]string{c.HTTPSProxy, c.HTTPProxy}) {
		if raw == "" {
			continue
		}
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			if u, err = url.Parse("http://" + raw); err != nil {
				n.Wrong("Write it as http://HOST:PORT.", "the proxy of the environment (HTTPS_PROXY or HTTP_PROXY) can't be read")
				continue
			}
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443", "socks5": "1080"}[u.Scheme]
		}
		if port == "" {
			port = "80"
		}
		address := net.JoinHostPort(u.Hostname(), port)
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			n.Wrong("Correct HTTPS_PROXY, HTTP_PROXY and NO_PROXY in Haven's environment, or start the proxy.", "the proxy %s doesn't answer: %s", address, reason(err))
			continue
		}
		conn.Close()
		n.Good("the proxy %s of the environment answers", address)
	}
}
