package harbor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/adopt"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/retention"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/webhook"
)

// Deps is who writes what a Harbor had. All fields are required.
type Deps struct {
	DB          *db.DB
	Settings    *setting.Service
	Identity    *identity.Service
	Projects    *project.Service
	Registry    *registry.Service
	Labels      *label.Service
	Immutable   *immutable.Service
	Retention   *retention.Service
	Endpoints   *endpoint.Service
	Replication *replication.Service
	Webhooks    *webhook.Service
	Preheat     *preheat.Service
	Jobs        *job.Service
	Clock       func() time.Time
	Log         *slog.Logger
}

// Adoption brings a Harbor's database and images into a marked database (adopt.Begin).
type Adoption struct {
	Deps
	Source   *Source
	Images   *adopt.Images
	Report   *adopt.Report
	Progress repair.Progress
	Settled  bool // all but the images was brought by a run that was broken off

	data     data
	key      Key
	now      time.Time
	authMode string
	names    map[int64]string // of projects that were taken, by id
	there    there
}

// there is what was taken, by Harbor's ids.
type there struct{ users, groups, registries, projects map[int64]bool }

// data is what Harbor's small tables hold.
type data struct {
	properties   []propertyRow
	users        []userRow
	oidc         []oidcRow
	groups       []groupRow
	robots       []robotRow
	rights       []rightRow
	registries   []registryRow
	projects     []projectRow
	metadata     []metadataRow
	quotas       []quotaRow
	allowlists   []allowlistRow
	members      []memberRow
	labels       []labelRow
	immutable    []immutableRow
	retention    []retentionRow
	replications []replicationRow
	webhooks     []webhookRow
	instances    []preheatInstanceRow
	preheats     []preheatPolicyRow
	schedules    []scheduleRow
}

// New reads Harbor's small tables and checks the key against them. Nothing is written yet.
func New(ctx context.Context, source *Source, key Key) (*Adoption, error) {
	a := &Adoption{Source: source, key: key}
	d := &a.data
	err := errors.Join(
		read(ctx, source, &d.properties, "properties", "id"), read(ctx, source, &d.users, "harbor_user", "user_id"),
		read(ctx, source, &d.oidc, "oidc_user", "id"), read(ctx, source, &d.groups, "user_group", "id"),
		read(ctx, source, &d.robots, "robot", "id"), read(ctx, source, &d.registries, "registry", "id"),
		read(ctx, source, &d.projects, "project", "project_id"), read(ctx, source, &d.metadata, "project_metadata", "id"),
		read(ctx, source, &d.quotas, "quota", "id"), read(ctx, source, &d.allowlists, "cve_allowlist", "id"),
		read(ctx, source, &d.members, "project_member", "id"), read(ctx, source, &d.labels, "harbor_label", "id"),
		read(ctx, source, &d.immutable, "immutable_tag_rule", "id"), read(ctx, source, &d.retention, "retention_policy", "id"),
		read(ctx, source, &d.replications, "replication_policy", "id"), read(ctx, source, &d.webhooks, "notification_policy", "id"),
		read(ctx, source, &d.instances, "p2p_preheat_instance", "id"), read(ctx, source, &d.preheats, "p2p_preheat_policy", "id"),
		read(ctx, source, &d.schedules, "schedule", "id"),
	)
	if err != nil {
		return nil, err
	}
	if n, err := source.count(ctx, "role_permission", "true"); err != nil {
		return nil, err
	} else if n > 0 { // since Harbor 2.2
		if d.rights, err = rows[rightRow](ctx, source, rights); err != nil {
			return nil, err
		}
	}
	return a, d.checkKey(key)
}

func read[T any](ctx context.Context, source *Source, into *[]T, name, order string) (err error) {
	*into, err = table[T](ctx, source, name, order)
	return err
}

