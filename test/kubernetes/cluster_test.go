//go:build acceptance

package kubernetes

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

const (
	adminToken   = "token-of-the-administrator"
	webhookToken = "token-of-the-webhook"
	// webhookUser is the service account of the manifests, so that their RBAC is what the webhook gets by with.
	webhookUser = "system:serviceaccount:haven-admission:haven-admission"
)

// cluster is an API server without nodes.
type cluster struct {
	t      *testing.T
	url    string
	dir    string
	caFile string
	roots  *x509.CertPool
	client *http.Client
	clean  string // the digest of the image that may run
	secret string // of the robot that asks about images
	more   string // registries of the policy beside Haven
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// run starts a program that is killed when the test ends; the end of its log is shown when the test failed.
func run(t *testing.T, log string, program string, args ...string) *exec.Cmd {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log)
			t.Logf("the end of %s:\n%s", filepath.Base(log), text[max(0, len(text)-4000):])
		}
	})
	return cmd
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir()}
	store := "http://127.0.0.1:" + freePort(t)
	peers := "http://127.0.0.1:" + freePort(t)
	run(t, filepath.Join(c.dir, "etcd.log"), haventest.Tool(t, "etcd"), "--data-dir", filepath.Join(c.dir, "etcd"),
		"--listen-client-urls", store, "--advertise-client-urls", store, "--listen-peer-urls", peers,
		"--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers)
	signing, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key := c.write("sa.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(signing)})))
	tokens := c.write("tokens.csv", adminToken+",admin,1,system:masters\n"+webhookToken+","+webhookUser+",2,system:authenticated\n")
	port := freePort(t)
	c.url = "https://127.0.0.1:" + port
	run(t, filepath.Join(c.dir, "kube-apiserver.log"), haventest.Tool(t, "kube-apiserver"), "--etcd-servers="+store, "--bind-address=127.0.0.1",
		"--secure-port="+port, "--cert-dir="+filepath.Join(c.dir, "certs"), "--service-account-key-file="+key, "--service-account-signing-key-file="+key,
		"--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=RBAC", "--token-auth-file="+tokens,
		"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount", "--feature-gates=ImageVolume=true")
	c.caFile = filepath.Join(c.dir, "certs", "apiserver.crt")
	await.Until(t, "the API server has a certificate", func() bool {
		text, err := os.ReadFile(c.caFile)
		c.roots = x509.NewCertPool()
		return err == nil && c.roots.AppendCertsFromPEM(text)
	})
	c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.roots}}}
	last := ""
	await.Until(t, "the API server is ready", func() bool {
		var status int
		status, last = c.try(http.MethodGet, "/readyz", nil)
		return status == http.StatusOK
	}, func() string { return last })
	return c
}

func (c *cluster) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// try asks the API as its administrator.
func (c *cluster) try(method, path string, body any) (int, string) {
	status, text, _ := c.ask(method, path, "application/json", body)
	return status, text
}

func (c *cluster) ask(method, path, contentType string, body any) (status int, text string, header http.Header) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequest(method, c.url+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", contentType)
	answer, err := c.client.Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, string(all), answer.Header
}

// must asks, and ends the test unless that succeeds. answer may be nil.
func (c *cluster) must(method, path string, body, answer any) {
	c.t.Helper()
	contentType := "application/json"
	if method == http.MethodPatch {
		contentType = "application/merge-patch+json"
	}
	status, text, _ := c.ask(method, path, contentType, body)
	if status/100 != 2 {
		c.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if answer != nil {
		if err := json.Unmarshal([]byte(text), answer); err != nil {
			c.t.Fatal(err)
		}
	}
}

// namespace makes a namespace with a mode, "" for none.
func (c *cluster) namespace(name, mode string) {
	c.t.Helper()
	labels := map[string]string{}
	if mode != "" {
		labels["haven.io/admission"] = mode
	}
	c.must(http.MethodPost, "/api/v1/namespaces", map[string]any{"metadata": map[string]any{"name": name, "labels": labels}}, nil)
}

// collection is where objects of a kind are made.
func collection(apiVersion, kind, namespace string) string {
	base := "/apis/" + apiVersion
	if apiVersion == "v1" {
		base = "/api/v1"
	}
	plural := strings.ToLower(kind) + "s"
	if namespace != "" {
		return base + "/namespaces/" + namespace + "/" + plural
	}
	return base + "/" + plural
}
