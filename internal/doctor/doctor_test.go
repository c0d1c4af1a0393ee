package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/notice/redistest"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// findings are what one check notes.
func findings(t *testing.T, check func(context.Context, *Notes)) []Finding {
	t.Helper()
	return Run(t.Context(), []Check{{"test", time.Minute, check}}, nil)
}

// expect fails unless there is a finding with the status and words, and nothing worse than that.
func expect(t *testing.T, all []Finding, status Status, words string) {
	t.Helper()
	rank := map[Status]int{OK: 0, Warning: 1, Problem: 2}
	met := false
	for _, f := range all {
		if rank[f.Status] > rank[status] {
			t.Errorf("%s: %s", f.Status, f.Found)
		}
		if f.Status != OK && f.Advice == "" {
			t.Errorf("nothing is said of what to do about: %s", f.Found)
		}
		met = met || f.Status == status && strings.Contains(f.Found, words)
	}
	if !met {
		t.Errorf("no %s with %q in %+v", status, words, all)
	}
}

func TestChecksRunBesideEachOtherAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		slow := func(ctx context.Context, n *Notes) {
			<-ctx.Done()
			n.Wrong("Wait.", "slow")
		}
		hangs := func(_ context.Context, n *Notes) {
			n.Good("something")
			<-release
			n.Good("too late")
		}
		began := time.Now()
		found := Run(t.Context(), []Check{{"hangs", 5 * time.Second, hangs}, {"slow", 5 * time.Second, slow}, {"quick", time.Second, func(_ context.Context, n *Notes) { n.Good("quick") }}}, nil)
		if took := time.Since(began); took != 5*time.Second+grace {
			t.Errorf("took %s", took)
		}
		close(release)
		synctest.Wait()
		var said []string
		for _, f := range found {
			said = append(said, f.Check+" "+string(f.Status)+" "+f.Found)
		}
		if got := strings.Join(said, "|"); got != "hangs ok something|hangs problem no answer within 5s|slow problem slow|quick ok quick" {
			t.Error(got)
		}
	})
}

func TestSecretsAreNotShown(t *testing.T) {
	c := config.Config{
		DatabaseURL: "postgres://u:canary%2Fdb@h/n", StorageURL: "s3://b?access_key=canary-id&secret_key=canary-key&ca_file=/etc/ca.pem&region=eu-1",
		RedisURL: "redis://:canary-redis@h", AdminPassword: "canary-admin", ACMEKey: "canary-acme", VulnDBSource: []secret.Text{"oci://u:canary-source@h/r:2"},
		TracingHeaders: []secret.Text{"Authorization=Bearer canary-header"}, ConfigOverwriteJSON: `{"ldap_search_password":"canary-ldap","ldap_url":"ldaps://dc.example.com"}`,
	}
	hidden := Secrets(c)
	found := Run(t.Context(), []Check{{"x", time.Second, func(_ context.Context, n *Notes) {
		n.Wrong("see canary-redis", "canary/db canary%%2Fdb canary-id canary-key canary-redis canary-admin canary-acme canary-source Bearer canary-header canary-ldap /etc/ca.pem eu-1 dc.example.com")
	}}}, hidden)
	if text := fmt.Sprint(found); strings.Contains(text, "canary") || !strings.Contains(text, "/etc/ca.pem eu-1 dc.example.com") {
		t.Error(text)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("redis_url: redis://:canary-redis@h\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil { //nolint:gosec // that is what is found
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		set    func(g *Given)
		status Status
		words  string
	}{
		{"good", func(*Given) {}, OK, "fit together"},
		{"a variable that is none", func(g *Given) { g.Environment = []string{"HAVEN_LISEN"} }, Warning, "HAVEN_LISEN"},
		{"key for everybody", func(g *Given) { g.SecretKeyFile = open }, Warning, "secret_key_file: every user"},
		{"file with a password for everybody", func(g *Given) { g.File, g.RedisURL = open, "redis://:canary-redis@h" }, Warning, "config: every user"},
		{"file without one", func(g *Given) { g.File = open }, OK, "fit together"},
		{"for others without a name", func(g *Given) { g.Listen = ":8080" }, Warning, "external_url isn't set"},
		{"http and TLS", func(g *Given) {
			g.ExternalURL, g.TLSCertFile = []string{"http://r.example.com"}, "x"
		}, Problem, "the port speaks HTTPS"},
		{"http", func(g *Given) { g.ExternalURL = []string{"http://r.example.com"} }, Warning, "readable"},
		{"both", func(g *Given) {
			g.ExternalURL = []string{"https://r.example.com", "http://r.example.com"}
		}, Problem, "with http and with https"},
		{"loopback for others", func(g *Given) { g.Listen, g.ExternalURL = ":8080", []string{"http://localhost:8080"} }, Warning, "of this machine alone"},
		{"a proxy before it", func(g *Given) { g.Listen, g.ExternalURL = ":8080", []string{"https://r.example.com"} }, OK, "a proxy before it"},
		{"metrics for all", func(g *Given) {
			g.Listen, g.MetricsListen, g.ExternalURL = ":8080", ":9090", []string{"https://r.example.com"}
		}, Warning, "metrics_listen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Given{Config: config.Config{DataDir: dir, Listen: "127.0.0.1:8080", MetricsListen: "127.0.0.1:9090"}}
			c.set(g)
			expect(t, findings(t, g.settings), c.status, c.words)
		})
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	look := func(at string) []Finding {
		return findings(t, func(_ context.Context, n *Notes) { folder(n, "data_dir", at) })
	}
	for _, f := range look(dir) {
		if f.Status == Problem && !strings.Contains(f.Found, "are free") {
			t.Error(f)
		}
	}
	expect(t, look(plain), Problem, "is no folder")
	expect(t, look(filepath.Join(plain, "below")), Problem, "not a directory")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("something was left: %v, %v", left, err)
	}
	absent := filepath.Join(dir, "absent")
	for _, f := range look(absent) {
		if f.Status == Problem && !strings.Contains(f.Found, "are free") {
			t.Error(f)
		}
	}
	if _, err := os.Stat(absent); !os.IsNotExist(err) {
		t.Error("the folder was made")
	}
}

