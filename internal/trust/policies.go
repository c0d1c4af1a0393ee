package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/trust/policy"
	"github.com/havenregistry/haven/internal/trust/verify"
)

// Document is a policy as somebody wrote it.
type Document struct {
	Own   bool            // the project's; else the system's
	Text  json.RawMessage // null: there is none
	SetBy string
	SetAt time.Time
}

// Owner is whose policy it is: a project's, or the system's when ID is 0.
type Owner struct {
	ID   int64
	Name string
}

func (o Owner) system() bool { return o.ID == 0 }

func (o Owner) words() string {
	if o.system() {
		return "the system"
	}
	return "project " + o.Name
}

const (
	documents = `SELECT TRUE, document, set_by, set_at FROM trust_policy WHERE project_id = $1
		UNION ALL SELECT FALSE, document, set_by, set_at FROM system_trust_policy WHERE id = 1`
	putOwn = `INSERT INTO trust_policy (project_id, document, set_by, set_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (project_id) DO UPDATE SET document = excluded.document, set_by = excluded.set_by, set_at = excluded.set_at`
	putSystem = `INSERT INTO system_trust_policy (id, document, set_by, set_at) VALUES (1, $1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document, set_by = excluded.set_by, set_at = excluded.set_at`
	dropOwn    = `DELETE FROM trust_policy WHERE project_id = $1`
	dropSystem = `DELETE FROM system_trust_policy WHERE id = 1`
)

func scanDocument(r db.Row) (d Document, err error) {
	var text string
	err = r.Scan(&d.Own, &text, &d.SetBy, db.ScanTime(&d.SetAt))
	d.Text = json.RawMessage(text)
	return d, err
}

// documents are a project's own and the system's, as far as there are any.
func (s *Service) documents(ctx context.Context, tx db.Tx, projectID int64) (own, system Document, err error) {
	all, err := db.Collect(ctx, tx, scanDocument, documents, projectID)
	if err != nil {
		return own, system, fmt.Errorf("read the trust policy of project %d: %w", projectID, err)
	}
	for _, d := range all {
		if d.Own {
			own = d
		} else {
			system = d
		}
	}
	return own, system, nil
}

// InForce returns the document that holds for a project: its own, else the system's, else one without a text. For the
// system itself the project's id is 0.
func (s *Service) InForce(ctx context.Context, projectID int64) (Document, error) {
	own, system, err := s.documents(ctx, s.db.Auto(), projectID)
	if own.Text != nil {
		return own, err
	}
	return system, err
}

// Set makes a document the owner's policy. What can't be applied as it stands is fault.Invalid.
func (s *Service) Set(ctx context.Context, by authz.Principal, o Owner, text []byte) error {
	return s.change(ctx, by, o, "set", func(tx db.Tx) error {
		own, system := Document{Text: text}, Document{}
		if !o.system() {
			var err error
			if _, system, err = s.documents(ctx, tx, o.ID); err != nil {
				return err
			}
		}
		r, err := compile(own, system)
		if err != nil {
			return err
		}
		if !o.system() && len(r.policy.Signers) == 0 { // the system's may hold roots for others to name
			return fault.Invalidf("signers: the policy names nobody; give at least one signer")
		}
		now := db.Micros(s.clock())
		if o.system() {
			_, err = tx.Exec(ctx, putSystem, string(text), by.Name, now)
			return err
		}
		_, err = tx.Exec(ctx, putOwn, o.ID, string(text), by.Name, now)
		return err
	})
}

// Drop removes the owner's policy; fault.NotFound where there is none.
func (s *Service) Drop(ctx context.Context, by authz.Principal, o Owner) error {
	return s.change(ctx, by, o, "remove", func(tx db.Tx) error {
		statement, args := dropOwn, []any{o.ID}
		if o.system() {
			statement, args = dropSystem, nil
		}
		n, err := tx.Exec(ctx, statement, args...)
		if err == nil && n == 0 {
			return fault.NotFoundf("%s has no trust policy of its own", o.words())
		}
		return err
	})
}

