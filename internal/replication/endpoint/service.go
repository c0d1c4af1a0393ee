package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/secret"
)

// maxEndpoints bounds the endpoints.
const maxEndpoints = 1000

// Deps is what a Service needs.
type Deps struct {
	DB  *db.DB
	Box *secret.Box
	// Remote is what registries are made of.
	Remote remote.Deps
	// LocalURL is the address of this registry, for those who list it.
	LocalURL string
	Clock    func() time.Time
	Log      *slog.Logger
}

// User is asked before an endpoint is deleted: by is what refers to it, such as "replication policies"; "" if nothing does. It
// may only read.
type User func(ctx context.Context, tx db.Tx, id int64) (by string, err error)

// UsedError refuses to delete an endpoint that something refers to.
type UsedError struct {
	ID int64
	By string
}

// Error implements error, in Harbor's words.
func (e *UsedError) Error() string {
	return fmt.Sprintf("the registry %d is referenced by %s, cannot delete it", e.ID, e.By)
}

// Service is the package's use cases. It is safe for concurrent use. Callers have asked authz before.
type Service struct {
	Deps
	users []User
	local remote.Registry
	well  func(ctx context.Context, id int64) error // nil: nobody wants to hear it

	mu   sync.Mutex
	open map[int64]opened
}

// opened is a client that is kept, so that tokens and connections are shared.
type opened struct {
	version  time.Time // the endpoint's, when it was made
	registry remote.Registry
}

// New returns a Service. It reads nothing yet.
func New(d Deps) *Service { return &Service{Deps: d, open: map[int64]opened{}} }

// Uses has a user asked before an endpoint is deleted. It is called before the service is used.
func (s *Service) Uses(u User) { s.users = append(s.users, u) }

// Here says what id 0 is opened as: this registry itself. It is called before the service is used.
func (s *Service) Here(r remote.Registry) { s.local = r }

// Recovers has it told that an endpoint is well again. It is called before the service is used.
func (s *Service) Recovers(well func(ctx context.Context, id int64) error) { s.well = well }

// Get returns an endpoint, or fault.NotFound. Id 0 is this registry.
func (s *Service) Get(ctx context.Context, id int64) (Endpoint, error) {
	return s.GetIn(ctx, s.DB.Auto(), id)
}

// GetIn is Get in a transaction.
func (s *Service) GetIn(ctx context.Context, tx db.Tx, id int64) (Endpoint, error) {
	if id == LocalID {
		return s.itself(), nil
	}
	return get(ctx, tx, id)
}

func (s *Service) itself() Endpoint {
	return Endpoint{ID: LocalID, Name: "Local", Endpoint: remote.Endpoint{Kind: remote.Harbor, URL: s.LocalURL}}
}

// List lists endpoints.
func (s *Service) List(ctx context.Context, list db.List) (page []Endpoint, total int64, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, listing(), "", nil, list, scanEndpoint)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list registries: %w", err)
	}
	return page, total, nil
}

// Open returns what speaks with an endpoint, or fault.NotFound. All who open one share it until the endpoint is changed.
func (s *Service) Open(ctx context.Context, id int64) (remote.Registry, Endpoint, error) {
	e, err := s.Get(ctx, id)
	if err != nil {
		return nil, Endpoint{}, err
	}
	if e.Local() {
		if s.local == nil {
			return nil, e, fmt.Errorf("open registry 0: %w", errors.ErrUnsupported)
		}
		return s.local, e, nil
	}
	r, err := s.kept(e)
	return r, e, err
}

// kept is what speaks with an endpoint, as it is stored.
func (s *Service) kept(e Endpoint) (remote.Registry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.open[e.ID]; ok && known.version.Equal(e.UpdatedAt) {
		return known.registry, nil
	}
	full, err := s.revealed(e)
	if err != nil {
		return nil, err
	}
	r, err := remote.New(full, s.Remote)
	if err != nil {
		return nil, fmt.Errorf("open registry %s: %w", e.Name, err)
	}
	if len(s.open) > 2*maxEndpoints { // of deleted ones
		clear(s.open)
	}
	s.open[e.ID] = opened{e.UpdatedAt, r}
	return r, nil
}

