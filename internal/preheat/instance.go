package preheat

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// The ways to sign in at an instance, in Harbor's words.
const (
	NoAuth = "NONE"
	Basic  = "BASIC"  // username and password, or one entry whose name is the user's
	OAuth  = "OAUTH"  // token
	Custom = "CUSTOM" // one entry: a header and its value
)

// Instance is a network of peers.
type Instance struct {
	ID          int64
	Name        string
	Description string
	Vendor      string
	Endpoint    string
	AuthMode    string
	AuthInfo    map[string]secret.Text // of a draft, and of one that is used; never listed
	Enabled     bool
	Default     bool // what the portal offers first; one is
	Insecure    bool // its certificate isn't checked
	CreatedAt   time.Time

	sealed []byte
}

const (
	maxName        = 255
	maxDescription = 1024
	maxEndpoint    = 1024
	maxAuthEntries = 10
	maxAuthSize    = 8 << 10
)

// validName is Harbor's: what stands in a path.
func validName(name string) bool {
	return len(name) <= maxName && regexp.MustCompile(`^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$`).MatchString(name)
}

// clean checks an instance that somebody drafted. The refusal is a fault.Invalid.
func (i Instance) clean() (Instance, error) {
	if !validName(i.Name) {
		return i, fault.Invalidf("the name of an instance is letters and digits, with single dots, dashes and underscores between them")
	}
	if len(i.Description) > maxDescription {
		return i, fault.Invalidf("the description has more than %d bytes", maxDescription)
	}
	return i.reachable()
}

// reachable checks what is needed to speak with an instance.
func (i Instance) reachable() (Instance, error) {
	if _, known := vendors()[i.Vendor]; !known {
		return i, fault.Invalidf("the vendor is one of %s", strings.Join(slices.Sorted(maps.Keys(vendors())), ", "))
	}
	i.Endpoint = plainEndpoint(i.Endpoint)
	u, err := url.Parse(i.Endpoint)
	if err != nil || len(i.Endpoint) > maxEndpoint || u.User != nil || u.RawQuery != "" || u.Fragment != "" || outbound.CheckURL(u) != nil {
		return i, fault.Invalidf("the endpoint is a URL like https://manager.example.com")
	}
	size := 0
	for name, value := range i.AuthInfo {
		size += len(name) + len(value.Reveal())
	}
	if len(i.AuthInfo) > maxAuthEntries || size > maxAuthSize {
		return i, fault.Invalidf("auth_info is too large")
	}
	return i, i.checkAuth()
}

// plainEndpoint spells an endpoint as it is stored.
func plainEndpoint(sent string) string { return strings.TrimRight(sent, "/") }

func (i Instance) checkAuth() error {
	switch i.AuthMode {
	case NoAuth:
		return nil
	case Basic:
		if user, _ := i.basic(); user == "" {
			return fault.Invalidf("auth_mode BASIC needs a username and a password in auth_info")
		}
	case OAuth:
		if i.AuthInfo["token"] == "" {
			return fault.Invalidf("auth_mode OAUTH needs a token in auth_info")
		}
	case Custom:
		if name, value := i.custom(); !validHeader(name, value) {
			return fault.Invalidf("auth_mode CUSTOM needs one header with its value in auth_info")
		}
	default:
		return fault.Invalidf("auth_mode is one of NONE, BASIC, OAUTH, CUSTOM")
	}
	return nil
}

// basic are the name and the password of AuthMode Basic.
func (i Instance) basic() (user, password string) {
	if name, named := i.AuthInfo["username"]; named {
		return name.Reveal(), i.AuthInfo["password"].Reveal()
	}
	return i.custom()
}

// custom is the only entry of auth_info.
func (i Instance) custom() (name, value string) {
	if len(i.AuthInfo) != 1 {
		return "", ""
	}
	for k, v := range i.AuthInfo {
		name, value = k, v.Reveal()
	}
	return name, value
}

func validHeader(name, value string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`).MatchString(name) && value != "" && !strings.ContainsAny(value, "\r\n\x00")
}

// seal is auth_info as it is stored.
func seal(box *secret.Box, info map[string]secret.Text) (any, error) {
	if len(info) == 0 {
		return nil, nil //nolint:nilnil // NULL
	}
	plain := map[string]string{}
	for name, value := range info {
		plain[name] = value.Reveal()
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	return box.Seal(text), nil
}

// reveal opens what seal sealed.
func reveal(box *secret.Box, sealed []byte) (map[string]secret.Text, error) {
	if sealed == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	text, err := box.Open(sealed)
	if err != nil {
		return nil, err
	}
	var info map[string]secret.Text
	plain := map[string]string{}
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	info = map[string]secret.Text{}
	for name, value := range plain {
		info[name] = secret.Text(value)
	}
	return info, nil
}
