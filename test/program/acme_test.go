//go:build acceptance

package program

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// authority is Pebble, the ACME server that the makers of Let's Encrypt test clients with. It knows whom it certifies by an account (external
// account binding), and each name leads to 127.0.0.1.
type authority struct {
	t         *testing.T
	directory string // its URL
	caFile    string // of its own certificate
	roots     string // where it tells its root
	log       string
}

const (
	accountID  = "account-1"
	accountKey = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" // of no account anywhere
	acmeName   = "registry.haven.test"
)

// startAuthority has names checked at these ports: TLS-ALPN-01 at the one of HTTPS, HTTP-01 at the other.
func startAuthority(t *testing.T, https, plain string) *authority {
	t.Helper()
	dir := t.TempDir()
	own := haventest.NewAuthority(t)
	cert, key := own.Sign(t, "127.0.0.1")
	a := &authority{t: t, caFile: filepath.Join(dir, "ca.pem"), log: filepath.Join(dir, "log")}
	listen, manage := haventest.FreeAddress(t), haventest.FreeAddress(t)
	a.directory, a.roots = "https://"+listen+"/dir", "https://"+manage+"/roots/0"
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": manage, "certificate": filepath.Join(dir, "cert.pem"), "privateKey": filepath.Join(dir, "key.pem"),
		"httpPort": port(t, plain), "tlsPort": port(t, https), "externalAccountBindingRequired": true, "externalAccountMACKeys": map[string]string{accountID: accountKey},
		"profiles": map[string]any{"default": map[string]any{"description": "the only one", "validityPeriod": 7776000}},
	}})
	must(t, err)
	for name, text := range map[string]string{"ca.pem": own.PEM, "cert.pem": cert, "key.pem": key, "config.json": string(config)} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	out, err := os.Create(a.log)
	must(t, err)
	cmd := exec.Command(haventest.Tool(t, "pebble"), "-config", filepath.Join(dir, "config.json"), "-dnsserver", everywhere(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0")
	cmd.Stdout, cmd.Stderr = out, out
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		out.Close()
	})
	return a
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	must(t, err)
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// root waits until the authority runs, and returns whom its certificates are signed by.
func (a *authority) root() *x509.CertPool {
	a.t.Helper()
	own, err := os.ReadFile(a.caFile)
	must(a.t, err)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(own)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}}
	var text []byte
	await.Until(a.t, "the authority runs", func() bool {
		r, err := client.Get(a.roots)
		if err != nil {
			return false
		}
		defer r.Body.Close()
		text, err = io.ReadAll(r.Body)
		return err == nil && r.StatusCode == http.StatusOK
	})
	block, _ := pem.Decode(text)
	if block == nil {
		a.t.Fatalf("the authority's root is %q", text)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// orders is how many certificates it has given.
func (a *authority) orders() int {
	a.t.Helper()
	text, err := os.ReadFile(a.log)
	must(a.t, err)
	return strings.Count(string(text), "Issued certificate serial")
}

// everywhere is the address of a name server that knows each name as 127.0.0.1.
func everywhere(t *testing.T) string {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for b := make([]byte, 1500); ; {
			n, from, err := l.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := resolve(b[:n]); answer != nil {
				_, _ = l.WriteTo(answer, from)
			}
		}
	}()
	return l.LocalAddr().String()
}

func resolve(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Additionals = true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

// shown is the certificate that a server shows to who asks for a name.
func shown(t *testing.T, s *haventest.Server, c *tls.Config) *x509.Certificate {
	t.Helper()
	conn, err := (&tls.Dialer{Config: c}).DialContext(context.Background(), "tcp", s.Host)
	must(t, err)
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
}

// A certificate comes by either kind of challenge, is kept over a restart, and is given to a name that nobody asked for.
func TestCertificateByACME(t *testing.T) {
	for _, byHTTP := range []bool{false, true} {
		t.Run(map[bool]string{false: "TLS-ALPN-01", true: "HTTP-01"}[byHTTP], func(t *testing.T) {
			host, plain := haventest.FreeAddress(t), haventest.FreeAddress(t)
			https := host
			if byHTTP {
				https = haventest.FreeAddress(t) // where nobody answers
			}
			ca := startAuthority(t, https, plain)
			secure := &tls.Config{RootCAs: ca.root(), ServerName: acmeName}
			env := []string{
				"HAVEN_EXTERNAL_URL=https://" + acmeName + ",http://" + host, "HAVEN_TLS_ACME=true", "HAVEN_ACME_DIRECTORY=" + ca.directory,
				"HAVEN_ACME_CA_FILE=" + ca.caFile, "HAVEN_ACME_KEY_ID=" + accountID, "HAVEN_ACME_KEY=" + accountKey, "HAVEN_ACME_EMAIL=admin@haven.test",
			}
			if byHTTP {
				env = append(env, "HAVEN_ACME_LISTEN="+plain)
			}
			s := haventest.Start(t, haventest.Options{Host: host, Plain: true, Secure: secure, Env: env})
			first := shown(t, s, secure)
			if len(first.DNSNames) != 1 || first.DNSNames[0] != acmeName || ca.orders() != 1 {
				t.Errorf("the certificate is for %v, and %d were ordered", first.DNSNames, ca.orders())
			}
			if got := shown(t, s, &tls.Config{InsecureSkipVerify: true}); !got.Equal(first) { //nolint:gosec // which one it is, is looked at
				t.Error("who asks for no name gets another certificate")
			}
			if byHTTP {
				elsewhere(t, plain)
			}
			s.Stop()
			s.Restart()
			if got := shown(t, s, secure); !got.Equal(first) || ca.orders() != 1 {
				t.Errorf("after a restart there is another certificate; %d were ordered", ca.orders())
			}
		})
	}
}

// elsewhere asks the port of challenges for a page: it leads to HTTPS.
func elsewhere(t *testing.T, plain string) {
	t.Helper()
	q, err := http.NewRequest(http.MethodGet, "http://"+plain+"/projects?page=2", nil)
	must(t, err)
	q.Host = acmeName
	r, err := http.DefaultTransport.RoundTrip(q)
	must(t, err)
	defer r.Body.Close()
	if got := r.Header.Get("Location"); r.StatusCode != http.StatusFound || got != "https://"+acmeName+"/projects?page=2" {
		t.Errorf("the port of challenges answers %d %s", r.StatusCode, got)
	}
}

// Files are replaced, and authorities of clients, while the server runs.
func TestCertificateFromFiles(t *testing.T) {
	ca, clients := haventest.NewAuthority(t), haventest.NewAuthority(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	cert, key := ca.Sign(t, "127.0.0.1")
	clientCert, clientKey := clients.Sign(t, "127.0.0.1")
	pair, err := tls.X509KeyPair([]byte(clientCert), []byte(clientKey))
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca.PEM))
	secure := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
	s := haventest.Start(t, haventest.Options{Plain: true, Secure: secure, Env: []string{
		"HAVEN_TLS_CERT_FILE=" + write("cert", cert), "HAVEN_TLS_KEY_FILE=" + write("key", key), "HAVEN_TLS_CLIENT_CA_FILE=" + write("clients", clients.PEM),
	}})
	before := shown(t, s, secure)
	cert, key = ca.Sign(t, "127.0.0.1")
	write("key", key)
	write("cert", cert)
	if shown(t, s, secure).Equal(before) {
		t.Error("the certificate was replaced, and the old one is shown")
	}
	anybody := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	if r, err := anybody.Get(s.URL + "/v2/"); err == nil {
		r.Body.Close()
		t.Errorf("a client without a certificate got %d", r.StatusCode)
	}
}
