package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"regexp"
	"syscall"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

// ports looks whether the addresses to listen at are free, or are this Haven's already.
func (g *Given) ports(ctx context.Context, n *Notes) {
	running := g.running(ctx)
	for _, p := range []struct{ setting, address string }{{"listen", g.Listen}, {"metrics_listen", g.MetricsListen}, {"acme_listen", g.ACMEListen}} {
		if p.address != "" {
			port(ctx, n, p.setting, p.address, running)
		}
	}
}

func port(ctx context.Context, n *Notes, setting, address string, running bool) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		l.Close()
		n.Good("%s: %s is free", setting, address)
	case errors.Is(err, syscall.EADDRINUSE) && running:
		n.Good("%s: Haven listens at %s", setting, address)
	case errors.Is(err, syscall.EADDRINUSE):
		n.Wrong("End the other program, or choose another address (ss -ltnp shows who it is).", "%s: another program listens at %s", setting, address)
	case errors.Is(err, syscall.EACCES):
		n.Wrong("Choose a port above 1023, or give the program the capability (setcap cap_net_bind_service=+ep haven).", "%s: this user may not listen at %s", setting, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		n.Wrong("Name an address of this machine, or none before the colon for all of them.", "%s: %s is no address of this machine", setting, address)
	default:
		n.Wrong("Write it as HOST:PORT.", "%s: %s can't be listened at: %s", setting, address, reason(err))
	}
}

// askTime is how long the running Haven may take to say that it is there.
const askTime = 3 * time.Second

// running reports whether a Haven answers at the addresses of this configuration.
func (g *Given) running(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for _, base := range g.doors() {
		if s, err := get(ctx, localClient(), base+"/healthz"); err == nil && s.status == http.StatusOK && s.body == "ok\n" {
			return true
		}
	}
	return false
}

// doors are where the running Haven says how it is: the port of metrics first, which needs no certificate of a client.
func (g *Given) doors() (all []string) {
	if g.MetricsListen != "" {
		all = append(all, "http://"+dialable(g.MetricsListen))
	}
	if g.speaksTLS() {
		return append(all, "https://"+dialable(g.Listen))
	}
	return append(all, "http://"+dialable(g.Listen))
}

// dialable is an address of this machine to reach one that is listened at.
func dialable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// localClient speaks with this machine, whose certificate is for another name.
func localClient() *http.Client {
	return plainClient(&tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) //nolint:gosec // nothing secret is sent
}

var buildVersion = regexp.MustCompile(`(?m)^haven_build_info\{version="([^"]*)"\} 1$`)

// instance asks the running Haven whether it can do its work.
func (g *Given) instance(ctx context.Context, n *Notes) {
	for _, base := range g.doors() {
		s, err := get(ctx, localClient(), base+"/readyz")
		if err != nil || s.status != http.StatusOK && s.status != http.StatusServiceUnavailable {
			continue
		}
		if s.status != http.StatusOK {
			n.Wrong("Look into its log for \"not ready\": the cause stands there; the findings above may name it.", "the Haven that runs here is not ready: %s", s.body)
			return
		}
		if s, err := get(ctx, localClient(), base+"/readyz?for=writes"); err == nil && s.status == http.StatusServiceUnavailable {
			n.Wrong("Free space in the storage, or let database_url lead to the primary server; the log says which of them it is.", "the Haven that runs here serves pulls and refuses pushes: %s", s.body)
			return
		}
		n.Good("the Haven that runs here is ready")
		if metrics, err := get(ctx, localClient(), base+"/metrics"); err == nil {
			if m := buildVersion.FindStringSubmatch(metrics.body); m != nil && m[1] != telemetry.Version() {
				n.Doubt("Run haven doctor of the same version, or restart Haven.", "the Haven that runs here is %s, this is %s", m[1], telemetry.Version())
			}
		}
		return
	}
	n.Good("no Haven answers at %s, so that it wasn't asked how it is", g.Listen)
}
