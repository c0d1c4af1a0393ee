package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/havenregistry/haven/internal/config"
)

// health asks the server that has the same settings whether it is ready: a probe for containers, which hold no other program.
type health struct {
	config.Config `embed:""`
	Timeout       time.Duration `default:"5s" placeholder:"DURATION" help:"How long it may take to answer."`
}

// Run implements kong's command.
func (h *health) Run(ctx context.Context) error {
	if err := h.Complete(); err != nil {
		return err
	}
	url, err := h.address()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// Whom the certificate is for doesn't matter: it is this machine that is asked, nothing is told it, and one bit comes back.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // as said
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s answers %s", url, answer.Status)
	}
	fmt.Println("ready")
	return nil
}

// address is where a probe is answered: at the port of metrics, which speaks plain HTTP to everybody, or else at the port of clients.
func (h *health) address() (string, error) {
	scheme, at := "http", h.MetricsListen
	switch {
	case at != "":
	case h.TLSClientCAFile != "":
		return "", errors.New("metrics_listen is off, and at listen only clients with a certificate are answered: set metrics_listen, such as 127.0.0.1:9090")
	default:
		at = h.Listen
		if h.TLSACME || h.TLSCertFile != "" {
			scheme = "https"
		}
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return "", err
	}
	if port == "0" {
		return "", fmt.Errorf("%s: any free port was asked for, so it isn't known which", at)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/readyz", nil
}
