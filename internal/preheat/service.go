package preheat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/secret"
)

// Judge knows images.
type Judge interface {
	// Facts returns what is known of an image.
	Facts(ctx context.Context, ref registry.Ref, d oci.Digest) (Facts, error)
	// Pass returns what lets its holder pull from a repository, as the header Authorization, for a while; end ends it.
	Pass(ctx context.Context, ref registry.Ref, instance string, span time.Duration) (authorization secret.Text, end func(), err error)
}

// Deps is what a Service stands on. All fields are required.
type Deps struct {
	DB       *db.DB
	Jobs     *job.Service
	Registry *registry.Service
	Judge    Judge
	Box      *secret.Box
	HTTP     *outbound.Client
	// Address is where instances get images: this Haven's URL, without a slash at the end.
	Address string
	Wake    func() // called when an event was committed; must not block
	Clock   func() time.Time
}

// Service keeps instances and policies and carries these out. It is safe for concurrent use, and takes authorised input.
type Service struct{ Deps }

const (
	maxInstances = 100
	maxPolicies  = 100 // of a project
	// tasksAtOnce is how many images a process hands over at once: they mostly wait.
	tasksAtOnce = 16
)

// NewHTTP returns the client for instances, which a system administrator names.
func NewHTTP() *outbound.Client {
	return outbound.New(outbound.Purpose{Peer: outbound.Preheater, Reach: outbound.Administered(), Elsewhere: outbound.Nowhere(), Proxied: true, MaxBody: maxAnswer})
}

// New returns a Service, and has its work done by the jobs. Handle is to be given the events.
func New(d Deps) *Service {
	s := &Service{d}
	s.Jobs.Register(job.Preheat, job.Work{Do: s.doPreheat, Limit: tasksAtOnce, Timeout: taskTime, Attempts: 3, Backoff: 15 * time.Second, Keep: keptOf})
	s.Jobs.Register(planKind, job.Work{Do: s.doPlan, Limit: 2, Attempts: 3, Backoff: 15 * time.Second, Keep: keptOf})
	s.Jobs.OnSchedule(job.Preheat, s.fire)
	return s
}

// Instance returns an instance by its name, or fault.NotFound.
func (s *Service) Instance(ctx context.Context, name string) (Instance, error) {
	return one(ctx, s.DB.Auto(), scanInstance, "preheat instance "+printable([]byte(name)), instanceByName, name)
}

// Instances returns a page of the instances, and how many match.
func (s *Service) Instances(ctx context.Context, list db.List) (page []Instance, total int64, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, instances(), "", nil, list, scanInstance)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list preheat instances: %w", err)
	}
	return page, total, nil
}

// AllInstances returns all instances.
func (s *Service) AllInstances(ctx context.Context) ([]Instance, error) {
	all, err := db.Collect(ctx, s.DB.Auto(), scanInstance, allInstances, maxInstances)
	if err != nil {
		return nil, fmt.Errorf("list preheat instances: %w", err)
	}
	return all, nil
}

// CreateInstance names an instance, which need not answer. Errors: fault.Invalid, and fault.Conflict for a name that is taken.
func (s *Service) CreateInstance(ctx context.Context, by authz.Principal, i Instance) error {
	i, err := i.clean()
	if err != nil {
		return err
	}
	sealed, err := seal(s.Box, i.AuthInfo)
	if err != nil {
		return fmt.Errorf("seal the credential of %s: %w", i.Name, err)
	}
	i.ID, i.CreatedAt = 0, s.Clock()
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		n, err := db.Get(ctx, tx, db.ScanInt, instanceCount)
		if err != nil {
			return err
		}
		if n >= maxInstances {
			return fault.Forbiddenf("there are %d preheat instances already, which is the most", n)
		}
		id, err := i.insert(ctx, tx, sealed)
		if err != nil {
			return err
		}
		return s.saved(ctx, tx, by, event.CreatePreheatInstance, id, i)
	})
	if err != nil {
		return fmt.Errorf("create preheat instance %s: %w", i.Name, err)
	}
	return nil
}

