package kube

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// api is a client of a server that notes the last request and answers by a table. A real API server meets the client in
// test/kubernetes.
type api struct {
	answers map[string]string // by method and path; "404 …" with a status other than 200
	request *http.Request
	body    []byte
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.request = r
	a.body, _ = io.ReadAll(r.Body)
	answer, ok := a.answers[r.Method+" "+r.URL.Path]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"kind":"Status","message":"there is no such thing"}`)
	case answer == "conflict":
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `<html>`)
	default:
		io.WriteString(w, answer)
	}
}

func newAPI(t *testing.T, answers map[string]string) (*api, *Client, string) {
	t.Helper()
	a := &api{answers: answers}
	server := httptest.NewTLSServer(a)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	access := Access{URL: server.URL, TokenFile: filepath.Join(dir, "token"), CAFile: filepath.Join(dir, "ca.crt")}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for file, text := range map[string][]byte{access.TokenFile: []byte("first\n"), access.CAFile: authority} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := New(access)
	if err != nil {
		t.Fatal(err)
	}
	return a, c, access.TokenFile
}

func TestAccess(t *testing.T) {
	a, c, token := newAPI(t, map[string]string{"GET /api/v1/namespaces/n": `{"metadata":{"labels":{"a":"b"}}}`})
	found, err := c.Labels(t.Context(), "n")
	if err != nil || found["a"] != "b" || a.request.Header.Get("Authorization") != "Bearer first" {
		t.Errorf("%v, %v, %v", found, err, a.request.Header)
	}
	if err := os.WriteFile(token, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Labels(t.Context(), "x/../n"); !IsStatus(err, http.StatusNotFound) || !strings.Contains(err.Error(), "there is no such thing") || a.request.Header.Get("Authorization") != "Bearer second" {
		t.Errorf("%v, %v", err, a.request.Header)
	}
	if a.request.URL.EscapedPath() != "/api/v1/namespaces/x%2F..%2Fn" {
		t.Errorf("asked for %s", a.request.URL.EscapedPath())
	}
	os.Remove(token)
	if _, err := c.Labels(t.Context(), "n"); err == nil {
		t.Error("asked without a token")
	}
	for _, url := range []string{"", "kubernetes", "ftp://x", "https://u:p@x"} {
		if _, err := New(Access{URL: url}); err == nil {
			t.Errorf("%q is taken for an address", url)
		}
	}
	stranger, err := New(Access{URL: c.access.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Labels(t.Context(), "n"); err == nil {
		t.Error("an authority that nobody named is believed")
	}
}

func TestInCluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	if a, ok := InCluster(); ok {
		t.Errorf("got %v", a)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
	if a, ok := InCluster(); !ok || a.URL != "https://[fd00::1]:443" || a.CAFile == "" || a.TokenFile == "" {
		t.Errorf("got %v", a)
	}
}

func TestSecrets(t *testing.T) {
	const one = `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"n","resourceVersion":"7","labels":{"a":"b"}},"type":"Opaque","data":{"k":"dg=="}}`
	a, c, _ := newAPI(t, map[string]string{
		"GET /api/v1/namespaces/n/secrets/s": one, "PUT /api/v1/namespaces/n/secrets/s": "conflict", "POST /api/v1/namespaces/n/secrets": one,
	})
	s, err := c.Secret(t.Context(), "n", "s")
	if err != nil || s.Metadata.ResourceVersion != "7" || string(s.Data["k"]) != "v" {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := c.PutSecret(t.Context(), s); !IsStatus(err, http.StatusConflict) {
		t.Errorf("got %v", err)
	}
	var sent map[string]any
	if err := json.Unmarshal(a.body, &sent); err != nil || sent["kind"] != "Secret" || sent["metadata"].(map[string]any)["resourceVersion"] != "7" || sent["data"].(map[string]any)["k"] != "dg==" {
		t.Errorf("sent %s", a.body)
	}
	if _, err := c.PutSecret(t.Context(), Secret{Metadata: Meta{Namespace: "n", Name: "s"}}); err != nil || a.request.Method != http.MethodPost {
		t.Errorf("%v, %s", err, a.request.Method)
	}
	if _, err := c.Secret(t.Context(), "n", "other"); !IsStatus(err, http.StatusNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestInject(t *testing.T) {
	const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/w"
	a, c, _ := newAPI(t, map[string]string{
		"GET " + path:   `{"metadata":{"resourceVersion":"9"},"webhooks":[{"clientConfig":{"caBundle":"bmV3"}},{"clientConfig":{}},{"clientConfig":{"caBundle":"b2xk"}}]}`,
		"PATCH " + path: `{}`,
	})
	changed, err := c.Inject(t.Context(), Validating, "w", []byte("new"))
	const want = `[{"op":"test","path":"/metadata/resourceVersion","value":"9"},{"op":"add","path":"/webhooks/1/clientConfig/caBundle","value":"bmV3"},{"op":"add","path":"/webhooks/2/clientConfig/caBundle","value":"bmV3"}]`
	if err != nil || !changed || string(a.body) != want || a.request.Header.Get("Content-Type") != "application/json-patch+json" {
		t.Errorf("%v, %v, sent %s", changed, err, a.body)
	}
	a.answers["GET "+path] = `{"metadata":{"resourceVersion":"9"},"webhooks":[{"clientConfig":{"caBundle":"bmV3"}}]}`
	if changed, err := c.Inject(t.Context(), Validating, "w", []byte("new")); err != nil || changed || a.request.Method != http.MethodGet {
		t.Errorf("%v, %v after %s", changed, err, a.request.Method)
	}
	if _, err := c.Inject(t.Context(), Mutating, "w", []byte("new")); !IsStatus(err, http.StatusNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestTell(t *testing.T) {
	a, c, _ := newAPI(t, map[string]string{"POST /api/v1/namespaces/n/events": `{}`})
	err := c.Tell(t.Context(), Event{About: Reference{APIVersion: "v1", Kind: "Pod", Namespace: "n", Name: "p"}, Reason: "R", Message: "m", Component: "c", At: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"apiVersion":"v1","kind":"Event","metadata":{"generateName":"c-","namespace":"n"},"involvedObject":{"apiVersion":"v1","kind":"Pod","namespace":"n","name":"p"},"reason":"R","message":"m","type":"Warning","source":{"component":"c"},"firstTimestamp":"1970-01-01T00:00:00Z","lastTimestamp":"1970-01-01T00:00:00Z","count":1,"reportingComponent":"c","reportingInstance":"c"}`
	if string(a.body) != want {
		t.Errorf("sent %s", a.body)
	}
}

func TestAnswersOfTheClusterAreBounded(t *testing.T) {
	_, c, _ := newAPI(t, map[string]string{
		"GET /api/v1/namespaces/large": `{"metadata":{"name":"` + strings.Repeat("x", maxAnswer) + `"}}`, "GET /api/v1/namespaces/page": "<html>",
	})
	for _, name := range []string{"large", "page"} {
		if _, err := c.Labels(t.Context(), name); err == nil {
			t.Errorf("%s: taken for an answer", name)
		}
	}
}
