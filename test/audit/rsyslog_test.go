//go:build acceptance

package audit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// rsyslog is a real receiver. It writes each message down as it reads it.
type rsyslog struct {
	t                 *testing.T
	dir, address, out string
	authority         string // PEM, of the certificate that it shows
	process           *exec.Cmd
}

func newRsyslog(t *testing.T, secured bool) *rsyslog {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r := &rsyslog{t: t, dir: dir, address: l.Addr().String(), out: filepath.Join(dir, "out")}
	must(t, l.Close())
	_, port, err := net.SplitHostPort(r.address)
	must(t, err)
	global, driver := "", ""
	if secured {
		r.authority = r.certificate()
		global = fmt.Sprintf(` DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="%[1]s/cert.pem" DefaultNetstreamDriverCertFile="%[1]s/cert.pem" DefaultNetstreamDriverKeyFile="%[1]s/key.pem"`, dir)
		driver = ` StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"`
	}
	config := fmt.Sprintf(`global(workDirectory="%[1]s" maxMessageSize="16k"%[2]s)
main_queue(queue.type="direct")
module(load="imtcp"%[3]s)
input(type="imtcp" address="127.0.0.1" port="%[4]s")
template(name="raw" type="string" string="%%rawmsg%%\n")
*.* action(type="omfile" file="%[5]s" template="raw")
`, dir, global, driver, port, r.out)
	must(t, os.WriteFile(filepath.Join(dir, "conf"), []byte(config), 0o600))
	r.start()
	t.Cleanup(r.kill)
	return r
}

// certificate makes a key and a certificate of 127.0.0.1 that signs itself.
func (r *rsyslog) certificate() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(r.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(r.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(r.t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	must(r.t, os.WriteFile(filepath.Join(r.dir, "cert.pem"), cert, 0o600))
	must(r.t, os.WriteFile(filepath.Join(r.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return string(cert)
}

func (r *rsyslog) start() {
	r.t.Helper()
	r.process = exec.Command("rsyslogd", "-n", "-f", filepath.Join(r.dir, "conf"), "-i", filepath.Join(r.dir, "pid")) //nolint:gosec // the test's own
	r.process.Env = append(os.Environ(), "PATH=/usr/sbin:"+os.Getenv("PATH"))
	if path, err := exec.LookPath("/usr/sbin/rsyslogd"); err == nil {
		r.process.Path, r.process.Err = path, nil
	}
	must(r.t, r.process.Start())
	await.Until(r.t, "rsyslog listens", func() bool {
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			err = c.Close()
		}
		return err == nil
	})
}

func (r *rsyslog) kill() {
	if r.process != nil {
		_ = r.process.Process.Kill()
		_ = r.process.Wait()
		_ = os.Remove(filepath.Join(r.dir, "pid"))
		r.process = nil
	}
}

var idOf = regexp.MustCompile(`\[haven@32473 id="([0-9]+)"`)

// ids are those of the rows that came, in the order in which each came first.
func (r *rsyslog) ids() (all []int64) {
	r.t.Helper()
	text, err := os.ReadFile(r.out)
	must(r.t, err)
	seen := map[int64]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		found := idOf.FindStringSubmatch(line)
		if found == nil {
			r.t.Fatalf("rsyslog took down %q", line)
		}
		id, err := strconv.ParseInt(found[1], 10, 64)
		must(r.t, err)
		if !seen[id] {
			seen[id], all = true, append(all, id)
		}
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type state struct {
	State       string
	PendingRows int64  `json:"pending_rows"`
	SentRows    int64  `json:"sent_rows"`
	LastError   string `json:"last_error"`
}

func stateOf(t *testing.T, d haventest.Door) (s state) {
	t.Helper()
	must(t, json.Unmarshal(d.Admin(t, 200, "GET", "/api/haven/v1/audit/forwarding", nil).Body, &s))
	return s
}

// Rows reach a real receiver, all of them and in order, though it is killed while they come; then over TLS.
func TestRsyslogGetsEverything(t *testing.T) {
	for _, secured := range []bool{false, true} {
		t.Run(map[bool]string{false: "tcp", true: "tls"}[secured], func(t *testing.T) {
			r := newRsyslog(t, secured)
			s := haventest.Start(t, haventest.Options{})
			protocol := map[bool]string{false: "tcp", true: "tls"}[secured]
			s.Admin(t, 400, "PUT", "/api/v2.0/configurations", map[string]any{"audit_log_forward_endpoint": "127.0.0.1:1"})
			if secured { // whose certificate nobody vouches for gets nothing
				s.Admin(t, 400, "PUT", "/api/v2.0/configurations", map[string]any{"audit_log_forward_endpoint": r.address, "audit_log_forward_protocol": "tls"})
			}
			s.Admin(t, 200, "PUT", "/api/v2.0/configurations", map[string]any{
				"audit_log_forward_endpoint": r.address, "audit_log_forward_protocol": protocol, "audit_log_forward_ca_certificate": r.authority})
			first := newest(t, s.Door)
			made := 0
			label := func(n int) {
				for range n {
					made++
					s.Admin(t, 201, "POST", "/api/v2.0/labels", map[string]any{"scope": "g", "name": fmt.Sprintf("l%d\"]\n", made)})
				}
			}
			label(40)
			await.Until(t, "some rows arrive", func() bool { _, err := os.Stat(r.out); return err == nil && len(r.ids()) > 5 })
			r.kill()
			label(20)
			await.Until(t, "the failure shows", func() bool { return stateOf(t, s.Door).State == "failing" })
			r.start()
			label(20)
			r.kill()
			r.start()
			label(20)
			await.Until(t, "all is delivered", func() bool { return stateOf(t, s.Door).PendingRows == 0 })
			last := newest(t, s.Door)
			ids := r.ids()
			if last-first < 100 || ids[len(ids)-1] != last {
				t.Fatalf("rows %d to %d came to be, %d arrived, the last is %d", first+1, last, len(ids), ids[len(ids)-1])
			}
			for i, id := range ids { // ids of this database have no gaps
				if id != ids[0]+int64(i) || ids[0] > first+1 {
					t.Fatalf("rows %d to %d came to be; %v arrived", first+1, last, ids)
				}
			}
		})
	}
}

// newest is the id of the newest row.
func newest(t *testing.T, d haventest.Door) int64 {
	t.Helper()
	var rows []struct{ ID int64 }
	must(t, json.Unmarshal(d.Admin(t, 200, "GET", "/api/v2.0/auditlog-exts?page_size=1&sort=-id", nil).Body, &rows))
	return rows[0].ID
}
