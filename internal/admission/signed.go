package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/admission/foreign"
	"github.com/havenregistry/haven/internal/trust/policy"
	"github.com/havenregistry/haven/internal/trust/verify"
)

// Signed says by which signatures images of a registry other than Haven are let in, and how that is asked. Paths may be
// relative to the policy's folder.
type Signed struct {
	Trust     yaml.Node `yaml:"trust"`      // a trust policy in the words of a project's
	TrustFile string    `yaml:"trust_file"` // or a file with one, in JSON

	CredentialsFile string   `yaml:"credentials_file"` // of Docker's format
	CAFile          string   `yaml:"ca_file"`          // beside the system's authorities
	PlainHTTP       bool     `yaml:"plain_http"`
	TokenServer     string   `yaml:"token_server"` // that gets the credentials too
	Networks        []string `yaml:"networks"`     // that the registry may lead to, beside the internet
	Timeout         Duration `yaml:"timeout"`      // of all that is asked about an image; 5s when 0
	Concurrency     int      `yaml:"concurrency"`  // images at once; 8 when 0
}

const (
	signedTimeout     = Duration(5 * time.Second)
	signedConcurrency = 8
	maxNetworks       = 100
)

// absent reports settings that stand where another than this program decides.
func (s Signed) absent() error {
	for _, setting := range []struct {
		name string
		set  bool
	}{
		{"trust", !s.Trust.IsZero()}, {"trust_file", s.TrustFile != ""}, {"credentials_file", s.CredentialsFile != ""}, {"ca_file", s.CAFile != ""}, {"plain_http", s.PlainHTTP},
		{"token_server", s.TokenServer != ""}, {"networks", s.Networks != nil}, {"timeout", s.Timeout != 0}, {"concurrency", s.Concurrency != 0},
	} {
		if setting.set {
			return fmt.Errorf("%s: only where by is signatures", setting.name)
		}
	}
	return nil
}

// check is all that needs no other file.
func (s Signed) check() error {
	if _, err := s.networks(); err != nil {
		return err
	}
	switch {
	case s.Trust.IsZero() == (s.TrustFile == ""):
		return errors.New("trust: expected either trust, a policy as a project's in Haven (docs/signatures.md), or trust_file, a file with one")
	case s.Timeout != 0 && (s.Timeout < Duration(100*time.Millisecond) || s.Timeout > Duration(maxDeadline)):
		return fmt.Errorf("timeout: expected 100ms to %s", maxDeadline)
	case s.Concurrency < 0 || s.Concurrency > 64:
		return errors.New("concurrency: expected 1 to 64")
	case s.TrustFile != "":
		return nil
	}
	_, err := s.verifier("")
	return err
}

func (s Signed) networks() ([]netip.Prefix, error) {
	if len(s.Networks) > maxNetworks {
		return nil, fmt.Errorf("networks: at most %d", maxNetworks)
	}
	all := make([]netip.Prefix, len(s.Networks))
	for i, text := range s.Networks {
		var err error
		if all[i], err = netip.ParsePrefix(text); err != nil {
			return nil, fmt.Errorf("networks[%d]: %q, expected a network such as 10.0.0.0/8", i, text)
		}
	}
	return all, nil
}

// verifier prepares the policy. Errors name the field of it that is wrong.
func (s Signed) verifier(folder string) (*verify.Verifier, error) {
	name, text, err := s.document(folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p, err := policy.Parse(text)
	if err == nil && len(p.Signers) == 0 {
		err = errors.New("signers: the policy names nobody; give at least one signer")
	}
	if err == nil {
		err = p.Complete()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	v, err := verify.New(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// document is the policy in JSON, and the setting that it is of.
func (s Signed) document(folder string) (name string, text []byte, err error) {
	if s.TrustFile == "" {
		var tree any
		if err := s.Trust.Decode(&tree); err != nil {
			return "trust", nil, err
		}
		text, err = json.Marshal(tree)
		return "trust", text, err
	}
	path := beside(folder, s.TrustFile)
	info, err := os.Stat(path)
	if err == nil && info.Size() > policy.MaxSize {
		err = fmt.Errorf("%s: larger than %d bytes", path, policy.MaxSize)
	}
	if err == nil {
		text, err = os.ReadFile(path)
	}
	return "trust_file", text, err
}

// beside is a path, from a folder where it is relative; "" stays so.
func beside(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// registry prepares the registry that the prefix is of.
func (s Signed) registry(host, folder string, clock func() time.Time) (*foreign.Registry, error) {
	verifier, err := s.verifier(folder)
	if err != nil {
		return nil, err
	}
	networks, err := s.networks()
	if err != nil {
		return nil, err
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = signedTimeout
	}
	return foreign.New(foreign.Settings{
		Host: host, Verifier: verifier, CredentialsFile: beside(folder, s.CredentialsFile), CAFile: beside(folder, s.CAFile), PlainHTTP: s.PlainHTTP,
		TokenServer: s.TokenServer, Networks: networks, Timeout: time.Duration(timeout), Clock: clock,
	})
}
