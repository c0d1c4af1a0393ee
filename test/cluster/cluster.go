//go:build acceptance

package cluster

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// AdminToken is the bearer token of the cluster's administrator.
const AdminToken = "token-of-the-administrator"

// Cluster is an API server without nodes.
type Cluster struct {
	T      testing.TB // the test that fails when a call does; steps of a test set their own
	URL    string
	Dir    string // for files of the test
	CAFile string // the authority of URL (PEM)
	client *http.Client
}

// Start runs an API server until the test ends. Beside the administrator it knows users by their tokens: each is a
// line TOKEN,NAME,UID,GROUP of Kubernetes' static token file.
func Start(t testing.TB, users ...string) *Cluster {
	t.Helper()
	c := &Cluster{T: t, Dir: t.TempDir()}
	store := "http://127.0.0.1:" + FreePort(t)
	peers := "http://127.0.0.1:" + FreePort(t)
	Run(t, filepath.Join(c.Dir, "etcd.log"), haventest.Tool(t, "etcd"), "--data-dir", filepath.Join(c.Dir, "etcd"),
		"--listen-client-urls", store, "--advertise-client-urls", store, "--listen-peer-urls", peers,
		"--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers)
	signing, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key := c.Write("sa.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(signing)})))
	tokens := c.Write("tokens.csv", strings.Join(append([]string{AdminToken + ",admin,1,system:masters"}, users...), "\n")+"\n")
	port := FreePort(t)
	c.URL = "https://127.0.0.1:" + port
	Run(t, filepath.Join(c.Dir, "kube-apiserver.log"), haventest.Tool(t, "kube-apiserver"), "--etcd-servers="+store, "--bind-address=127.0.0.1",
		"--secure-port="+port, "--cert-dir="+filepath.Join(c.Dir, "certs"), "--service-account-key-file="+key, "--service-account-signing-key-file="+key,
		"--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=RBAC", "--token-auth-file="+tokens,
		"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount", "--feature-gates=ImageVolume=true")
	c.CAFile = filepath.Join(c.Dir, "certs", "apiserver.crt")
	roots := x509.NewCertPool()
	await.Until(t, "the API server has a certificate", func() bool {
		text, err := os.ReadFile(c.CAFile)
		return err == nil && roots.AppendCertsFromPEM(text)
	})
	c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	last := ""
	await.Until(t, "the API server is ready", func() bool {
		var status int
		status, last = c.Try(http.MethodGet, "/readyz", nil)
		return status == http.StatusOK
	}, func() string { return last })
	return c
}

// Write puts a file into Dir and returns its path.
func (c *Cluster) Write(name, text string) string {
	c.T.Helper()
	path := filepath.Join(c.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.T.Fatal(err)
	}
	return path
}

// Try asks the API as its administrator. The status is 0 when nobody answers.
func (c *Cluster) Try(method, path string, body any) (int, string) {
	status, text, _ := c.Ask(method, path, "application/json", body)
	return status, text
}

// Ask is Try with a body of another type, which is given as JSON all the same.
func (c *Cluster) Ask(method, path, contentType string, body any) (status int, text string, header http.Header) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			c.T.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequest(method, c.URL+path, content)
	if err != nil {
		c.T.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+AdminToken)
	r.Header.Set("Content-Type", contentType)
	answer, err := c.client.Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		c.T.Fatal(err)
	}
	return answer.StatusCode, string(all), answer.Header
}

// Must asks, and ends the test unless that succeeds. answer may be nil.
func (c *Cluster) Must(method, path string, body, answer any) {
	c.T.Helper()
	contentType := "application/json"
	if method == http.MethodPatch {
		contentType = "application/merge-patch+json"
	}
	status, text, _ := c.Ask(method, path, contentType, body)
	if status/100 != 2 {
		c.T.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if answer != nil {
		if err := json.Unmarshal([]byte(text), answer); err != nil {
			c.T.Fatal(err)
		}
	}
}

// Namespace makes a namespace with labels, which may be nil.
func (c *Cluster) Namespace(name string, labels map[string]string) {
	c.T.Helper()
	c.Must(http.MethodPost, "/api/v1/namespaces", map[string]any{"metadata": map[string]any{"name": name, "labels": labels}}, nil)
}

// Collection is where objects of a kind are made, in a namespace or, with "", in none.
func Collection(apiVersion, kind, namespace string) string {
	base := "/apis/" + apiVersion
	if apiVersion == "v1" {
		base = "/api/v1"
	}
	if namespace != "" {
		base += "/namespaces/" + namespace
	}
	return base + "/" + plural(strings.ToLower(kind))
}

// plural is right for the kinds that are made here.
func plural(kind string) string {
	if stem, ok := strings.CutSuffix(kind, "y"); ok {
		return stem + "ies"
	}
	if strings.HasSuffix(kind, "s") {
		return kind + "es"
	}
	return kind + "s"
}