func TestClocks(t *testing.T) {
	for _, c := range []struct {
		skew   time.Duration
		status Status
	}{{0, OK}, {time.Second, OK}, {-3 * time.Second, Warning}, {time.Minute, Problem}, {-time.Hour, Problem}} {
		expect(t, findings(t, func(_ context.Context, n *Notes) { compareClock(n, "a clock", c.skew, 0) }), c.status, "a clock")
	}
	g := &Given{Config: config.Config{DataDir: t.TempDir()}}
	expect(t, findings(t, g.clock), OK, "agrees")
}

// certificateOf signs a certificate by itself.
func certificateOf(t *testing.T, name string, from, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestCertificate(t *testing.T) {
	now, day := time.Now(), 24*time.Hour
	good, goodKey := certificateOf(t, "r.example.com", now.Add(-day), now.Add(90*day))
	over, overKey := certificateOf(t, "r.example.com", now.Add(-90*day), now.Add(-day))
	soon, soonKey := certificateOf(t, "r.example.com", now.Add(-87*day), now.Add(3*day))
	later, laterKey := certificateOf(t, "r.example.com", now.Add(day), now.Add(90*day))
	for _, c := range []struct {
		name, cert, key, url string
		status               Status
		words                string
	}{
		{"signed by nobody known", good, goodKey, "https://r.example.com", Warning, "no authority"},
		{"expired", over, overKey, "", Problem, "has expired"},
		{"about to expire", soon, soonKey, "", Warning, "expires on"},
		{"not yet good", later, laterKey, "", Problem, "good from"},
		{"another name", good, goodKey, "https://other.example.com", Problem, "isn't for external_url"},
		{"another key", good, overKey, "", Problem, "does not match"},
		{"a key for a certificate", goodKey, goodKey, "", Problem, "tls_cert_file"},
		{"nothing there", "/nowhere", goodKey, "", Problem, "/nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Given{Config: config.Config{TLSCertFile: c.cert, TLSKeyFile: c.key}}
			if c.url != "" {
				g.ExternalURL = []string{c.url}
			}
			expect(t, findings(t, g.certificate), c.status, c.words)
		})
	}
	g := &Given{Config: config.Config{TLSClientCAFile: over}}
	expect(t, findings(t, g.certificate), Problem, "has expired")
	g.TLSClientCAFile = overKey
	expect(t, findings(t, g.certificate), Problem, "no certificate")
}

