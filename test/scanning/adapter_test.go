//go:build acceptance

package scanning

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/haventest"
)

const scannerKey = "canary-of-the-scanner"

// startScanner runs `haven scanner` with the first edition of the database, and returns its address.
func startScanner(t *testing.T) (address string, cmd *exec.Cmd) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(t.TempDir(), "database")
	if err := os.MkdirAll(database, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := scantest.WriteDatabase(database, 1); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "scanner.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(haventest.Binary(t, true), "scanner", "--listen", host, "--data-dir", t.TempDir(), "--vulndb-source", "file://"+database)
	cmd.Env = append(os.Environ(), "HAVEN_SCANNER_CREDENTIAL="+scannerKey)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		text, err := os.ReadFile(log.Name())
		if err != nil || strings.Contains(string(text), scannerKey) {
			t.Errorf("the scanner's log shows its credential, or can't be read: %v", err)
		}
		if t.Failed() {
			t.Logf("the scanner's log:\n%s", text)
		}
	})
	eventually(t, "the scanner is ready", func() (bool, string) {
		answer, err := http.Get("http://" + host + "/probe/ready")
		if err != nil {
			return false, err.Error()
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK, answer.Status
	})
	return "http://" + host, cmd
}

// The built-in scanner in a process of its own scans for another Haven, by Harbor's adapter API, and finds what Trivy
// finds. One with a wrong key is refused; one that dies fails its scans with a reason, and holds up nobody.
func TestScannerOfItsOwn(t *testing.T) {
	address, process := startScanner(t)
	server := haventest.Start(t, haventest.Options{Plain: true})
	server.NewProject(t, "team", false)
	server.NewProject(t, "other", false)
	importDatabase(t, server.Door, 1)
	registration := map[string]any{"name": "elsewhere", "url": address, "auth": "X-ScannerAdapter-API-Key", "access_credential": "wrong"}
	if answer := server.Call(t, "admin", haventest.AdminPassword, http.MethodPost, "/api/v2.0/scanners", registration); answer.Status/100 != 4 {
		t.Fatalf("registered with a wrong key: %d %s", answer.Status, answer.Body)
	}
	registration["access_credential"] = scannerKey
	location := server.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/scanners", registration).Header.Get("Location")
	uuid := location[strings.LastIndex(location, "/")+1:]
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/projects/team/scanner", map[string]string{"uuid": uuid})
	for _, name := range []string{"clean", "debian", "app"} {
		push(t, server.Door, "team/"+name, "v1", scantest.MakeImage(t, name))
		server.Admin(t, http.StatusAccepted, http.MethodPost, artifactPath("team/"+name, "v1")+"/scan", nil)
	}
	for _, name := range []string{"clean", "debian", "app"} {
		awaitScan(t, server.Door, "team/"+name, "v1", "Success")
		sameFindings(t, name, findings(t, server.Door, "team/"+name, "v1"), expected(name, 1))
	}
	setProject(t, server.Door, "team", map[string]string{"prevent_vul": "true", "severity": "high"})
	if status, message := pull(t, server.Door, "team/debian", "v1"); status != http.StatusPreconditionFailed || !strings.Contains(message, "823 vulnerabilities") {
		t.Errorf("what another scanner found refuses nothing: %d %s", status, message)
	}

	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait() // killed
	push(t, server.Door, "team/late", "v1", scantest.MakeImage(t, "stale"))
	push(t, server.Door, "other/late", "v1", scantest.MakeImage(t, "stale"))
	server.Admin(t, http.StatusAccepted, http.MethodPost, artifactPath("other/late", "v1")+"/scan", nil)
	awaitScan(t, server.Door, "other/late", "v1", "Success")
	if answer := server.Call(t, "admin", haventest.AdminPassword, http.MethodPost, artifactPath("team/late", "v1")+"/scan", nil); answer.Status == http.StatusAccepted {
		awaitScan(t, server.Door, "team/late", "v1", "Error")
	} else if answer.Status/100 != 4 {
		t.Errorf("a scan by a scanner that is gone: %d %s", answer.Status, answer.Body)
	}
}
