package proxycache_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/replication/remote"
)

func TestMirrorFiles(t *testing.T) {
	hub := proxycache.MirrorSite{Scheme: "https", Host: "haven.example.com", Project: "hub", Upstream: "docker.io"}
	withHost := hub
	withHost.Hosts = []string{"mirror.example.com"}
	plain := proxycache.MirrorSite{Scheme: "http", Host: "127.0.0.1:8080", Project: "quay", Upstream: "quay.io"}
	for _, c := range []struct {
		name   string
		site   proxycache.MirrorSite
		client string
		path   string
		has    []string
		lacks  string
	}{
		{"containerd", hub, "containerd", "/etc/containerd/certs.d/docker.io/hosts.toml",
			[]string{`server = "https://registry-1.docker.io"`, `[host."https://haven.example.com/v2/hub"]`, "override_path = true"}, "skip_verify"},
		{"containerd without TLS", plain, "containerd", "/etc/containerd/certs.d/quay.io/hosts.toml", []string{`[host."http://127.0.0.1:8080/v2/quay"]`, `server = "https://quay.io"`}, ""},
		{"docker without a host", hub, "docker", "/etc/docker/daemon.json", []string{"https://MIRROR-HOST"}, "insecure"},
		{"docker", withHost, "docker", "/etc/docker/daemon.json", []string{`"registry-mirrors": ["https://mirror.example.com"]`}, "MIRROR-HOST"},
		{"docker, of another registry", plain, "docker", "/etc/docker/daemon.json", nil, "registry-mirrors"},
		{"podman", hub, "podman", "/etc/containers/registries.conf.d/hub.conf", []string{`prefix = "docker.io"`, `location = "haven.example.com/hub"`}, "insecure"},
		{"podman without TLS", plain, "podman", "/etc/containers/registries.conf.d/quay.conf", []string{"insecure = true"}, "https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range c.site.Files() {
				if f.Client != c.client {
					continue
				}
				if f.Path != c.path {
					t.Errorf("the path is %s", f.Path)
				}
				for _, want := range c.has {
					if !strings.Contains(f.Content, want) {
						t.Errorf("%q isn't in\n%s", want, f.Content)
					}
				}
				if c.lacks != "" && strings.Contains(f.Content, c.lacks) {
					t.Errorf("%q is in\n%s", c.lacks, f.Content)
				}
			}
		})
	}
}

func TestPolicyIsChecked(t *testing.T) {
	each(t, func(w *world) {
		admin := authz.Principal{Name: "admin"}
		for name, o := range map[string]proxycache.Own{
			"freshness": {Freshness: "often"}, "no age": {Freshness: proxycache.MaxAge}, "negative": {Freshness: proxycache.Always, KeepDays: -1},
			"for ever": {Freshness: proxycache.MaxAge, MaxAge: 1000 * 24 * time.Hour}, "minimum": {Freshness: proxycache.Always, MinimumAge: -time.Second},
		} {
			if err := w.SetOwn(ctx, admin, 1, "hub", o); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		want := proxycache.Own{Freshness: proxycache.MaxAge, MaxAge: time.Minute, MinimumAge: time.Hour, ScanBeforeServe: true, KeepDays: 3}
		w.ok(w.SetOwn(ctx, admin, 1, "hub", want))
		if got, err := w.GetOwn(ctx, 1); err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// metered is an upstream that says how much it lets itself be asked.
type metered struct {
	*upstream
	limits remote.Limits
}

func (m *metered) Limits() (remote.Limits, bool) { return m.limits, true }

func TestBudget(t *testing.T) {
	each(t, func(w *world) {
		m := &metered{w.up, remote.Limits{Limit: 100, Remaining: 12, Window: 6 * time.Hour, At: time.Now()}}
		u := proxycache.Upstream{Registry: m, Healthy: true}
		b, err := w.Budget(ctx, u, 7)
		w.ok(err)
		if b.Remaining != 12 || !b.BlockedUntil.IsZero() {
			t.Errorf("with 12 left: %+v", b)
		}
		m.limits.Remaining = 0
		if b, err = w.Budget(ctx, u, 7); err != nil || b.BlockedUntil.IsZero() || time.Until(b.BlockedUntil) > 10*time.Minute {
			t.Errorf("with nothing left: %+v, %v", b, err)
		}
		m.limits.At = time.Now().Add(-time.Hour) // windows slide: it may be asked again
		if b, err = w.Budget(ctx, u, 7); err != nil || !b.BlockedUntil.IsZero() {
			t.Errorf("an hour later: %+v, %v", b, err)
		}
		if w.db.Exclusive() {
			return
		}
		// What one process was told, all heed.
		w.up.image("team/app", "v1", "one", 10)
		w.up.set(func() { w.up.err = &remote.LimitError{RetryAfter: time.Hour} })
		if _, err := w.client().pull(app, parsed(t, "v1")); err == nil {
			t.Error("it was served")
		}
		other := client{w.replica(w.registry), w.registry}
		w.up.requests()
		if _, err := other.pull(app, parsed(t, "v1")); err == nil {
			t.Error("it was served by another process")
		}
		w.wantRequests(map[string]int{})
	})
}

func TestMirrorNames(t *testing.T) {
	each(t, func(w *world) {
		admin := authz.Principal{Name: "admin"}
		for _, name := range []string{"", "a b", "https://docker.io", "docker.io/x", "-a", "a:b", "a.example.com:123456"} {
			if _, err := w.AddMirror(ctx, admin, proxycache.Mirror{Kind: proxycache.ByHost, Name: name, ProjectID: 1}); !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
		m, err := w.AddMirror(ctx, admin, proxycache.Mirror{Kind: proxycache.ByHost, Name: "M.Example.com:8443", ProjectID: 1, Project: "hub"})
		w.ok(err)
		if got := w.Mirrors().OfHost("m.EXAMPLE.com:8443"); got != "hub" {
			t.Errorf("the host stands for %q", got)
		}
		_, err = w.AddMirror(ctx, admin, proxycache.Mirror{Kind: proxycache.ByHost, Name: "any.example.com", ProjectID: 1, Project: "hub"})
		w.ok(err)
		for host, want := range map[string]string{"any.example.com": "hub", "any.example.com:5000": "hub", "m.example.com": "", "m.example.com:5000": "", "": ""} {
			if got := w.Mirrors().OfHost(host); got != want {
				t.Errorf("%q stands for %q, want %q", host, got, want)
			}
		}
		if got := w.Mirrors().OfRegistry("m.example.com:8443"); got != "" {
			t.Errorf("as a registry it stands for %q", got)
		}
		w.ok(w.RemoveMirror(ctx, admin, m.ID))
		if got := w.Mirrors().OfHost("m.example.com:8443"); got != "" {
			t.Errorf("it still stands for %q", got)
		}
		if err := w.RemoveMirror(ctx, admin, m.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("once more: %v", err)
		}
	})
}
