package admission

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/outbound"
)

// Policy is the file that says which images may run: docs/admission.md describes it.
type Policy struct {
	Haven         Haven       `yaml:"haven"`
	Registries    []Registry  `yaml:"registries"`
	Mode          Mode        `yaml:"mode"`     // of namespaces that don't say
	OnError       OnError     `yaml:"on_error"` // what becomes of images that nobody can be asked about
	RequireDigest bool        `yaml:"require_digest"`
	Pin           Pin         `yaml:"pin"`
	Deadline      Duration    `yaml:"deadline"` // of an answer to the API server
	Cache         Cache       `yaml:"cache"`
	Exemptions    []Exemption `yaml:"exemptions"`

	folder string // that relative paths of registries begin in
}

// Haven says where the registry is, and as whom to ask it.
type Haven struct {
	URL          string   `yaml:"url"`
	UsernameFile string   `yaml:"username_file"`
	PasswordFile string   `yaml:"password_file"`
	CAFile       string   `yaml:"ca_file"` // beside the system's authorities
	Timeout      Duration `yaml:"timeout"` // of a question
	Concurrency  int      `yaml:"concurrency"`
}

// Registry says what becomes of images whose names begin with a prefix. The longest prefix counts.
type Registry struct {
	// Prefix ends with a slash, or is the whole name of one repository, or * for all that no other prefix is of.
	Prefix string `yaml:"prefix"`
	By     By     `yaml:"by"`
	// As stands in the prefix's place when Haven is asked: "" leaves project/repository of Haven's own address.
	As            string `yaml:"as"`
	Reason        string `yaml:"reason"` // told to whom an image is denied
	RequireDigest *bool  `yaml:"require_digest"`
	Signed        `yaml:",inline"`
}

// By is who decides about images of a registry.
type By string

// Who decides.
const (
	ByHaven      By = "haven"
	BySignatures By = "signatures" // this program: it verifies them by itself
	ByAllow      By = "allow"
	ByDeny       By = "deny"
)

// Mode is what a refusal means.
type Mode string

// The modes, as the label of a namespace spells them.
const (
	Enforce Mode = "enforce" // rejected
	Warn    Mode = "warn"    // allowed, with a warning to who asked
	Audit   Mode = "audit"   // allowed, with a note in the cluster's audit log
	Off     Mode = "off"     // not looked at
)

func (m Mode) known() bool { return m == Enforce || m == Warn || m == Audit || m == Off }

// OnError is what becomes of images about which Haven, or their registry, can't be asked.
type OnError string

// What may become of them.
const (
	Refuse OnError = "refuse"
	Allow  OnError = "allow"
)

// Pin says where digests are written into objects.
type Pin string

// Where digests are written.
const (
	PinAll  Pin = "all"  // pods and what makes pods
	PinPods Pin = "pods" // pods only: tools that compare what makes pods with files see no difference
	PinNone Pin = "none"
)

// Cache bounds what is remembered of verdicts.
type Cache struct {
	Allowed Duration `yaml:"allowed"` // by digest
	Refused Duration `yaml:"refused"`
	Tag     Duration `yaml:"tag"` // whatever the verdict, where the image was named by tag; at most maxTagLife
	Size    int      `yaml:"size"`
}

// Exemption lets images through that would be refused.
type Exemption struct {
	Namespace string `yaml:"namespace"` // glob; "" for all
	Image     string `yaml:"image"`     // glob; "" for all
	Reason    string `yaml:"reason"`
	Until     Until  `yaml:"until"`

	namespace, image glob
}

const (
	// maxPolicy bounds the file.
	maxPolicy = 1 << 20
	// maxTagLife is how long a verdict by tag counts at most: tags move.
	maxTagLife = 10 * time.Second
	// maxDeadline is the longest that an API server waits for a webhook.
	maxDeadline = 30 * time.Second
	maxEntries  = 1000
)

// defaults are the values of what a file leaves out.
func defaults() Policy {
	return Policy{
		Haven: Haven{Timeout: Duration(3 * time.Second), Concurrency: 8},
		Mode:  Enforce, OnError: Refuse, Pin: PinAll, Deadline: Duration(8 * time.Second),
		Cache: Cache{Allowed: Duration(time.Minute), Refused: Duration(10 * time.Second), Tag: Duration(maxTagLife), Size: 10_000},
	}
}

// ReadPolicy reads a policy's file.
func ReadPolicy(path string) (*Policy, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	p, err := ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("policy: %s: %w", path, err)
	}
	p.folder = filepath.Dir(path)
	return p, nil
}

// ParsePolicy reads a policy strictly: a key that isn't known, or comes twice, is an error that names it.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > maxPolicy {
		return nil, fmt.Errorf("larger than %d bytes", maxPolicy)
	}
	p := defaults()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("expected a YAML mapping as in docs/admission.md: %w", err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one YAML document")
	}
	return &p, p.check()
}

func (p *Policy) check() error {
	asks := false
	for _, r := range p.Registries {
		asks = asks || r.By == ByHaven
	}
	return errors.Join(p.checkChoices(), p.checkTimes(), p.checkRegistries(), p.checkExemptions(), p.Haven.check(asks))
}

