package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

// config is the settings of the provider at one moment.
type config struct {
	endpoint     string // the issuer, as an administrator wrote it
	clientID     string
	clientSecret secret.Text // "" for a public client
	scopes       []string    // openid first
	userClaim    string      // "" for the name
	groupsClaim  string      // "" for no groups
	adminGroup   string
	groupFilter  *regexp.Regexp // nil lets all pass
	extra        url.Values     // for the provider's sign-in page
	verifyCert   bool
	autoOnboard  bool
	logout       bool
}

// errNotConfigured says that no provider is set up yet.
var errNotConfigured = fault.Invalidf("the OpenID provider is not configured: oidc_endpoint and oidc_client_id are needed")

func readConfig(ctx context.Context, settings *setting.Service) (config, error) {
	v, err := settings.Get(ctx)
	if err != nil {
		return config{}, fmt.Errorf("read the settings: %w", err)
	}
	c := config{
		endpoint: strings.TrimSpace(v.Text(setting.OIDCEndpoint)), clientID: strings.TrimSpace(v.Text(setting.OIDCClientID)),
		scopes: scopes(v.Text(setting.OIDCScope)), userClaim: strings.TrimSpace(v.Text(setting.OIDCUserClaim)),
		groupsClaim: strings.TrimSpace(v.Text(setting.OIDCGroupsClaim)), adminGroup: strings.TrimSpace(v.Text(setting.OIDCAdminGroup)),
		verifyCert: v.Bool(setting.OIDCVerifyCert), autoOnboard: v.Bool(setting.OIDCAutoOnboard), logout: v.Bool(setting.OIDCLogout),
	}
	if c.endpoint == "" || c.clientID == "" {
		return config{}, errNotConfigured
	}
	if c.clientSecret, err = v.Password(setting.OIDCClientSecret); err != nil {
		return config{}, fmt.Errorf("open %s: %w", setting.OIDCClientSecret, err)
	}
	if c.groupFilter, err = filter(v.Text(setting.OIDCGroupFilter)); err != nil {
		return config{}, err
	}
	c.extra, err = extraParameters(v.Text(setting.OIDCExtraParameters))
	return c, err
}

// scopes reads a list with commas or blanks between. Without openid it isn't OpenID.
func scopes(list string) []string {
	all := []string{"openid"}
	for _, s := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func filter(expression string) (*regexp.Regexp, error) {
	if expression == "" {
		return nil, nil
	}
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, fault.Invalidf("%s is no regular expression", setting.OIDCGroupFilter)
	}
	return re, nil
}

// ownParameters are the request's own; what an administrator adds never replaces one.
var ownParameters = [...]string{
	"client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri", "request", "request_uri",
	"response_mode", "response_type", "scope", "state",
}

func extraParameters(object string) (url.Values, error) {
	var given map[string]any
	if err := json.Unmarshal([]byte(object), &given); object != "" && err != nil {
		return nil, fault.Invalidf("%s is no JSON object", setting.OIDCExtraParameters)
	}
	extra := url.Values{}
	for name, value := range given {
		if !slices.Contains(ownParameters[:], name) {
			extra.Set(name, fmt.Sprint(value))
		}
	}
	return extra, nil
}
