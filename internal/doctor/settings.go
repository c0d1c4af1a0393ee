package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/havenregistry/haven/internal/config"
)

// Given is what the doctor knows of how the settings came.
type Given struct {
	config.Config
	File        string   // of --config, "" without one
	Environment []string // names of variables that begin as Haven's and are none
}

// settings looks for what is allowed one by one and doesn't fit together.
func (g *Given) settings(_ context.Context, n *Notes) {
	for _, name := range g.Environment {
		n.Doubt("Correct the variable's name, or remove it; docs/configuration.md lists those that there are.", "%s in the environment is no setting", name)
	}
	g.files(n)
	g.addresses(n)
	if n.quiet() {
		n.Good("the settings fit together")
	}
}

// quiet reports whether nothing was noted yet.
func (n *Notes) quiet() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.findings) == 0
}

// files looks at who else may read what is secret.
func (g *Given) files(n *Notes) {
	for _, f := range []struct{ what, path string }{
		{"secret_key_file", g.SecretKeyFile}, {"tls_key_file", g.TLSKeyFile},
		{"the first password", filepath.Join(g.DataDir, "admin-password")}, {"config", g.secretConfig()},
	} {
		if f.path == "" {
			continue
		}
		info, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			n.Wrong("Let the user that Haven runs as read the file.", "%s: %v", f.what, err)
		case info.Mode().Perm()&0o004 != 0:
			n.Doubt("Run chmod o-r "+f.path+" (in Kubernetes: defaultMode 0440 of the volume).", "%s: every user of this machine may read %s", f.what, f.path)
		case info.Mode().Perm()&0o022 != 0:
			n.Doubt("Run chmod go-w "+f.path+".", "%s: others than the owner may change %s", f.what, f.path)
		}
	}
}

// secretConfig is the file of --config, where it has a secret in it.
func (g *Given) secretConfig() string {
	if g.File == "" {
		return ""
	}
	text, err := os.ReadFile(g.File)
	if err != nil {
		return ""
	}
	for _, s := range Secrets(g.Config) {
		if strings.Contains(string(text), s) {
			return g.File
		}
	}
	return ""
}

// speaksTLS reports whether the port speaks HTTPS.
func (g *Given) speaksTLS() bool { return g.TLSCertFile != "" || g.TLSACME }

// addresses compares how clients are told to come with how the port is opened.
func (g *Given) addresses(n *Notes) {
	loopback := onlyHere(g.Listen)
	if len(g.ExternalURL) == 0 && !loopback {
		n.Doubt("Set external_url to the address that clients use, such as https://registry.example.com.",
			"external_url isn't set: every host name is answered, and what Haven sends elsewhere names it %s", g.Listen)
	}
	seen := map[string]string{}
	for _, raw := range g.ExternalURL {
		u, err := url.Parse(raw)
		if err != nil {
			continue // Complete has said so
		}
		host := strings.ToLower(u.Host)
		if scheme, twice := seen[host]; twice && scheme != u.Scheme {
			n.Wrong("Leave one of them in external_url.", "external_url names %s with http and with https: links follow the last one", host)
		}
		seen[host] = u.Scheme
		g.externalURL(n, u, loopback)
	}
	if !loopback && !onlyHere(g.MetricsListen) && g.MetricsListen != "" {
		n.Doubt("Let only the monitoring reach that port: metrics are shown to whoever asks.", "metrics_listen %s is open to other machines", g.MetricsListen)
	}
}

func (g *Given) externalURL(n *Notes, u *url.URL, loopback bool) {
	here := isLocal(u.Hostname())
	switch {
	case u.Scheme == "http" && g.speaksTLS():
		n.Wrong(fmt.Sprintf("Set external_url to https://%s.", u.Host), "external_url %s says http, and the port speaks HTTPS: clients are sent to where they get no answer", u)
	case u.Scheme == "http" && !here:
		n.Doubt("Give Haven a certificate (docs/install.md, HTTPS), or put a proxy with one before it, and set external_url to https://.",
			"external_url %s: passwords go over the network readable, and docker refuses a registry without HTTPS", u)
	case u.Scheme == "https" && !g.speaksTLS() && !loopback:
		n.Good("%s is HTTPS and the port isn't: a proxy before it is expected, which sets X-Forwarded-Proto and hands on Host", u)
	case here && !loopback:
		n.Doubt("Set external_url to the name by which other machines reach this one.", "external_url %s is an address of this machine alone, and listen %s is for others", u, g.Listen)
	}
}

// onlyHere reports whether an address to listen at is reached from this machine alone.
func onlyHere(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLocal(host)
}

func isLocal(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
