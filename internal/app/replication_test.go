package app

import (
	"testing"

	"github.com/havenregistry/haven/internal/config"
)

func TestItsOwnAddress(t *testing.T) {
	a := &App{cfg: config.Config{Listen: "0.0.0.0:8080", ExternalURL: []string{"https://registry.example.com"}}}
	for address, want := range map[string]bool{
		"https://registry.example.com": true, "https://Registry.example.com:443": true, "http://registry.example.com": false, "https://registry.example.com:8443": false,
		"http://127.0.0.1:8080": true, "http://localhost:8080": true, "http://127.0.0.1:8081": false, "http://[::1]:8080": true, "http://203.0.113.9:8080": false, "%": false,
	} {
		if a.addresses().has(address) != want {
			t.Errorf("%s is this registry: %v", address, !want)
		}
	}
	a.cfg = config.Config{Listen: "127.0.0.1:8080"}
	for address, want := range map[string]bool{"http://127.0.0.1:8080": true, "http://127.0.0.2:8080": false, "http://127.0.0.1": false} {
		if a.addresses().has(address) != want {
			t.Errorf("%s is this registry: %v", address, !want)
		}
	}
}
