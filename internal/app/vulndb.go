package app

import (
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// scanDir is where the processes that read images have what is too large for memory.
func scanDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "scan") }

// answerTime bounds how long a source of the vulnerability database may take to begin its answer. The database itself
// may take hours.
const answerTime = time.Minute

// vulnerabilities makes what keeps the vulnerability database.
func (a *App) vulnerabilities() (*vulndb.Service, error) {
	sources, err := vulndb.ParseSources(a.cfg.VulnDBSource)
	if err != nil {
		return nil, fmt.Errorf("vulndb_source: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answerTime
	a.vulndb = vulndb.New(vulndb.Deps{
		DB: a.db, Records: a.blobs, Verifier: a.engine, Client: &http.Client{Transport: transport}, Sources: sources, Jobs: a.jobs,
		Dir: filepath.Join(a.cfg.DataDir, "vulndb"), Clock: time.Now, Log: a.log,
	})
	return a.vulndb, nil
}
