package scanner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/secret"
)

// maxScanners bounds the registrations.
const maxScanners = 100

// Asker asks a scanner what it is. *adapter.Client does.
type Asker interface {
	Metadata(ctx context.Context, e adapter.Endpoint) (adapter.Metadata, error)
}

// Projects tells which scanner a project chose: its uuid, or "".
type Projects interface {
	ScannerOf(ctx context.Context, projectID int64) (string, error)
}

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Box      *secret.Box
	Adapters Asker
	Projects Projects
	// Own says what our own scanner is.
	Own   func(ctx context.Context) (adapter.Metadata, error)
	Clock func() time.Time
	Log   *slog.Logger
}

// Service is the package's use cases. It is safe for concurrent use. Callers have asked authz before.
type Service struct {
	Deps
	known *known
}

// New returns a Service. It reads nothing yet.
func New(d Deps) *Service { return &Service{Deps: d, known: newKnown(d.Clock)} }

// List lists scanners.
func (s *Service) List(ctx context.Context, list db.List) (page []Scanner, total int64, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, listing(), "", nil, list, scanScanner)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list scanners: %w", err)
	}
	return page, total, nil
}

// Find returns a scanner by its id, or fault.NotFound.
func (s *Service) Find(ctx context.Context, id int64) (Scanner, error) {
	return get(ctx, s.DB.Auto(), byID, id)
}

// Get returns a scanner by its uuid, or fault.NotFound.
func (s *Service) Get(ctx context.Context, uuid string) (Scanner, error) {
	return get(ctx, s.DB.Auto(), byUUID, uuid)
}

// Default returns the default scanner. It may be disabled.
func (s *Service) Default(ctx context.Context) (Scanner, error) {
	found, err := db.Get(ctx, s.DB.Auto(), scanScanner, byDefault)
	if err != nil {
		return Scanner{}, fmt.Errorf("look up the default scanner: %w", err)
	}
	return found, nil
}

// Effective returns the scanner that a project's artifacts are scanned by: the one it chose, or the default. It may
// be disabled.
func (s *Service) Effective(ctx context.Context, projectID int64) (Scanner, error) {
	chosen, err := s.Projects.ScannerOf(ctx, projectID)
	if err != nil {
		return Scanner{}, err
	}
	found, err := db.Get(ctx, s.DB.Auto(), scanScanner, effective, chosen)
	if err != nil {
		return Scanner{}, fmt.Errorf("look up the scanner of project %d: %w", projectID, err)
	}
	return found, nil
}

// Endpoint is where and how a scanner is asked. Our own has none.
func (s *Service) Endpoint(sc Scanner) (adapter.Endpoint, error) {
	d := Draft{URL: sc.URL, Auth: sc.Auth, SkipVerify: sc.SkipVerify}
	if sc.sealed != nil {
		plain, err := s.Box.Open(sc.sealed)
		if err != nil {
			return adapter.Endpoint{}, fmt.Errorf("open the credential of scanner %s: %w", sc.Name, err)
		}
		d.Credential = secret.Text(plain)
	}
	return d.endpoint(), nil
}

// Create registers a scanner, which must answer. A name or address in use is a fault.Conflict.
func (s *Service) Create(ctx context.Context, by authz.Principal, d Draft) (Scanner, error) {
	d, err := d.clean(false)
	if err != nil {
		return Scanner{}, err
	}
	if err := refuseTaken(ctx, s.DB.Auto(), d, 0); err != nil { // before asking, which takes time
		return Scanner{}, err
	}
	if err := s.ask(ctx, d.endpoint()); err != nil {
		return Scanner{}, err
	}
	var made Scanner
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		n, err := db.Get(ctx, tx, db.ScanInt, count)
		if err != nil {
			return err
		}
		if n >= maxScanners {
			return fault.Forbiddenf("there are %d scanners already, which is the most", n)
		}
		now := db.Micros(s.Clock())
		id, err := db.Get(ctx, tx, db.ScanInt, insert, uuid.NewString(), d.Name, d.URL, d.Description, d.Disabled, string(d.Auth),
			s.seal(d.Credential), d.SkipVerify, d.UseInternalAddr, now, now)
		if errors.Is(err, db.ErrNotFound) {
			return fault.Conflictf("a scanner with this name or url exists already")
		}
		if err != nil {
			return err
		}
		if made, err = get(ctx, tx, byID, id); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.CreateScanner, by, d.Name)
	})
	if err != nil {
		return Scanner{}, fmt.Errorf("register a scanner: %w", err)
	}
	return made, nil
}

