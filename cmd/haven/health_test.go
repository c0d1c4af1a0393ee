package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	var ready bool
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || !ready {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	})
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	defer plain.Close()
	defer secure.Close()
	_, plainPort, _ := strings.Cut(plain.Listener.Addr().String(), ":")
	pem := file(t, "") // that it holds nothing doesn't matter to who asks
	certificate := "tls_cert_file: " + pem + "\ntls_key_file: " + pem + "\n"
	clients := certificate + "tls_client_ca_file: " + pem + "\n"
	cases := []struct {
		name, yaml string
		status     int
		want       string
	}{
		{"by the port of metrics", "metrics_listen: " + plain.Listener.Addr().String() + "\nlisten: 127.0.0.1:1\n" + clients, 0, "ready"},
		{"by the port of clients", "metrics_listen: off\nlisten: 0.0.0.0:" + plainPort + "\n", 0, "ready"},
		{"by HTTPS", "metrics_listen: off\nlisten: " + secure.Listener.Addr().String() + "\n" + certificate, 0, "ready"},
		{"nobody serves", "metrics_listen: off\nlisten: 127.0.0.1:1\n", 1, "not ready"},
		{"clients need certificates", "metrics_listen: off\nlisten: 127.0.0.1:1\n" + clients, 1, "metrics_listen"},
		{"any port", "metrics_listen: off\nlisten: 127.0.0.1:0\n", 1, "any free port"},
		{"bad setting", "listen: nonsense\n", 1, "HOST:PORT"},
	}
	ready = true
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if status, out := haven(t, "health", "--config", file(t, c.yaml)); status != c.status || !strings.Contains(out, c.want) {
				t.Errorf("status %d: %s", status, out)
			}
		})
	}
	ready = false
	if status, out := haven(t, "health", "--config", file(t, cases[0].yaml)); status != 1 || !strings.Contains(out, "503") {
		t.Errorf("of one that isn't ready: status %d: %s", status, out)
	}
}

func TestHealthOfAddresses(t *testing.T) {
	for listen, want := range map[string]string{
		":80": "http://127.0.0.1:80/readyz", "0.0.0.0:80": "http://127.0.0.1:80/readyz", "[::]:80": "http://[::1]:80/readyz",
		"registry.example.com:80": "http://registry.example.com:80/readyz",
	} {
		h := health{}
		h.Listen = listen
		if got, err := h.address(); err != nil || got != want {
			t.Errorf("%s: %s, %v", listen, got, err)
		}
	}
}
