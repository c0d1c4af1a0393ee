package doctor

import (
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/config"
)

// leastSecret is how long a text must be to be looked for: a shorter one stands in other words too.
const leastSecret = 4

// Secrets are the texts of a configuration that no finding may show.
func Secrets(c config.Config) (all []string) {
	add := func(s string) {
		if len(s) >= leastSecret {
			all = append(all, s)
			if escaped := url.QueryEscape(s); escaped != s {
				all = append(all, escaped)
			}
		}
	}
	addresses := []string{c.DatabaseURL, c.StorageURL, c.RedisURL.Reveal()}
	for _, s := range c.VulnDBSource {
		addresses = append(addresses, s.Reveal())
	}
	for _, raw := range addresses {
		u, err := url.Parse(raw)
		if err != nil {
			add(raw)
			continue
		}
		password, _ := u.User.Password()
		add(password)
		for name, values := range u.Query() {
			for _, v := range values {
				if secretive(name) {
					add(v)
				}
			}
		}
	}
	add(c.AdminPassword.Reveal())
	add(c.ACMEKey.Reveal())
	return all
}

func secretive(parameter string) bool {
	for _, part := range []string{"key", "token", "secret", "password"} {
		if strings.Contains(parameter, part) {
			return !strings.HasSuffix(parameter, "_file")
		}
	}
	return false
}
