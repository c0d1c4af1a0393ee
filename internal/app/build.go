package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/distribution"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/harborapi"
	"github.com/havenregistry/haven/internal/havenapi"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/ldap"
	"github.com/havenregistry/haven/internal/identity/oidc"
	"github.com/havenregistry/haven/internal/identity/workload"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/notice"
	"github.com/havenregistry/haven/internal/portal"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/profile"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/registry/garbage"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/retention"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/scanner"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/search"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/trend"
	"github.com/havenregistry/haven/internal/trust"
	"github.com/havenregistry/haven/internal/trust/signing"
	"github.com/havenregistry/haven/internal/webhook"
)

// domain is the parts that the edges speak for.
type domain struct {
	box         *secret.Box
	settings    *setting.Service
	identity    *identity.Service
	workloads   *workload.Service
	oidc        *oidc.Service
	projects    *project.Service
	people      *ldap.Provider
	labels      *label.Service
	immutable   *immutable.Service
	retention   *retention.Service
	endpoints   *endpoint.Service
	replication *replication.Service
	scanners    *scanner.Service
	scans       *scan.Service
	gate        *gate.Gate
	trust       *trust.Service
	signing     *signing.Service
	audits      *audit.Service
	registry    *registry.Service
	vulndb      *vulndb.Service
	caches      *proxycache.Service
	webhooks    *webhook.Service
	garbage     *garbage.Collector
	preheat     *preheat.Service
	trends      *trend.Service
}

