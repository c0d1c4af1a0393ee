package webhook

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// Whole is the project of policies that hear of all projects.
const Whole = 0

// Hidden stands for a secret in answers. Who sends it back means the one that is stored.
const Hidden = "*****"

// Type is how a target is spoken to.
type Type string

// The types of targets.
const (
	HTTP  Type = "http"
	Slack Type = "slack"
	Teams Type = "teams" // ours; Harbor has none
)

// Types are the types of targets, Harbor's first.
func Types() []Type { return []Type{HTTP, Slack, Teams} }

// Vendor is Harbor's name for the jobs of a type of targets.
func (t Type) Vendor() string {
	if t == HTTP {
		return "WEBHOOK"
	}
	return strings.ToUpper(string(t))
}

// Format is what a body looks like. Only targets of the type HTTP have one.
type Format string

// The formats.
const (
	Default     Format = "Default"
	CloudEvents Format = "CloudEvents"
)

// Formats are the formats of HTTP.
func Formats() []Format { return []Format{Default, CloudEvents} }

// Policy is who is told of which events.
type Policy struct {
	ID          int64
	ProjectID   int64 // Whole for all projects
	Name        string
	Description string
	Enabled     bool
	EventTypes  []EventType
	Targets     []Target
	Creator     string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Target is an address of a policy, with the state of its queue.
type Target struct {
	ID         int64
	Type       Type
	Address    string
	AuthHeader secret.Text // sent as Authorization, "" for none
	Signed     bool        // there is a secret that requests are signed with
	SkipVerify bool        // of the certificate
	Format     Format      // "" for other types than HTTP

	Failures  int64  // since the last success
	Complaint string // what went wrong last
	Lost      int64  // events that the full queue had no room for

	Signing secret.Text // what it is, "" for none
}

// Draft is a policy as a client sends it.
type Draft struct {
	Name        string
	Description string
	Enabled     bool
	EventTypes  []EventType
	Targets     []TargetDraft
	Creator     string
}

// TargetDraft is a target as a client sends it. Hidden stands for the secret that is stored for its address, or at its place in the list.
type TargetDraft struct {
	Type       Type
	Address    string
	AuthHeader secret.Text
	Signing    *secret.Text // nil keeps what is there, "" takes it away
	SkipVerify bool
	Format     Format
}

const (
	maxName        = 255
	maxDescription = 1024
	maxTargets     = 5
	maxAddress     = 2048
	maxAuthHeader  = 8 << 10
	maxPolicies    = 50 // of a project, and of the whole registry
	minSigning     = 24 // bytes, by Standard Webhooks
	maxSigning     = 64
)

// clean returns the draft as it is stored, or a fault.Invalid in Harbor's words where it has some.
func (d Draft) clean() (Draft, error) {
	d.Name = strings.TrimSpace(d.Name)
	if n := utf8.RuneCountInString(d.Name); n == 0 || n > maxName || strings.ContainsFunc(d.Name, unicode.IsControl) {
		return d, fault.Invalidf("name: expected 1 to %d characters", maxName)
	}
	if utf8.RuneCountInString(d.Description) > maxDescription {
		return d, fault.Invalidf("description: at most %d characters", maxDescription)
	}
	if len(d.Targets) == 0 {
		return d, fault.Invalidf("empty notification target with policy %s", d.Name)
	}
	if len(d.Targets) > maxTargets {
		return d, fault.Invalidf("a policy has at most %d targets", maxTargets)
	}
	d.Targets = slices.Clone(d.Targets)
	for i := range d.Targets {
		if err := d.Targets[i].clean(d.Name); err != nil {
			return d, err
		}
	}
	if len(d.EventTypes) == 0 {
		return d, fault.Invalidf("empty event type with policy %s", d.Name)
	}
	types := make([]EventType, 0, len(d.EventTypes))
	for _, t := range d.EventTypes {
		if !slices.Contains(EventTypes(), t) {
			return d, fault.Invalidf("unsupported event type %s", shown(string(t)))
		}
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	d.EventTypes = types
	return d, nil
}

func (t *TargetDraft) clean(policy string) error {
	if !slices.Contains(Types(), t.Type) {
		return fault.Invalidf("unsupported target type %s with policy %s", shown(string(t.Type)), policy)
	}
	t.Address = strings.TrimSpace(t.Address)
	if err := checkAddress(t.Address); err != nil {
		return err
	}
	if len(t.AuthHeader) > maxAuthHeader || strings.ContainsFunc(t.AuthHeader.Reveal(), unicode.IsControl) {
		return fault.Invalidf("auth_header: expected one line of at most %d bytes", maxAuthHeader)
	}
	switch {
	case t.Type != HTTP && t.Format != "":
		return fault.Invalidf("set payload format is not allowed for target type %s with policy %s", t.Type, policy)
	case t.Type == HTTP && t.Format == "":
		t.Format = Default
	case t.Type == HTTP && !slices.Contains(Formats(), t.Format):
		return fault.Invalidf("unsupported payload format type: %s", shown(string(t.Format)))
	}
	if s := t.Signing; s != nil && *s != "" && s.Reveal() != Hidden {
		if _, err := signingKey(*s); err != nil {
			return err
		}
	}
	return nil
}

func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return fault.Invalidf("invalid address: expected http:// or https:// with a host, at most %d bytes", maxAddress)
	}
	if u.User != nil {
		return fault.Invalidf("invalid address: credentials don't belong there, auth_header is for them")
	}
	return nil
}

// signingKey reads a secret of Standard Webhooks: whsec_ and base64.
func signingKey(s secret.Text) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
	if err != nil || len(key) < minSigning || len(key) > maxSigning {
		return nil, fault.Invalidf("signing_secret: expected whsec_ and base64 of %d to %d bytes", minSigning, maxSigning)
	}
	return key, nil
}

// over is the target that a draft makes of the one that it was; old may be nil. A secret belongs to the origin that
// it was given for (S5): with another one it has to be given again.
func (t TargetDraft) over(old *Target) (Target, error) {
	v := Target{Type: t.Type, Address: t.Address, AuthHeader: t.AuthHeader, SkipVerify: t.SkipVerify, Format: t.Format}
	same := old != nil && sameOrigin(old.Address, t.Address)
	if t.AuthHeader.Reveal() == Hidden {
		if !same {
			return v, fault.Invalidf("auth_header: %s stands for the one that was given for another address; give it again", Hidden)
		}
		v.AuthHeader = old.AuthHeader
	}
	switch {
	case t.Signing != nil && t.Signing.Reveal() != Hidden:
		v.Signing = *t.Signing
	case same:
		v.Signing = old.Signing
	case t.Signing != nil:
		return v, fault.Invalidf("signing_secret: %s stands for the one that was given for another address; give it again", Hidden)
	}
	v.Signed = v.Signing != ""
	return v, nil
}

func sameOrigin(a, b string) bool {
	u, err := url.Parse(a)
	v, other := url.Parse(b)
	return err == nil && other == nil && outbound.Origin(u) == outbound.Origin(v)
}

// shown is a client's text in a message to it.
func shown(text string) string {
	const most = 100
	clean := bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, []byte(text[:min(len(text), most)]))
	return string(clean)
}