// revealed is an endpoint with its secret.
func (s *Service) revealed(e Endpoint) (remote.Endpoint, error) {
	if e.sealed == nil {
		return e.Endpoint, nil
	}
	plain, err := s.Box.Open(e.sealed)
	if err != nil {
		return e.Endpoint, fmt.Errorf("open the secret of registry %s: %w", e.Name, err)
	}
	e.Credential.Secret = secret.Text(plain)
	return e.Endpoint, nil
}

func (s *Service) seal(t secret.Text) any {
	if t == "" {
		return nil
	}
	return s.Box.Seal([]byte(t.Reveal()))
}

// Create names a registry, which must answer. A name in use is a fault.Conflict.
func (s *Service) Create(ctx context.Context, by authz.Principal, d Draft) (int64, error) {
	d, err := d.clean()
	if err != nil {
		return 0, err
	}
	if err := refuseNamed(ctx, s.DB.Auto(), d.Name, 0); err != nil { // before asking, which takes time
		return 0, err
	}
	if d.Realm, err = s.ask(ctx, d.Endpoint); err != nil {
		return 0, err
	}
	var id int64
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		n, err := db.Get(ctx, tx, db.ScanInt, count)
		if err != nil {
			return err
		}
		if n >= maxEndpoints {
			return fault.Forbiddenf("there are %d registries already, which is the most", n)
		}
		id, err = s.insert(ctx, tx, 0, d, s.Clock(), checkEvery)
		if errors.Is(err, db.ErrNotFound) {
			return fault.Conflictf("registry %s already exists", d.Name)
		}
		if err != nil {
			return err
		}
		return s.happened(ctx, tx, event.CreateRegistry, by, d.Name)
	})
	if err != nil {
		return 0, fmt.Errorf("name registry %s: %w", d.Name, err)
	}
	return id, nil
}

// insert is db.ErrNotFound where the name, or an id that is given, is taken. The endpoint is asked again after a while.
func (s *Service) insert(ctx context.Context, tx db.Tx, id int64, d Draft, createdAt time.Time, after time.Duration) (int64, error) {
	return db.Insert(ctx, tx, id, insert, d.Name, string(d.Kind), d.URL, d.Description, d.Insecure, d.CACertificate,
		d.Credential.Type, d.Credential.AccessKey, s.seal(d.Credential.Secret), d.Realm, db.Micros(s.Clock().Add(after)), db.Micros(createdAt))
}

// Restore names a registry as it was, in a database that is being rebuilt, and returns its id; one of this name stays as it is. It is
// asked when Run runs.
func (s *Service) Restore(ctx context.Context, d Draft) (id int64, err error) {
	if d, err = d.clean(); err != nil {
		return 0, err
	}
	err = s.DB.Write(ctx, func(tx db.Tx) (err error) {
		id, err = db.Get(ctx, tx, db.ScanInt, idByName, d.Name)
		if errors.Is(err, db.ErrNotFound) {
			id, err = s.insert(ctx, tx, 0, d, s.Clock(), 0)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("restore registry %s: %w", d.Name, err)
	}
	return id, nil
}

// Update changes an endpoint, which must answer then.
func (s *Service) Update(ctx context.Context, by authz.Principal, id int64, c Change) error {
	if id == LocalID {
		return fault.Forbiddenf("registry 0 is this one")
	}
	present, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	d, err := s.changed(present, c)
	if err != nil {
		return err
	}
	if err := refuseNamed(ctx, s.DB.Auto(), d.Name, id); err != nil {
		return err
	}
	if d.Realm, err = s.ask(ctx, d.Endpoint); err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		if err := refuseNamed(ctx, tx, d.Name, id); err != nil {
			return err
		}
		now := s.Clock()
		if !now.After(present.UpdatedAt) { // kept clients are told apart by it
			now = present.UpdatedAt.Add(time.Microsecond)
		}
		n, err := tx.Exec(ctx, update, d.Name, d.URL, d.Description, d.Insecure, d.CACertificate, d.Credential.Type, d.Credential.AccessKey,
			s.seal(d.Credential.Secret), d.Realm, db.Micros(now.Add(checkEvery)), db.Micros(now), id, db.Micros(present.UpdatedAt))
		if err != nil {
			return err
		}
		if n == 0 { // what was asked isn't what is stored now
			return fault.Conflictf("registry %s was changed meanwhile", present.Name)
		}
		return s.happened(ctx, tx, event.UpdateRegistry, by, d.Name)
	})
	if err != nil {
		return fmt.Errorf("change registry %s: %w", present.Name, err)
	}
	return nil
}