// UpdateInstance replaces an instance of that name. Without auth_info it keeps its own, as long as endpoint and mode stay what they are (S5).
func (s *Service) UpdateInstance(ctx context.Context, by authz.Principal, name string, i Instance) error {
	present, err := s.Instance(ctx, name)
	if err != nil {
		return err
	}
	if i.Name == "" {
		i.Name = name
	}
	if i.Name != name {
		return fault.Invalidf("an instance keeps its name")
	}
	i.Endpoint = plainEndpoint(i.Endpoint)
	if len(i.AuthInfo) == 0 && i.Endpoint == present.Endpoint && i.AuthMode == present.AuthMode {
		if i.AuthInfo, err = reveal(s.Box, present.sealed); err != nil {
			return fmt.Errorf("open the credential of %s: %w", name, err)
		}
	}
	if i, err = i.clean(); err != nil {
		return err
	}
	sealed, err := seal(s.Box, i.AuthInfo)
	if err != nil {
		return fmt.Errorf("seal the credential of %s: %w", name, err)
	}
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		n, err := tx.Exec(ctx, updateInstance, i.Description, i.Vendor, i.Endpoint, i.AuthMode, sealed, i.Enabled, i.Default, i.Insecure, present.ID)
		if err == nil && n == 0 {
			return fault.NotFoundf("preheat instance %s not found", name)
		}
		if err != nil {
			return err
		}
		return s.saved(ctx, tx, by, event.UpdatePreheatInstance, present.ID, i)
	})
	if err != nil {
		return fmt.Errorf("update preheat instance %s: %w", name, err)
	}
	return nil
}

func (s *Service) saved(ctx context.Context, tx db.Tx, by authz.Principal, kind event.Kind, id int64, i Instance) error {
	if i.Default {
		if _, err := tx.Exec(ctx, noOtherDefault, id); err != nil {
			return err
		}
	}
	return s.happened(ctx, tx, kind, by, event.Event{Resource: i.Name})
}

// DeleteInstance removes an instance. One that policies use is a fault.Conflict.
func (s *Service) DeleteInstance(ctx context.Context, by authz.Principal, name string) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		i, err := one(ctx, tx, scanInstance, "preheat instance "+printable([]byte(name)), instanceByName, name)
		if err != nil {
			return err
		}
		used, err := db.Get(ctx, tx, db.ScanBool, instanceUsed, i.ID)
		if err != nil {
			return err
		}
		if used {
			return fault.Conflictf("preheat instance %s is used by policies of projects", name)
		}
		if _, err := tx.Exec(ctx, deleteInstance, i.ID); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.DeletePreheatInstance, by, event.Event{Resource: name})
	})
	if err != nil {
		return fmt.Errorf("delete preheat instance: %w", err)
	}
	return nil
}

// Ping asks an instance whether it is well: one that is there, by its id, or a draft. The refusal is a fault.Invalid that says why.
func (s *Service) Ping(ctx context.Context, draft Instance) error {
	var err error
	if draft.ID > 0 {
		draft, err = s.usable(ctx, draft.ID)
	} else {
		draft, err = draft.reachable()
	}
	if err != nil {
		return err
	}
	c, err := s.conn(draft)
	if err != nil {
		return err
	}
	err = vendors()[draft.Vendor].provider.ping(ctx, c)
	if refusal, ok := errors.AsType[*statusError](err); ok {
		return fault.Invalidf("%s", refusal.Error())
	}
	return err
}

// usable is an instance with its credential.
func (s *Service) usable(ctx context.Context, id int64) (Instance, error) {
	i, err := one(ctx, s.DB.Auto(), scanInstance, fmt.Sprintf("preheat instance %d", id), instanceByID, id)
	if err != nil {
		return i, err
	}
	if i.AuthInfo, err = reveal(s.Box, i.sealed); err != nil {
		return i, fmt.Errorf("open the credential of preheat instance %s: %w", i.Name, err)
	}
	return i, nil
}

func (s *Service) conn(i Instance) (conn, error) {
	client, err := s.HTTP.HTTP(outbound.Trust{SkipVerify: i.Insecure})
	return conn{client, i}, err
}

func (s *Service) happened(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, e event.Event) error {
	e.Kind, e.At, e.By, e.Success = kind, s.Clock(), by.Name, true
	return event.Append(ctx, tx, e)
}
