package ldap

import "context"

// Check tries what a log-in needs: the connection, the search account, the base. nil means all is well; else
// Explain tells what is wrong.
func (p *Provider) Check(ctx context.Context, settings Settings) error {
	return p.on(ctx, settings, func(d *directory) error {
		for _, base := range []string{d.base, d.groupBase} {
			if err := d.see(base); err != nil {
				return err
			}
		}
		return nil
	})
}

// Current returns the stored settings.
func (p *Provider) Current(ctx context.Context) (Settings, error) { return p.current(ctx) }

// WithStoredPassword fills in the stored password where settings that somebody tries have none and mean the
// same account of the same server.
func (p *Provider) WithStoredPassword(ctx context.Context, tried Settings) (Settings, error) {
	stored, err := p.current(ctx)
	if err == nil && tried.SearchPassword == "" && stored.sameAccount(tried) {
		tried.SearchPassword = stored.SearchPassword
	}
	return tried, err
}
