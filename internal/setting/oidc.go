package setting

import (
	"regexp"

	"github.com/havenregistry/haven/internal/fault"
)

// The keys of the OpenID provider, besides OIDCName.
const (
	OIDCEndpoint        = "oidc_endpoint"
	OIDCClientID        = "oidc_client_id"
	OIDCClientSecret    = "oidc_client_secret" //nolint:gosec // the name of a key, no secret
	OIDCScope           = "oidc_scope"
	OIDCUserClaim       = "oidc_user_claim"
	OIDCGroupsClaim     = "oidc_groups_claim"
	OIDCAdminGroup      = "oidc_admin_group"
	OIDCGroupFilter     = "oidc_group_filter"
	OIDCVerifyCert      = "oidc_verify_cert"
	OIDCAutoOnboard     = "oidc_auto_onboard"
	OIDCLogout          = "oidc_logout"
	OIDCExtraParameters = "oidc_extra_redirect_parms"
)

// maxExpression bounds a regular expression, in bytes.
const maxExpression = 1024

// regularExpression takes RE2: none takes longer than its text and input are long (S15).
func regularExpression(name string, value any) error {
	s := value.(string)
	if _, err := regexp.Compile(s); err != nil || len(s) > maxExpression {
		return fault.Invalidf("item name %s: expected a regular expression of at most %d bytes", name, maxExpression)
	}
	return nil
}