func (s *Service) seal(t secret.Text) any {
	if t == "" {
		return nil
	}
	return s.Box.Seal([]byte(t.Reveal()))
}

// Update replaces what is stored of a scanner. An empty credential leaves the present one, unless the address has
// another origin now: then there is none any more (S5). Of our own only description and disabled change.
func (s *Service) Update(ctx context.Context, by authz.Principal, uuid string, d Draft) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		present, err := get(ctx, tx, byUUID, uuid)
		if err != nil {
			return err
		}
		credential := any(present.sealed)
		if present.builtin {
			d, err = d.ofOwn(present)
		} else {
			d, credential, err = s.changed(present, d)
		}
		if err != nil {
			return err
		}
		if err := refuseTaken(ctx, tx, d, present.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, update, d.Name, d.URL, d.Description, d.Disabled, string(d.Auth), credential, d.SkipVerify, d.UseInternalAddr,
			db.Micros(s.Clock()), present.ID); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.UpdateScanner, by, d.Name)
	})
	if err != nil {
		return fmt.Errorf("change scanner %s: %w", uuid, err)
	}
	return nil
}

// changed is a draft for a scanner that is there, with the sealed credential that it has then.
func (s *Service) changed(present Scanner, d Draft) (Draft, any, error) {
	d, err := d.clean(true)
	switch {
	case err != nil:
		return d, nil, err
	case d.Credential != "":
		return d, s.seal(d.Credential), nil
	case d.Auth == present.Auth && d.Auth != adapter.NoAuth && present.sealed != nil && origin(d.URL) == origin(present.URL):
		return d, present.sealed, nil
	}
	return d, nil, nil
}

// ofOwn is a draft for our own scanner.
func (d Draft) ofOwn(present Scanner) (Draft, error) {
	if d.Name != present.Name || d.URL != present.URL || d.Auth != adapter.NoAuth || d.Credential != "" {
		return d, fault.Forbiddenf("of the built-in scanner only description and disabled can be changed")
	}
	if len(d.Description) > maxDescription {
		return d, fault.Invalidf("the scanner's description has more than %d bytes", maxDescription)
	}
	return Draft{Name: present.Name, URL: present.URL, Description: d.Description, Disabled: d.Disabled}, nil
}

// Delete ends a registration and returns what it was. Our own stays: fault.Forbidden. After the default one, our own
// is the default.
func (s *Service) Delete(ctx context.Context, by authz.Principal, uuid string) (Scanner, error) {
	var gone Scanner
	err := s.DB.Write(ctx, func(tx db.Tx) (err error) {
		if gone, err = get(ctx, tx, byUUID, uuid); err != nil {
			return err
		}
		if gone.builtin {
			return fault.Forbiddenf("the built-in scanner can't be deleted, only disabled")
		}
		if _, err := tx.Exec(ctx, remove, gone.ID); err != nil {
			return err
		}
		if gone.Default {
			if _, err := tx.Exec(ctx, ownDefault); err != nil {
				return err
			}
		}
		return s.happened(ctx, tx, event.DeleteScanner, by, gone.Name)
	})
	if err != nil {
		return Scanner{}, fmt.Errorf("delete scanner %s: %w", uuid, err)
	}
	return gone, nil
}

// SetDefault makes a scanner the default.
func (s *Service) SetDefault(ctx context.Context, by authz.Principal, uuid string) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		chosen, err := get(ctx, tx, byUUID, uuid)
		if err != nil || chosen.Default {
			return err
		}
		if _, err := tx.Exec(ctx, clearDefault); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, setDefault, chosen.ID); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.UpdateScanner, by, chosen.Name)
	})
	if err != nil {
		return fmt.Errorf("make scanner %s the default: %w", uuid, err)
	}
	return nil
}

func (s *Service) happened(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, name string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.Clock(), By: by.Name, Resource: name, Success: true})
}

// Ping asks a scanner that may not be registered. One that doesn't answer rightly is a fault.Invalid that says why.
func (s *Service) Ping(ctx context.Context, d Draft) error {
	d, err := d.clean(false)
	if err != nil {
		return err
	}
	return s.ask(ctx, d.endpoint())
}

func (s *Service) ask(ctx context.Context, e adapter.Endpoint) error {
	_, err := s.Adapters.Metadata(ctx, e)
	if failure, ok := errors.AsType[*adapter.Failure](err); ok {
		s.Log.InfoContext(ctx, "a scanner that is to be registered doesn't answer", "error", err)
		return fault.Invalidf("%s", failure.Error())
	}
	return err
}