// assemble makes the domain's parts. It reads nothing of the database.
func (a *App) assemble() (domain, error) {
	box, err := secret.OpenBox(a.cfg.SecretKeyFile)
	if err != nil {
		return domain{}, fmt.Errorf("secret_key_file: %w", err)
	}
	if err := a.secure(box); err != nil {
		return domain{}, err
	}
	clock := time.Now
	d := domain{box: box, settings: setting.New(a.db, box, clock), labels: label.New(a.db, clock), immutable: immutable.New(a.db, clock)}
	if fixed := a.cfg.ConfigOverwriteJSON.Reveal(); fixed != "" {
		if err := d.settings.Overwrite([]byte(fixed)); err != nil {
			return domain{}, fmt.Errorf("config_overwrite_json: %w", err)
		}
	}
	notices := a.notices
	d.settings.Announce(func() { notices.Publish(notice.Settings) })
	notices.Subscribe(notice.Settings, d.settings.Forget)
	openID := oidc.NewProvider(oidc.Deps{DB: a.db, Settings: d.settings, Box: box, Calls: a.calls, Clock: clock, Log: a.log})
	d.people = ldap.New(d.settings, clock, a.log)
	if d.workloads, err = workload.New(workload.Deps{DB: a.db, Box: box, Calls: a.calls, Clock: clock, Log: a.log}); err != nil {
		return domain{}, err
	}
	d.identity = identity.New(identity.Deps{
		DB: a.db, Settings: d.settings, Box: box, Clock: clock, Log: a.log, Workloads: d.workloads,
		Providers: []identity.NamedProvider{
			{Provider: d.people, Name: identity.LDAPProvider, GroupType: identity.LDAPGroup},
			{Provider: openID, Name: identity.OIDCProvider, GroupType: identity.OIDCGroup},
		},
	})
	d.oidc = oidc.NewService(openID, d.identity)
	outgoing := remote.NewHTTP(a.cfg.RegistryNetworks...).Watch(a.calls)
	d.endpoints = endpoint.New(endpoint.Deps{DB: a.db, Box: box, Remote: remote.Deps{HTTP: outgoing}, LocalURL: a.scannerAddress(), Clock: clock, Log: a.log})
	a.endpoints = d.endpoints
	d.projects = project.New(project.Deps{DB: a.db, Settings: d.settings, Clock: clock, Upstreams: upstreams{d.endpoints}, Immutable: d.immutable})
	adapters := adapter.NewClient()
	adapters.Watch(a.calls)
	d.scanners = scanner.New(scanner.Deps{
		DB: a.db, Box: box, Adapters: adapters, Projects: d.projects, Clock: clock, Log: a.log,
		Own: adapter.Own(func(ctx context.Context) (updated, next time.Time, err error) {
			state, err := d.vulndb.State(ctx)
			if err != nil || state.Current == nil {
				return updated, next, err
			}
			return state.Current.UpdatedAt, state.Current.NextUpdate, nil
		}),
	})
	// The dispatcher, made next, hands events to the log, which asks it to catch up before it is read.
	d.audits = audit.New(a.db, d.settings, func(ctx context.Context) { a.events.CatchUp(ctx) })
	a.records = record.NewKeeper(a.db, a.blobs, clock, a.log)
	a.forwarder = audit.NewForwarder(d.audits, a.ownName(), clock, a.log)
	d.settings.Check(audit.CheckReceiver)
	a.jobs = job.New(job.Deps{DB: a.db, Tell: func() { notices.Publish(notice.Jobs) }, Clock: clock, Log: a.log, Tracer: a.tracer})
	notices.Subscribe(notice.Jobs, a.jobs.Look)
	a.purger = audit.NewPurger(d.audits, a.jobs, clock)
	// Scanning and signatures are made last, of nearly everything else; by the first event they are there.
	var scans, signatures, signs, copies, caches, hooks, heats lateListener
	a.events = event.NewDispatcher(a.db, a.log, d.audits, a.records, &scans, &signatures, &signs, &copies, &caches, &hooks, &heats)
	wake := func() {
		a.events.Wake()
		notices.Publish(notice.Events)
	}
	d.registry = registry.New(registry.Deps{
		DB: a.db, Blobs: a.blobs, Clock: clock, Log: a.log, Wake: wake,
		Immutable: d.immutable, ReclaimAfter: a.cfg.ReclaimAfter, UploadLifetime: a.cfg.UploadLifetime,
		Rules: func(ctx context.Context) (registry.Rules, error) {
			v, err := d.settings.Get(ctx)
			return registry.Rules{
				NoQuotas: !v.QuotaEnabled(), NoPullCounts: !v.PullCounts(), NoPullTimes: !v.PullTimes(), NoScanTimes: !v.ScanTimes(),
				KeepDeleted: v.KeepDeleted(), CountDeleted: v.CountDeleted(),
			}, err
		},
	})
	a.jobs.OnCleanup(func(ctx context.Context, run *job.Run) error {
		n, err := d.projects.EndDeleted(ctx)
		run.Logf("%d deleted projects can't be restored any more", n)
		return err
	})
	a.jobs.OnCleanup(d.registry.SweepHistory(func(ctx context.Context) (time.Duration, error) {
		v, err := d.settings.Get(ctx)
		return v.TagHistory(), err
	}))
	d.garbage = garbage.New(a.db, d.registry, a.jobs, clock)
	a.engine = confined.New(confined.Options{TempDir: scanDir(a.cfg), Full: a.cfg.ScanConfinement == fullConfinement})
	if d.vulndb, err = a.vulnerabilities(); err != nil {
		return domain{}, err
	}
	d.scans = a.scanning(d, adapters)
	scans.Listener, a.scans = d.scans, d.scans
	d.trends = trend.New(a.db, d.scans.Totals, clock)
	a.jobs.OnCleanup(d.trends.Sample)
	d.trust = trust.New(trust.Deps{DB: a.db, Contents: d.registry, Jobs: a.jobs, Clock: clock, Log: a.log})
	signatures.Listener = d.trust
	d.gate = gate.New(gate.Deps{DB: a.db, Scans: d.scans, Trust: d.trust, Contents: d.registry, Clock: clock})
	d.signing = signing.New(signing.Deps{DB: a.db, Registry: d.registry, Jobs: a.jobs, Box: d.box, Judge: d.gate, Scans: d.scans, Host: externalHost(a.cfg.ExternalURL), Program: a.cfg.SigningProgram, Clock: clock, Log: a.log})
	signs.Listener = d.signing
	d.retention = a.retaining(d, wake)
	d.replication = a.replicating(d, wake)
	copies.Listener, a.replication = d.replication, d.replication
	d.caches = a.caching(d)
	caches.Listener, a.caches = d.caches, d.caches
	d.webhooks = a.announcing(d, wake)
	hooks.Listener, a.webhooks = d.webhooks, d.webhooks
	d.preheat = a.preheating(d, wake)
	heats.Listener = d.preheat
	a.registry, a.identity = d.registry, d.identity
	notices.Subscribe(notice.Events, a.events.StandBy)
	return d, nil
}

// populate makes the keys and what else a first start creates.
func (a *App) populate(ctx context.Context, d domain) error {
	if err := a.openKeys(ctx, d.identity); err != nil {
		return err
	}
	if err := a.bootstrap(ctx, d.identity, d.projects); err != nil {
		return err
	}
	return d.vulndb.Prepare(ctx)
}

// openKeys refuses to start with another secret key than the database's: clients would be sent from one replica
// with a token that the other one can't check.
func (a *App) openKeys(ctx context.Context, id *identity.Service) error {
	err := id.OpenKeys(ctx)
	if errors.Is(err, secret.ErrSealed) {
		return fmt.Errorf("secret_key_file: %s doesn't hold the key that this database was first used with; all replicas need a copy of the same file", a.cfg.SecretKeyFile)
	}
	return err
}