// changed is what an endpoint is after a change.
func (s *Service) changed(present Endpoint, c Change) (Draft, error) {
	full, err := s.revealed(present)
	if err != nil {
		return Draft{}, err
	}
	return c.applied(Draft{Endpoint: full, Name: present.Name, Description: present.Description})
}

// Delete forgets an endpoint that nothing refers to; else it is a *UsedError.
func (s *Service) Delete(ctx context.Context, by authz.Principal, id int64) error {
	if id == LocalID {
		return fault.Forbiddenf("registry 0 is this one")
	}
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		gone, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, used := range s.users {
			by, err := used(ctx, tx, id)
			if err != nil {
				return err
			}
			if by != "" {
				return &UsedError{ID: id, By: by}
			}
		}
		if _, err := tx.Exec(ctx, remove, id); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.DeleteRegistry, by, gone.Name)
	})
	if err != nil {
		return fmt.Errorf("delete registry %d: %w", id, err)
	}
	return nil
}

func (s *Service) happened(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, name string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.Clock(), By: by.Name, Resource: name, Success: true})
}

// Ping asks a registry that may not be stored. One that doesn't answer rightly is a fault.Invalid that says why. Of one that is
// stored only the credential may be another, so that nobody has its secret sent elsewhere.
func (s *Service) Ping(ctx context.Context, p Probe) error {
	d := Draft{Name: "ping"}
	if p.ID != nil {
		present, err := s.Get(ctx, *p.ID)
		if err != nil || present.Local() {
			return err
		}
		full, err := s.revealed(present)
		if err != nil {
			return err
		}
		d.Endpoint, p.URL, p.Insecure, p.CACertificate = full, nil, nil, nil
	} else {
		if p.Kind == nil || p.URL == nil {
			return fault.Invalidf("type and url are needed where there is no id")
		}
		d.Kind = remote.Kind(*p.Kind)
		d.URL = *p.URL
	}
	d, err := p.applied(d)
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, d.Endpoint)
	return err
}

// ask asks a registry whether it is there, for somebody who just said that its credential is to be sent to it. It returns the
// other origin that the registry has it sent to, if there is one.
func (s *Service) ask(ctx context.Context, e remote.Endpoint) (realm string, err error) {
	for range 2 {
		var r remote.Registry
		if r, err = remote.New(e, s.Remote); err != nil {
			return "", fault.Invalidf("%s", err)
		}
		err = remote.Ping(ctx, r)
		led, ok := errors.AsType[*remote.RealmError](err)
		if !ok || led.Origin == e.Realm {
			break
		}
		e.Realm = led.Origin
	}
	switch {
	case err == nil:
		return e.Realm, nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	s.Log.InfoContext(ctx, "a registry that is to be saved isn't well", "url", e.URL, "error", err)
	return "", fault.Invalidf("the registry is unhealthy: %s", remote.Diagnosis(err))
}