// Run does it all, up to the mark, which stays.
func (a *Adoption) Run(ctx context.Context) error {
	a.now = a.Clock()
	a.begin()
	if a.Settled {
		if err := a.goOn(ctx); err != nil {
			return err
		}
	} else if err := adopt.Settle(ctx, a.DB, func(tx db.Tx) error { return a.settle(ctx, tx) }); err != nil {
		return fmt.Errorf("take over projects, people and policies: %w", err)
	}
	for _, n := range a.Report.NotTaken { // should this run be broken off, the next one doesn't know them
		a.Log.WarnContext(ctx, "not taken", "what", n.What, "why", n.Why)
	}
	total, err := a.Source.count(ctx, "artifact", "true")
	if err != nil {
		return err
	}
	a.Progress.Stage("artifacts", total, false)
	if err := a.Images.Put(ctx, func(yield func(adopt.Image) error) error { return a.images(ctx, yield) }); err != nil {
		return fmt.Errorf("take over artifacts: %w", err)
	}
	a.Progress.Stage("repositories", 0, false)
	if err := a.repositories(ctx); err != nil {
		return fmt.Errorf("take over repositories: %w", err)
	}
	if err := a.labelled(ctx); err != nil {
		return fmt.Errorf("take over labels on artifacts: %w", err)
	}
	a.Progress.Stage("sums", 0, false)
	if _, _, err := a.Registry.FinishRestore(ctx); err != nil {
		return err
	}
	return a.passOver(ctx)
}

func (a *Adoption) begin() {
	a.names, a.authMode = map[int64]string{}, ""
	a.there = there{users: map[int64]bool{}, groups: map[int64]bool{}, registries: map[int64]bool{}, projects: map[int64]bool{}}
}

// settle brings all but the images, in the order in which one thing refers to another.
func (a *Adoption) settle(ctx context.Context, tx db.Tx) error {
	a.begin()
	a.Report.Restart()
	for _, bring := range []func(context.Context, db.Tx) error{
		a.settings, a.users, a.groups, a.registries, a.projects, a.members, a.systemAllowlist, a.robots, a.labels, a.immutableRules,
		a.retentionPolicies, a.replications, a.webhooks, a.preheat, a.schedules,
		a.Identity.EndAdoption, a.Projects.EndAdoption, a.Labels.EndAdoption, a.Immutable.EndAdoption, a.Retention.EndAdoption,
		a.Endpoints.EndAdoption, a.Replication.EndAdoption, a.Webhooks.EndAdoption, a.Preheat.EndAdoption,
	} {
		if err := bring(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// goOn finds the projects that an earlier run brought.
func (a *Adoption) goOn(ctx context.Context) error {
	a.Report.PassOver("projects, people and policies: a run that was broken off has brought them already, and logged what it could not take")
	for _, p := range a.data.projects {
		if p.Deleted {
			continue
		}
		found, err := a.Projects.ByName(ctx, p.Name)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if found.ID == p.ID {
			a.names[p.ID] = p.Name
		}
	}
	return nil
}

// took notes what became of a thing. Only an error that isn't about the thing is returned.
func (a *Adoption) took(kind, what string, err error) error {
	switch {
	case err == nil:
		a.Report.Took(kind, 1)
	case errors.Is(err, fault.Invalid) || errors.Is(err, fault.Conflict) || errors.Is(err, fault.NotFound):
		a.Report.Lose(what, err)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// refusal is why one thing can't be taken.
func refusal(format string, args ...any) error {
	return fault.Invalidf("%s", fmt.Errorf(format, args...).Error())
}

// unreadable makes a thing's JSON that can't be read a refusal.
func unreadable(err error) error {
	if err != nil {
		return refusal("it can't be read: %w", err)
	}
	return nil
}

// passOver names what has no counterpart, or is made anew, as far as there is some.
func (a *Adoption) passOver(ctx context.Context) error {
	for _, p := range []struct{ table, where, what string }{
		{"execution", "true", "executions of jobs, with their tasks and logs"},
		{"scan_report", "true", "scan reports: images are scanned anew"},
		{"sbom_report", "true", "rows of SBOM reports: SBOMs that are artifacts were taken"},
		{"scanner_registration", "NOT immutable", "scanners that were registered: register them again, and give them to their projects"},
		{"audit_log", "true", "entries of the audit log (audit_log)"},
		{"audit_log_ext", "true", "entries of the audit log (audit_log_ext)"},
		{"oidc_user", "true", "CLI secrets of people of the OpenID provider: each gets a new one by signing in"},
		{"artifact_trash", "true", "artifacts that were deleted in Harbor"},
		{"notification_job", "true", "deliveries of webhooks"},
		{"job_log", "true", "logs of jobs"},
	} {
		n, err := a.Source.count(ctx, p.table, p.where)
		if err != nil {
			return err
		}
		if n > 0 {
			a.Report.PassOver(fmt.Sprintf("%d %s", n, p.what))
		}
	}
	a.Report.PassOver("sessions of browsers and docker tokens: everybody signs in again")
	return nil
}