// parts are what the health of the registry is the health of, by Harbor's names.
func (a *App) parts() []harborapi.Part {
	parts := []harborapi.Part{{Name: "core"}, {Name: "database", Check: a.db.Ping}, {Name: "jobservice", Check: a.jobs.Check}, {Name: "portal"}}
	if a.notices.Shared() {
		parts = append(parts, harborapi.Part{Name: "redis", Check: a.notices.Check})
	}
	// registryctl, which Harbor names next, has no counterpart: what it does, the registry does itself.
	return append(parts, harborapi.Part{Name: "registry", Check: a.blobs.Check}, harborapi.Part{Name: "trivy", Check: a.engine.Check})
}

// connect puts the edges before the domain, and returns what answers every request.
func (a *App) connect(d domain) (http.Handler, error) {
	a.metrics = telemetry.NewMetrics(a.db.Executed)
	a.watchReclaim()
	a.watchForwarding(d.audits)
	a.watchRobots()
	a.watchJobs()
	a.watchScans(d.gate)
	a.watchVulnDB()
	a.watchCaches()
	a.watchWebhooks()
	a.watchCertificate()
	a.watchDependencies()
	a.watchTraces()
	a.health = &health{check: a.ready}
	guard := a.loadGuard()
	authorizer, auth, hosts := authz.New(d.projects), httpauth.New(d.identity), newHostCheck(a.cfg.ExternalURL)
	v2 := distribution.New(distribution.Deps{
		Registry: d.registry, Gate: d.gate, Projects: d.projects, Identity: d.identity, Settings: d.settings,
		Authz: authorizer, Auth: auth, Proxy: d.caches, Mirrors: d.caches.Mirrors(), ExternalScheme: hosts.scheme, Load: guard, MaxUploads: a.cfg.MaxUploads, Log: a.log,
	})
	api, err := harborapi.New(harborapi.Deps{
		Auth: auth, Authorizer: authorizer, Projects: d.projects, Identity: d.identity, Directory: d.people, OIDC: d.oidc, Registry: d.registry,
		Audit: d.audits, Purger: a.purger, Garbage: d.garbage, Jobs: a.jobs, Immutable: d.immutable, Retention: d.retention, Labels: d.labels, Endpoints: d.endpoints, Replication: d.replication, Webhooks: d.webhooks, Preheat: d.preheat, Scanners: d.scanners, Scans: d.scans, Gate: d.gate, Settings: d.settings, Proxy: d.caches, Load: guard, Log: a.log, Clock: time.Now,
		ExternalScheme: hosts.scheme, Storage: storageName(a.cfg.StorageURL), Volume: a.blobs.Free,
		Health: a.parts(),
	})
	if err != nil {
		return nil, err
	}
	haven := havenapi.New(havenapi.Deps{
		Auth: auth, Authorizer: authorizer, Projects: d.projects, Identity: d.identity, Workloads: d.workloads, Settings: d.settings, Audit: d.audits, Jobs: a.jobs, Load: guard, Log: a.log,
		Registry: d.registry, Immutable: d.immutable, Retention: d.retention, Scans: d.scans, Gate: d.gate, Trust: d.trust, Signing: d.signing, VulnDB: d.vulndb, Replication: d.replication, Webhooks: d.webhooks, Proxy: d.caches, Confinement: a.engine.Confinement, ExternalScheme: hosts.scheme,
		Search: search.New(a.db, d.projects, d.identity, authorizer), Trends: d.trends, Profiles: profile.New(a.db, time.Now),
	})
	key, err := d.box.Derive("csrf")
	if err != nil {
		return nil, fmt.Errorf("derive the key against cross-site requests: %w", err)
	}
	forgery := portal.NewGuard(key, hosts.scheme)
	pages, err := portal.New(portal.Deps{Identity: d.identity, OIDC: d.oidc, Settings: d.settings, Guard: forgery, Log: a.log})
	if err != nil {
		return nil, err
	}
	routes := router(edges{registry: v2, token: v2.Token, api: forgery.Protect(api), haven: forgery.Protect(haven), portal: pages}, a.health, hosts, d.caches.Mirrors())
	return observe(guard.Protect(routes), edgeOf, a.metrics, a.tracer, a.log), nil
}

// storageName is Harbor's name of a kind of blob store.
func storageName(storageURL string) string {
	switch scheme, _, _ := strings.Cut(storageURL, ":"); scheme {
	case "s3":
		return "s3"
	case "gs":
		return "gcs"
	case "azblob":
		return "azure"
	}
	return "filesystem"
}

// externalHost is the host, with its port, by which clients name images; "" where nobody said.
func externalHost(externalURLs []string) string {
	if len(externalURLs) == 0 {
		return ""
	}
	u, err := url.Parse(externalURLs[0])
	if err != nil {
		return ""
	}
	return u.Host
}