func (p *Policy) checkChoices() error {
	switch {
	case !p.Mode.known():
		return errors.New("mode: expected enforce, warn, audit or off")
	case p.OnError != Refuse && p.OnError != Allow:
		return errors.New("on_error: expected refuse or allow")
	case p.Pin != PinAll && p.Pin != PinPods && p.Pin != PinNone:
		return errors.New("pin: expected all, pods or none")
	}
	return nil
}

func (p *Policy) checkTimes() error {
	c := p.Cache
	switch {
	case p.Deadline < Duration(time.Second) || p.Deadline > Duration(maxDeadline):
		return fmt.Errorf("deadline: expected 1s to %s", maxDeadline)
	case c.Tag < 0 || c.Tag > Duration(maxTagLife):
		return fmt.Errorf("cache.tag: expected 0s to %s, because tags move", maxTagLife)
	case c.Allowed < 0 || c.Allowed > Duration(time.Hour) || c.Refused < 0 || c.Refused > Duration(time.Hour):
		return errors.New("cache.allowed, cache.refused: expected 0s to 1h")
	case c.Size < 1 || c.Size > 1_000_000:
		return errors.New("cache.size: expected 1 to 1000000")
	}
	return nil
}

func (h Haven) check(asks bool) error {
	u, err := url.Parse(h.URL)
	switch {
	case !asks && h.URL == "":
		return nil
	case err != nil || outbound.CheckURL(u) != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return errors.New("haven.url: expected https://HOST")
	case (h.UsernameFile == "") != (h.PasswordFile == ""):
		return errors.New("haven.username_file and haven.password_file: expected both or none")
	case h.Timeout < Duration(100*time.Millisecond) || h.Timeout > Duration(maxDeadline):
		return fmt.Errorf("haven.timeout: expected 100ms to %s", maxDeadline)
	case h.Concurrency < 1 || h.Concurrency > 256:
		return errors.New("haven.concurrency: expected 1 to 256")
	}
	return nil
}

func (p *Policy) checkRegistries() error {
	if len(p.Registries) > maxEntries {
		return fmt.Errorf("registries: at most %d", maxEntries)
	}
	seen := map[string]bool{}
	for i, r := range p.Registries {
		if err := r.check(); err != nil {
			return fmt.Errorf("registries[%d]: %w", i, err)
		}
		if seen[r.Prefix] {
			return fmt.Errorf("registries[%d]: the prefix %s comes twice", i, r.Prefix)
		}
		seen[r.Prefix] = true
	}
	return nil
}

func (r Registry) check() error {
	host, path, isName := strings.Cut(r.Prefix, "/")
	switch {
	case r.Prefix == anything && r.By == ByHaven:
		return errors.New("by: haven can only be asked about a prefix that it is")
	case r.Prefix == anything && r.By == BySignatures:
		return errors.New("by: signatures are of a registry: name it in the prefix")
	case r.Prefix != anything && (!isName || !isHost(host) || host == "index."+dockerHub || strings.ContainsAny(path, ":@*")):
		return fmt.Errorf("prefix: %q, expected HOST/, HOST/PROJECT/, HOST/PROJECT/REPOSITORY or *, as in docker.io/library/", r.Prefix)
	case r.By != ByHaven && r.By != BySignatures && r.By != ByAllow && r.By != ByDeny:
		return errors.New("by: expected haven, signatures, allow or deny")
	case r.By == ByDeny && r.Reason == "":
		return errors.New("reason: what is denied needs a reason, for those who are told")
	case r.By != ByHaven && r.As != "":
		return errors.New("as: only for what haven decides about")
	case r.As != "" && strings.HasSuffix(r.Prefix, "/") && !strings.HasSuffix(r.As, "/"):
		return errors.New("as: expected a / at the end, as the prefix has")
	case r.By == ByHaven && r.As == "" && !strings.HasSuffix(r.Prefix, "/"):
		return errors.New("as: expected the repository's name in Haven")
	case len(r.Reason) > maxReason:
		return fmt.Errorf("reason: at most %d bytes", maxReason)
	case r.By != BySignatures:
		return r.Signed.absent()
	}
	return r.Signed.check()
}

// anything is the prefix of all that no other prefix is of.
const anything = "*"

// maxReason bounds reasons in bytes: they stand in answers and logs.
const maxReason = 512

// registry finds the entry for an image. ok is false when none is for it.
func (p *Policy) registry(img image) (found Registry, ok bool) {
	name := img.name()
	for _, r := range p.Registries {
		matches := r.Prefix == anything || name == r.Prefix || strings.HasSuffix(r.Prefix, "/") && strings.HasPrefix(name, r.Prefix)
		if matches && (!ok || found.Prefix == anything || r.Prefix != anything && len(r.Prefix) > len(found.Prefix)) {
			found, ok = r, true
		}
	}
	return found, ok
}

// inHaven is the image's name in Haven.
func (r Registry) inHaven(img image) string {
	return r.As + strings.TrimPrefix(img.name(), r.Prefix) + img.which()
}

// demandsDigest reports whether the image must be named by digest.
func (p *Policy) demandsDigest(r Registry) bool {
	if r.RequireDigest != nil {
		return *r.RequireDigest
	}
	return p.RequireDigest
}