// none is WithDatabase where nothing more is to be looked at.
func none(context.Context, *db.DB, *Notes) {}

func TestDatabase(t *testing.T) {
	urls := map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL, "postgres": dbtest.PostgresURL}
	for name, of := range urls {
		t.Run(name, func(t *testing.T) {
			address := of(t)
			g := &Given{Config: config.Config{DatabaseURL: address}}
			look := func() []Finding { return findings(t, g.database(none)) }
			d, err := db.Open(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			migrated, err := d.Migrated(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !migrated {
				for _, f := range look() {
					if f.Status == Problem {
						t.Error(f)
					}
				}
				if migrated, _ = d.Migrated(t.Context()); migrated {
					t.Error("looking has written into the database")
				}
			}
			if err := d.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			asked := false
			all := findings(t, g.database(func(context.Context, *db.DB, *Notes) { asked = true }))
			if !asked {
				t.Errorf("nothing else was asked: %v", all)
			}
			newer := func(statement string) {
				err := d.Write(t.Context(), func(tx db.Tx) error {
					_, err := tx.Exec(t.Context(), statement)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			newer(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`)
			expect(t, look(), Warning, "goes on with it")
			newer(`UPDATE compatible_schema SET since = 99999`)
			expect(t, look(), Problem, "refuses to start")
		})
	}
	t.Run("none yet", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "haven.db")
		g := &Given{Config: config.Config{DatabaseURL: "sqlite:" + path}}
		expect(t, findings(t, g.database(none)), OK, "no database yet")
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Error("the database was made")
		}
	})
	t.Run("damaged", func(t *testing.T) {
		address := dbtest.SQLiteURL(t)
		d, err := db.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.Close()
		f, err := os.OpenFile(db.File(address), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		for page := int64(4); page < 40; page++ { // some of them, not the first
			if _, err := f.WriteAt([]byte("decayed decayed decayed decayed"), page*4096); err != nil {
				t.Fatal(err)
			}
		}
		f.Close()
		g := &Given{Config: config.Config{DatabaseURL: address}}
		expect(t, findings(t, g.database(none)), Problem, "")
	})
	t.Run("nobody there", func(t *testing.T) {
		g := &Given{Config: config.Config{DatabaseURL: "postgres://haven:canary@" + closedPort(t) + "/haven"}}
		found := findings(t, g.database(none))
		expect(t, found, Problem, "database_url")
		if strings.Contains(fmt.Sprint(found), "canary") {
			t.Errorf("the password is in %v", found)
		}
	})
}

// closedPort is an address of this machine that nobody listens at.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestRedis(t *testing.T) {
	s := redistest.Start(t)
	g := &Given{Config: config.Config{RedisURL: secret.Text(s.URL)}}
	expect(t, findings(t, g.redis), OK, "notices come through")
	g.RedisURL = secret.Text("redis://:wrong-canary@" + s.Address)
	found := findings(t, g.redis)
	expect(t, found, Problem, "redis_url")
	g.RedisURL = secret.Text("redis://:canary@" + closedPort(t))
	found = append(found, findings(t, g.redis)...)
	expect(t, found, Problem, "refused")
	if strings.Contains(fmt.Sprint(found), "canary") {
		t.Errorf("a password is in %v", found)
	}
}

func TestPorts(t *testing.T) {
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	haven := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			io.WriteString(w, "ok\n")
		case "/readyz":
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		case "/metrics":
			io.WriteString(w, "haven_build_info{version=\"v0.0.1\"} 1\n")
		}
	}))
	defer haven.Close()
	at := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	g := &Given{Config: config.Config{Listen: closedPort(t)}}
	expect(t, findings(t, g.ports), OK, "is free")
	expect(t, findings(t, g.instance), OK, "no Haven answers")
	g.Listen = at(stranger)
	expect(t, findings(t, g.ports), Problem, "another program")
	g.Listen = at(haven)
	expect(t, findings(t, g.ports), OK, "Haven listens")
	expect(t, findings(t, g.instance), Problem, "not ready")
	g.Listen = "192.0.2.1:80"
	expect(t, findings(t, g.ports), Problem, "no address of this machine")
}

func TestNames(t *testing.T) {
	g := &Given{Config: config.Config{
		DatabaseURL: "postgres://u@localhost,db.invalid:5432/x", RedisURL: "redis://127.0.0.1", StorageURL: "s3://b?endpoint=localhost:9000", ExternalURL: []string{"https://r.invalid"},
	}}
	var hosts []string
	for _, h := range g.hosts() {
		hosts = append(hosts, h.setting+" "+h.host)
	}
	if got := strings.Join(hosts, ", "); got != "external_url r.invalid, database_url localhost, database_url db.invalid" {
		t.Error(got)
	}
	found := findings(t, g.names)
	expect(t, found, Problem, "db.invalid of database_url is not known")
	expect(t, found, Problem, "")
}

func TestProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://u:canary@"+closedPort(t))
	found := findings(t, new(Given).proxy)
	expect(t, found, Problem, "doesn't answer")
	if strings.Contains(fmt.Sprint(found), "canary") {
		t.Errorf("the password is in %v", found)
	}
}

func TestExternalURL(t *testing.T) {
	const challenge = `Bearer realm="%s/service/token",service="harbor-registry"`
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request, base string)
		status Status
		words  string
	}{
		{"good", func(http.ResponseWriter, *http.Request, string) {}, OK, "answers as a registry"},
		{"another realm", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Www-Authenticate", fmt.Sprintf(challenge, "http://inside:8080"))
		}, Problem, "elsewhere for a token"},
		{"another server", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Del("Docker-Distribution-Api-Version")
		}, Problem, "not by a registry"},
		{"a limit on bodies", func(w http.ResponseWriter, r *http.Request, _ string) {
			if r.ContentLength > 1<<20 {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		}, Problem, "refuses large layers"},
		{"a clock of its own", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		}, Problem, "from this machine's clock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var base string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
				w.Header().Set("Www-Authenticate", fmt.Sprintf(challenge, base))
				c.answer(w, r, base)
				w.WriteHeader(http.StatusUnauthorized)
			}))
			defer s.Close()
			s.Config.ErrorLog = nil
			base = s.URL
			g := &Given{Config: config.Config{ExternalURL: []string{s.URL}}}
			expect(t, findings(t, g.external), c.status, c.words)
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		g := &Given{Config: config.Config{ExternalURL: []string{"http://" + closedPort(t)}}}
		expect(t, findings(t, g.external), Warning, "doesn't answer from here")
	})
	t.Run("an expired certificate", func(t *testing.T) {
		cert, key := certificateOf(t, "localhost", time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		s.StartTLS()
		defer s.Close()
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		g := &Given{Config: config.Config{ExternalURL: []string{"https://localhost:" + u.Port()}}}
		expect(t, findings(t, g.external), Problem, "expired")
	})
}

// lying is a store that gives other bytes than it was given.
type lying struct{ blob.Store }

func (l lying) Open(ctx context.Context, location string) (blob.Content, error) {
	c, err := l.Store.Open(ctx, location)
	return shifted{c}, err
}

type shifted struct{ blob.Content }

func (s shifted) Seek(offset int64, whence int) (int64, error) {
	return s.Content.Seek(offset+1, whence)
}

func TestBucket(t *testing.T) {
	dir := t.TempDir()
	store, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	expect(t, findings(t, func(ctx context.Context, n *Notes) { bucket(ctx, n, store) }), OK, "multipart")
	err = store.Blobs(t.Context(), func(location string, _ int64) error { return fmt.Errorf("%s was left", location) })
	if err != nil {
		t.Error(err)
	}
	expect(t, findings(t, func(ctx context.Context, n *Notes) { bucket(ctx, n, lying{store}) }), Problem, "other bytes")
	g := &Given{Config: config.Config{StorageURL: "s3://b"}}
	expect(t, findings(t, g.storage(func(context.Context, string) (blob.Store, error) { return nil, blob.ErrNotFound })), Problem, "not found")
}

func TestText(t *testing.T) {
	var b strings.Builder
	Report{Took: 1, Findings: []Finding{{"clock", OK, "well", ""}, {"redis", Problem, "bad\x1b[31m\nworse", "Do it."}}}.WriteText(&b)
	want := "ok       clock         well\nproblem  redis         bad [31m worse\n                       → Do it.\n\n1 problem, 0 warnings, in 1.0 s.\n"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
}
