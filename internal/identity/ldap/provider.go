package ldap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

// maxConnections bounds the connections to the directory that are open at a time.
const maxConnections = 32

// Limits of what a person may send, in bytes.
const (
	maxLoginName = 512
	maxPassword  = 4096
)

// Provider is the directory that the settings name. It is an identity.Provider, safe for concurrent use.
type Provider struct {
	settings *setting.Service
	clock    func() time.Time
	log      *slog.Logger
	slots    chan struct{} // one for each open connection
}

var (
	_ identity.Provider     = (*Provider)(nil)
	_ identity.PersonFinder = (*Provider)(nil)
	_ identity.GroupFinder  = (*Provider)(nil)
)

// New returns a Provider. It connects to nothing.
func New(settings *setting.Service, clock func() time.Time, log *slog.Logger) *Provider {
	return &Provider{settings: settings, clock: clock, log: log, slots: make(chan struct{}, maxConnections)}
}

// Authenticate implements identity.Provider.
func (p *Provider) Authenticate(ctx context.Context, name string, password secret.Text) (identity.Person, error) {
	if name == "" || len(name) > maxLoginName || password == "" || len(password) > maxPassword {
		return identity.Person{}, identity.ErrCredentials
	}
	var person identity.Person
	err := p.with(ctx, func(d *directory) (err error) {
		person, err = d.logIn(name, password, p.clock())
		return err
	})
	if errors.Is(err, errSeveral) {
		p.log.WarnContext(ctx, "a log-in is refused because the directory knows several people by one name", slog.Any("error", err))
		err = identity.ErrCredentials
	}
	return person, err
}

// Refresh implements identity.Provider. Who no longer matches the settings, or is shut out, has left; but not
// when nothing can be seen at all, as after a change of the search account's rights.
func (p *Provider) Refresh(ctx context.Context, subject string) (identity.Person, error) {
	return p.person(ctx, subject, func(d *directory) (*ldap.Entry, error) {
		e, err := d.find(subject)
		if e == nil && err == nil {
			err = d.see(d.base)
		}
		return e, err
	})
}

// FindPerson implements identity.PersonFinder. A name that several people have is nobody's.
func (p *Provider) FindPerson(ctx context.Context, name string) (identity.Person, error) {
	if name == "" || len(name) > maxLoginName {
		return identity.Person{}, nobody(name)
	}
	return p.person(ctx, name, func(d *directory) (*ldap.Entry, error) { return d.named(name) })
}

func nobody(who string) error {
	return fault.NotFoundf("%q is not in the directory", who[:min(len(who), 200)])
}

func (p *Provider) person(ctx context.Context, who string, look func(*directory) (*ldap.Entry, error)) (person identity.Person, err error) {
	err = p.with(ctx, func(d *directory) error {
		e, err := look(d)
		if errors.Is(err, errSeveral) || err == nil && (e == nil || shutOut(e, p.clock())) {
			return nobody(who)
		}
		if err != nil {
			return err
		}
		if person, err = d.personOf(e); err != nil {
			return err
		}
		return d.addGroups(e, &person)
	})
	return person, err
}

// with runs f on a connection with the search account's rights, in the time that the settings give.
func (p *Provider) with(ctx context.Context, f func(*directory) error) error {
	settings, err := p.current(ctx)
	if err != nil {
		return err
	}
	return p.on(ctx, settings, f)
}

func (p *Provider) current(ctx context.Context) (Settings, error) {
	values, err := p.settings.Get(ctx)
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings: %w", err)
	}
	settings, err := SettingsOf(values)
	if err != nil {
		return Settings{}, fmt.Errorf("open ldap_search_password: %w", err)
	}
	return settings, nil
}

// on is with for settings that needn't be the stored ones.
func (p *Provider) on(ctx context.Context, settings Settings, f func(*directory) error) error {
	c, err := settings.parse()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return fmt.Errorf("wait for a connection to %s: %w", c.address, ctx.Err())
	}
	d, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.bindSearch(); err != nil {
		return d.why(ctx, err)
	}
	return d.why(ctx, f(d))
}
