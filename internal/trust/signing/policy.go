package signing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// Format is how a signature is written and where it lies. Those of Cosign's share a key, whose format is Cosign.
type Format string

// The formats of signatures.
const (
	Cosign       Format = "cosign"        // under the tag sha256-….sig
	CosignBundle Format = "cosign-bundle" // a Sigstore bundle as a referrer, as Cosign 3 writes it
	Notation     Format = "notation"      // a JWS envelope as a referrer
)

// attestation is what is made of a scan, in the form of a CosignBundle.
const attestation Format = "vuln"

// Formats are all that a policy may name.
func Formats() []Format { return []Format{Cosign, CosignBundle, Notation} }

// key is the format of the key that signs it.
func (f Format) key() Format {
	if f == Notation {
		return Notation
	}
	return Cosign
}

// Policy is what a project wants signed.
type Policy struct {
	Enabled bool
	Formats []Format
	// Attest: the result of the scan is attested as well.
	Attest bool
	// RequireTrust: only what the project's trust policy is content with is signed.
	RequireTrust bool
}

// checked is the policy with each format once, in order; fault.Invalid where it makes no sense.
func (p Policy) checked() (Policy, error) {
	for _, f := range p.Formats {
		if !slices.Contains(Formats(), f) {
			return p, fault.Invalidf("%q is no format of signatures: it is cosign, cosign-bundle or notation", clip(string(f)))
		}
	}
	named := p.Formats
	p.Formats = slices.DeleteFunc(Formats(), func(f Format) bool { return !slices.Contains(named, f) })
	if p.Enabled && len(p.Formats) == 0 {
		return p, fault.Invalidf("name at least one format to sign in: cosign, cosign-bundle or notation")
	}
	return p, nil
}

// clip bounds a word of somebody's in a message.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// wants are the formats of what the policy wants made.
func (p Policy) wants() []Format {
	if p.Attest {
		return append(slices.Clone(p.Formats), attestation)
	}
	return p.Formats
}

func (p Policy) equal(o Policy) bool {
	return p.Enabled == o.Enabled && p.Attest == o.Attest && p.RequireTrust == o.RequireTrust && slices.Equal(p.Formats, o.Formats)
}

const (
	policySelect = `SELECT enabled, formats, attest, require_trust FROM signing_policy WHERE project_id = $1`
	policyPut    = `INSERT INTO signing_policy (project_id, enabled, formats, attest, require_trust, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (project_id) DO UPDATE SET enabled = excluded.enabled, formats = excluded.formats, attest = excluded.attest,
			require_trust = excluded.require_trust, updated_at = excluded.updated_at`
)

func scanPolicy(r db.Row) (p Policy, err error) {
	var formats string
	err = r.Scan(&p.Enabled, &formats, &p.Attest, &p.RequireTrust)
	p.Formats = formatsOf(formats)
	return p, err
}

func formatsOf(text string) (all []Format) {
	for _, word := range strings.Fields(text) {
		all = append(all, Format(word))
	}
	return all
}

func textOf(formats []Format) string {
	words := make([]string, len(formats))
	for i, f := range formats {
		words[i] = string(f)
	}
	return strings.Join(words, " ")
}

// Policy returns what a project wants signed: nothing, where nobody said so.
func (s *Service) Policy(ctx context.Context, projectID int64) (Policy, error) {
	p, err := policyOf(ctx, s.db.Auto(), projectID)
	if err != nil {
		return p, fmt.Errorf("read what project %d wants signed: %w", projectID, err)
	}
	return p, nil
}

func policyOf(ctx context.Context, tx db.Tx, projectID int64) (Policy, error) {
	p, err := db.Get(ctx, tx, scanPolicy, policySelect, projectID)
	if errors.Is(err, db.ErrNotFound) {
		return Policy{}, nil
	}
	return p, err
}

// SetPolicy says what a project wants signed. What lies in the project and has passed is signed from then on. A format that
// there isn't is fault.Invalid, and so is signing in none.
func (s *Service) SetPolicy(ctx context.Context, by authz.Principal, projectID int64, projectName string, p Policy) error {
	p, err := p.checked()
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		before, err := policyOf(ctx, tx, projectID)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, policyPut, projectID, p.Enabled, textOf(p.Formats), p.Attest, p.RequireTrust, db.Micros(s.clock())); err != nil {
			return err
		}
		if p.Enabled && !p.equal(before) {
			if err := s.beginWalk(ctx, tx, by, projectID, projectID); err != nil {
				return err
			}
		}
		return event.Append(ctx, tx, event.Event{
			Kind: event.UpdateProject, At: s.clock(), By: by.Name, ProjectID: projectID, Project: projectName, Resource: projectName,
			Description: "update what Haven signs in project " + projectName + ": " + p.describe(), Success: true,
		})
	})
	if err != nil {
		return fmt.Errorf("write what project %d wants signed: %w", projectID, err)
	}
	return nil
}

// describe is the policy for the audit log.
func (p Policy) describe() string {
	if !p.Enabled {
		return "nothing"
	}
	text := "in the formats " + textOf(p.Formats)
	if p.Attest {
		text += ", with an attestation of the scan"
	}
	if p.RequireTrust {
		text += ", only what the trust policy is content with"
	}
	return text
}

// beginWalk has all that lies in some projects looked at.
func (s *Service) beginWalk(ctx context.Context, tx db.Tx, by authz.Principal, vendorID int64, projects ...int64) error {
	tasks := make([]job.NewTask, len(projects))
	for i, id := range projects {
		tasks[i] = job.NewTask{Payload: walk{ProjectID: id}, Group: id}
	}
	_, _, err := s.jobs.Begin(ctx, tx, job.NewExecution{Kind: WalkKind, VendorID: vendorID, Trigger: job.Manual, By: by.Name}, tasks...)
	return err
}
