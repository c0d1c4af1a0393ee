package setting

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/db"
)

const forgetSetting = `DELETE FROM setting WHERE name = $1`

// addresses says for each password the setting with the server that it is sent to.
func addresses() map[string]string {
	return map[string]string{"ldap_search_password": "ldap_url", "oidc_client_secret": "oidc_endpoint"} //nolint:gosec // names of keys, no secrets
}

// forgetPasswords drops the passwords whose server changes, unless they come with the change: a password
// belongs to the server that it was stored for, and must not be lured to another one (S5).
func forgetPasswords(ctx context.Context, tx db.Tx, before Values, parsed map[string]any) error {
	for password, address := range addresses() {
		_, sent := parsed[password]
		now, moves := parsed[address].(string)
		was := before.Text(address)
		if sent || !moves || was == "" || origin(now) == origin(was) {
			continue
		}
		if _, err := tx.Exec(ctx, forgetSetting, password); err != nil {
			return fmt.Errorf("forget %s: %w", password, err)
		}
	}
	return nil
}

// origin is the scheme, host and port of an address. One that can't be read is like no other.
func origin(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return address
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}