// change writes to a policy, and begins to look at all signatures anew that it is about.
func (s *Service) change(ctx context.Context, by authz.Principal, o Owner, verb string, write func(tx db.Tx) error) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		_, _, err := s.jobs.Begin(ctx, tx, job.NewExecution{Kind: recheckKind, VendorID: vendor(o.ID), Trigger: job.ByEvent, By: by.Name},
			job.NewTask{Payload: recheckTask{ProjectID: o.ID}, Group: o.ID})
		if err != nil {
			return err
		}
		kind := event.UpdateProject
		if o.system() {
			kind = event.UpdateConfiguration
		}
		return event.Append(ctx, tx, event.Event{
			Kind: kind, At: s.clock(), By: by.Name, ProjectID: o.ID, Project: o.Name, Resource: o.Name, Success: true,
			Description: verb + " the trust policy of " + o.words(),
		})
	})
	if err != nil {
		return fmt.Errorf("%s the trust policy of %s: %w", verb, o.words(), err)
	}
	return nil
}

// rules are a policy, ready for use.
type rules struct {
	policy   policy.Policy
	hash     string
	verifier *verify.Verifier
	broken   string // why it can't be applied; then it trusts nobody
}

// Effective returns the policy that holds for a project, with all that it uses of the system's; fault.NotFound where there is
// none, fault.Invalid where it can't be applied.
func (s *Service) Effective(ctx context.Context, projectID int64) (policy.Policy, error) {
	switch r, ok, err := s.rules(ctx, projectID); {
	case err != nil:
		return policy.Policy{}, err
	case !ok:
		return policy.Policy{}, fault.NotFoundf("there is no trust policy")
	case r.broken != "":
		return policy.Policy{}, fault.Invalidf("the trust policy can't be applied: %s", r.broken)
	default:
		return r.policy, nil
	}
}

// rules returns the policy that holds for a project; ok is false when there is none, and nobody is trusted.
func (s *Service) rules(ctx context.Context, projectID int64) (r *rules, ok bool, err error) {
	version, exact := s.policies.Version()
	r, known := s.inForce.Get(version, projectID)
	if !known || !exact {
		own, system, err := s.documents(ctx, s.db.Auto(), projectID)
		if err != nil {
			return nil, false, err
		}
		if own.Text == nil {
			own, system = system, Document{}
		}
		if own.Text != nil {
			r = s.compiledOf(own, system)
		}
		if exact {
			s.inForce.Put(version, projectID, r, 0)
		}
	}
	if r == nil || r.broken == "" && len(r.policy.Signers) == 0 {
		return s.nobody(), false, nil
	}
	return r, true, nil
}

func (s *Service) compiledOf(own, system Document) *rules {
	key := string(own.Text) + "\x00" + string(system.Text)
	if r, ok := s.compiled.GetIfPresent(key); ok {
		return r
	}
	r, err := compile(own, system)
	if err != nil { // it held when it was set, but what it stands on is another one by now
		r = &rules{hash: "broken", broken: words(err), policy: policy.Policy{SignedBeforeTag: policy.WantsSignedBeforeTag(own.Text)}}
	}
	s.compiled.Set(key, r)
	return r
}

// words are those of an error that a client may be told.
func words(err error) string {
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return told.Message
	}
	return "it can't be read"
}

// compile prepares a document with what it uses of the system's. Errors are fault.Invalid and name the field.
func compile(own, system Document) (*rules, error) {
	p, err := policy.Parse(own.Text)
	if err != nil {
		return nil, err
	}
	if system.Text != nil {
		above, err := policy.Parse(system.Text)
		if err != nil {
			return nil, err
		}
		p = p.With(above)
	}
	if err := p.Complete(); err != nil {
		return nil, err
	}
	return ready(p)
}

// nobody is the policy of those who have none: it trusts nobody, and shows what signatures claim.
func nobody() *rules {
	r, err := ready(policy.Policy{})
	if err != nil {
		r = &rules{broken: words(err)}
	}
	return r
}

func ready(p policy.Policy) (r *rules, err error) {
	r = &rules{policy: p, hash: policy.Hash(p)}
	if r.verifier, err = verify.New(p); err != nil {
		return nil, err
	}
	return r, nil
}
