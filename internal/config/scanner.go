package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"github.com/havenregistry/haven/internal/secret"
)

// Scanner holds the settings of `haven scanner`.
type Scanner struct {
	DataDir      string         `name:"data-dir" default:"./scanner-data" placeholder:"DIR" help:"Folder of the vulnerability database and of all else that the scanner keeps."`
	Listen       string         `name:"listen" default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address that registries connect to."`
	TLSCertFile  string         `name:"tls-cert-file" placeholder:"FILE" help:"Certificate chain (PEM). With it the scanner speaks HTTPS. Both files are read anew when they change."`
	TLSKeyFile   string         `name:"tls-key-file" placeholder:"FILE" help:"Private key of the certificate (PEM)."`
	VulnDBSource []secret.Text  `name:"vulndb-source" placeholder:"URL" help:"Where the vulnerability database comes from, tried in order: file:///DIR-OR-ARCHIVE or oci://HOST/REPO:TAG."`
	Auth         string         `name:"scanner-auth" default:"api-key" enum:"api-key,basic,bearer,none" help:"How registries make themselves known: api-key (X-ScannerAdapter-API-Key), basic, bearer or none."`
	Credential   secret.Text    `name:"scanner-credential" placeholder:"TEXT" help:"What they must send: the key, the token, or NAME:PASSWORD. Default: a random one, kept in DATA_DIR/scanner-credential."`
	Networks     []netip.Prefix `name:"scanner-networks" placeholder:"CIDR" help:"Private networks with the storage or the token services that registries and sources of the vulnerability database lead to. Their own addresses may be private without it."`
	Confinement  string         `name:"scan-confinement" default:"best" enum:"best,full" help:"best: processes that read images are confined as far as the machine lets them. full: nothing is read unless they have no network and no files but their own, which takes user namespaces, or seccomp and Landlock (Linux 5.13)."`
	Workers      int            `name:"scanner-workers" default:"2" placeholder:"N" help:"Scans at once."`
	Queue        int            `name:"scanner-queue" default:"100" placeholder:"N" help:"Scans that may wait."`
	LogLevel     slog.Level     `name:"log-level" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat    string         `name:"log-format" default:"text" enum:"text,json" help:"text or json."`
}

// Complete checks each value. The error names the setting and what it expects.
func (c *Scanner) Complete() error {
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case c.DataDir == "":
		return errors.New("data_dir: expected a folder")
	case err != nil:
		return fmt.Errorf("listen: %q is no address, expected HOST:PORT", c.Listen)
	case c.Workers < 1 || c.Workers > 64:
		return errors.New("scanner_workers: expected 1 to 64")
	case c.Queue < 1 || c.Queue > 10_000:
		return errors.New("scanner_queue: expected 1 to 10000")
	case c.Auth == "none" && !isLoopback(host):
		return errors.New("scanner_auth: none is for addresses of this machine: whoever may ask has the scanner connect to where he says")
	case c.Auth == "basic" && !strings.Contains(c.Credential.Reveal(), ":"):
		return errors.New("scanner_credential: expected NAME:PASSWORD")
	}
	tls := Config{TLSCertFile: c.TLSCertFile, TLSKeyFile: c.TLSKeyFile}
	return tls.checkTLS()
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Logger writes to stderr as log_level and log_format say.
func (c *Scanner) Logger() *slog.Logger {
	log := Config{LogLevel: c.LogLevel, LogFormat: c.LogFormat}
	return log.Logger()
}
