package app

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/config"
)

// The program by itself: it makes its certificate, answers by HTTPS, and goes on answering for a while when it is told to
// leave. A real cluster asks it in test/kubernetes; this one only keeps a Secret.
func TestAdmissionServesAndLeaves(t *testing.T) {
	var mu sync.Mutex
	var kept []byte
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/namespaces/door/secrets") && kept == nil:
			kept, _ = io.ReadAll(r.Body)
			w.Write(kept)
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/secrets/s") && kept != nil:
			w.Write(kept)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer cluster.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("mode: enforce\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Admission{Policy: policy, Listen: address, SelfSigned: true, ServiceName: "haven", Namespace: "door", TLSSecret: "s", KubeAPI: cluster.URL,
		ValidatingWebhook: "v", MutatingWebhook: "m", CertificateLife: time.Hour, AuthorityLife: 2 * time.Hour, AuthoritySettle: time.Minute, DrainDelay: 500 * time.Millisecond}
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	a, err := NewAdmission(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	status := func(path string) int {
		answer, err := client.Get("https://" + address + path)
		if err != nil {
			return 0
		}
		defer answer.Body.Close()
		if err := answer.TLS.PeerCertificates[0].VerifyHostname("haven.door.svc"); err != nil {
			t.Error(err)
		}
		return answer.StatusCode
	}
	await.Until(t, "it is ready", func() bool { return status("/readyz") == http.StatusOK })
	stop()
	await.Until(t, "it says that it leaves", func() bool { return status("/readyz") == http.StatusServiceUnavailable })
	if got := status("/healthz"); got != http.StatusOK {
		t.Errorf("it doesn't answer any more while others don't know that it leaves: %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
