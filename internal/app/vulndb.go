package app

import (
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// scanDir is where the processes that read images have what is too large for memory.
func scanDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "scan") }

const (
	// answerTime bounds how long a source of the vulnerability database may be silent. The database itself may take hours.
	answerTime = time.Minute
	// largestEdition bounds what a source may send, in bytes.
	largestEdition = 4 << 30
	// sourceRedirects is how many a source may answer with: registries send to their storage.
	sourceRedirects = 5
)

// sourceClient asks the sources of the vulnerability database, which an operator entered, and what they lead to on the
// public internet and in the listed networks.
func sourceClient(networks []netip.Prefix, calls *outbound.Calls) (*http.Client, error) {
	return outbound.New(outbound.Purpose{
		Peer: outbound.VulnDB, Calls: calls, Reach: outbound.Administered(), Elsewhere: outbound.Internet(networks...), Redirects: sourceRedirects, Proxied: true, Timeout: -1, Stall: answerTime, MaxBody: largestEdition,
	}).HTTP(outbound.Trust{})
}

// vulnerabilities makes what keeps the vulnerability database.
func (a *App) vulnerabilities() (*vulndb.Service, error) {
	sources, err := vulndb.ParseSources(a.cfg.VulnDBSource)
	if err != nil {
		return nil, fmt.Errorf("vulndb_source: %w", err)
	}
	client, err := sourceClient(a.cfg.ScannerNetworks, a.calls)
	if err != nil {
		return nil, err
	}
	a.vulndb = vulndb.New(vulndb.Deps{
		DB: a.db, Records: a.blobs, Verifier: a.engine, Client: client, Sources: sources, Jobs: a.jobs, Happened: event.Append,
		Dir: filepath.Join(a.cfg.DataDir, "vulndb"), Clock: time.Now, Log: a.log,
	})
	return a.vulndb, nil
}
