package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/adopt"
	"github.com/havenregistry/haven/internal/adopt/harbor"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/notice"
	"github.com/havenregistry/haven/internal/repair"
	"github.com/havenregistry/haven/internal/telemetry"
)

// AdoptOptions says how to take over another registry.
type AdoptOptions struct {
	Storage string // the folder, or file:FOLDER, with docker/registry/v2 in it
	Verify  bool   // read all blobs
	DryRun  bool   // write nothing but into a temporary folder, which goes
}

// HarborOptions says which Harbor to take over.
type HarborOptions struct {
	AdoptOptions
	Database  string // Harbor's, as postgres://…
	SecretKey string // file with Harbor's secretkey
}

// AdoptHarbor fills an empty Haven with what a Harbor has. Neither of the two may run meanwhile. The report is good for what was done
// before an error, too.
func AdoptHarbor(ctx context.Context, cfg config.Config, log *slog.Logger, o HarborOptions, p repair.Progress) (report *adopt.Report, err error) {
	volume, err := openVolume(o.Storage)
	if err != nil {
		return nil, err
	}
	key, err := harbor.ReadKey(o.SecretKey)
	if err != nil {
		return nil, errors.Join(err, volume.Close())
	}
	source, err := harbor.Open(ctx, o.Database)
	if err != nil {
		return nil, errors.Join(err, volume.Close())
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	adoption, err := harbor.New(ctx, source, key)
	if err != nil {
		return nil, errors.Join(err, volume.Close())
	}
	return adopting(ctx, cfg, log, "Harbor at "+source.Name, volume, o.AdoptOptions, p, func(ctx context.Context, a *App, d domain, settled bool, images *adopt.Images) error {
		adoption.Deps = harbor.Deps{
			DB: a.db, Settings: d.settings, Identity: d.identity, Projects: d.projects, Registry: d.registry, Labels: d.labels, Immutable: d.immutable,
			Retention: d.retention, Endpoints: d.endpoints, Replication: d.replication, Webhooks: d.webhooks, Preheat: d.preheat, Jobs: a.jobs, Clock: time.Now, Log: log,
		}
		adoption.Images, adoption.Report, adoption.Progress, adoption.Settled = images, images.Report, p, settled
		return adoption.Run(ctx)
	})
}

// AdoptDistribution fills an empty Haven with what a volume of CNCF Distribution has. Projects are private unless public. Neither of the
// two may run meanwhile.
func AdoptDistribution(ctx context.Context, cfg config.Config, log *slog.Logger, o AdoptOptions, public bool, p repair.Progress) (*adopt.Report, error) {
	volume, err := openVolume(o.Storage)
	if err != nil {
		return nil, err
	}
	name, err := Folder(o.Storage)
	if err != nil {
		return nil, errors.Join(err, volume.Close())
	}
	return adopting(ctx, cfg, log, "the volume "+name, volume, o, p, func(ctx context.Context, a *App, d domain, _ bool, images *adopt.Images) error {
		if err := a.bootstrap(ctx, d.identity, d.projects); err != nil {
			return err
		}
		v := &adopt.Volume{Links: repair.NewVolume(volume.Files()), Projects: d.projects, Images: images, Public: public}
		return v.Run(ctx)
	})
}

// Folder is the absolute path of a folder that is named as it is, or as a storage_url does.
func Folder(named string) (string, error) {
	dir := strings.TrimPrefix(strings.TrimPrefix(named, "file:"), "//")
	if dir == "" {
		return "", errors.New("expected a folder")
	}
	return filepath.Abs(dir)
}

func openVolume(storage string) (*file.Volume, error) {
	for _, scheme := range []string{"s3", "gs", "gcs", "azblob"} {
		if strings.HasPrefix(storage, scheme+"://") {
			return nil, errors.New("storage: only a folder can be taken over in place. In a bucket Haven names objects otherwise than Harbor's registry, so it couldn't serve " +
				"what lies there: copy the bucket into a folder and adopt that, or have the images replicated (docs/adopt.md)")
		}
	}
	dir, err := Folder(storage)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	volume, err := file.OpenVolume(dir)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	return volume, nil
}

// adopting has bring fill a database that is marked meanwhile.
func adopting(ctx context.Context, cfg config.Config, log *slog.Logger, source string, volume *file.Volume, o AdoptOptions, p repair.Progress,
	bring func(ctx context.Context, a *App, d domain, settled bool, images *adopt.Images) error) (report *adopt.Report, err error) {
	a := &App{cfg: cfg, log: log, blobs: blob.ReadOnly(volume)}
	defer func() { err = errors.Join(err, a.Close()) }()
	if o.DryRun {
		temporary, err := a.rehearse(ctx, source)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	}
	if err := a.connectDatabase(ctx); err != nil {
		return nil, err
	}
	if _, err := adopt.CheckTarget(ctx, a.db); err != nil {
		return nil, err
	}
	if err := a.migrate(ctx); err != nil {
		return nil, err
	}
	settled, err := adopt.Begin(ctx, a.db, source, time.Now())
	if err != nil {
		return nil, err
	}
	d, err := a.assemble()
	if err != nil {
		return nil, err
	}
	if err := a.openKeys(ctx, d.identity); err != nil {
		return nil, err
	}
	report = adopt.NewReport(source, o.DryRun, time.Now())
	images := &adopt.Images{Registry: d.registry, Store: volume, Verify: o.Verify, Report: report, Progress: p}
	err = bring(ctx, a, d, settled, images)
	p.Done()
	if err == nil {
		err = adopt.Finish(ctx, a.db, time.Now(), "take over "+source+": "+report.Summary())
	}
	report.FinishedAt = time.Now().UTC()
	if err == nil && !o.DryRun && a.generated != "" {
		fmt.Fprintf(os.Stderr, "Sign in as admin with the password %s (kept in %s)\n", a.generated.Reveal(), a.passwordAt)
	}
	return report, err
}

// connectDatabase opens the database, beside a store that is open already.
func (a *App) connectDatabase(ctx context.Context) (err error) {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	if a.notices, err = notice.Open("", a.log); err != nil {
		return err
	}
	if a.db, err = db.Open(ctx, a.cfg.DatabaseURL); err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	if err := a.db.Claim(); err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	return nil
}

// rehearse refuses a database that an adoption would refuse, and has the App use a temporary one, which the caller removes.
func (a *App) rehearse(ctx context.Context, source string) (temporary string, err error) {
	if err := checkTarget(ctx, a.cfg.DatabaseURL, source); err != nil {
		return "", err
	}
	if temporary, err = os.MkdirTemp("", "haven-adopt-"); err != nil {
		return "", fmt.Errorf("make a temporary folder: %w", err)
	}
	a.cfg = config.Config{DataDir: temporary, Listen: a.cfg.Listen, StorageURL: a.cfg.StorageURL, AdminPassword: a.cfg.AdminPassword, ScanConfinement: a.cfg.ScanConfinement}
	a.log = telemetry.WithRequestIDs(a.log)
	return temporary, a.cfg.Complete()
}

// checkTarget looks whether the database that an adoption would fill is there and not empty.
func checkTarget(ctx context.Context, databaseURL, source string) error {
	if path := db.File(databaseURL); path != "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	d, err := db.Open(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	defer d.Close()
	made, err := adopt.CheckTarget(ctx, d)
	if err != nil {
		return err
	}
	if !made { // by an earlier version, or not at all: the schema's own look would write
		older, err := d.Auto().HasTable(ctx, "account")
		if err == nil && older {
			err = db.ErrOldSchema
		}
		return err
	}
	return d.Read(ctx, func(tx db.Tx) error { return adopt.CheckEmpty(ctx, tx, source) })
}
