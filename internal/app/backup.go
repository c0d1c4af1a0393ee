package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/backup"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/telemetry"
)

// BackupTarget is where backups are: a folder, or an address as of a storage_url.
type BackupTarget string

// url is the address as OpenStore takes it.
func (t BackupTarget) url() (string, error) {
	scheme, rest, ok := strings.Cut(string(t), ":")
	switch {
	case !ok || strings.ContainsAny(scheme, `/\.`):
		rest = string(t)
	case scheme != "file":
		return string(t), nil
	}
	if rest = strings.TrimPrefix(rest, "//"); rest == "" {
		return "", errors.New("target: expected a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX")
	}
	abs, err := filepath.Abs(rest)
	return "file:" + abs, err
}

// name shows the target to people, without what its parameters hold.
func (t BackupTarget) name() string {
	before, _, _ := strings.Cut(string(t), "?")
	if u, err := url.Parse(before); err == nil {
		return u.Redacted()
	}
	return before
}

// Open opens the target. An absent folder is made where that is wanted, and else an error.
func (t BackupTarget) Open(ctx context.Context, makeIt bool) (backup.Target, error) {
	at, err := t.url()
	if err != nil {
		return backup.Target{}, err
	}
	if dir, local := strings.CutPrefix(at, "file:"); local && !makeIt {
		if _, err := os.Stat(dir); err != nil {
			return backup.Target{}, fmt.Errorf("target: %w", err)
		}
	}
	store, err := OpenStore(ctx, at)
	if err != nil {
		return backup.Target{}, fmt.Errorf("target: %s", strings.TrimPrefix(err.Error(), "storage_url: "))
	}
	return backup.Target{Store: store}, nil
}

// apart refuses a target that is the registry's own store, or lies in it: each would take the other's blobs for strays.
func (t BackupTarget) apart(cfg config.Config) error {
	at, err := t.url()
	if err != nil {
		return err
	}
	store, err := BackupTarget(cfg.StorageURL).url()
	if err != nil {
		return err
	}
	one, _, _ := strings.Cut(at, "?")
	other, _, _ := strings.Cut(store, "?")
	if at == store || one == other && strings.HasPrefix(one, "file:") || strings.HasPrefix(one, "file:") && strings.HasPrefix(one, other+"/") {
		return errors.New("target: it is where the registry itself keeps blobs; name another place")
	}
	return nil
}

// existing opens the secret key file, which must be there: a new key would fit nothing.
func existingBox(path string) (*secret.Box, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("secret_key_file: %w; name the file that haven serve uses", err)
	}
	box, err := secret.OpenBox(path)
	if err != nil {
		return nil, fmt.Errorf("secret_key_file: %w", err)
	}
	return box, nil
}

// openSource opens a registry to be taken along, beside its servers.
func openSource(ctx context.Context, cfg config.Config, log *slog.Logger) (s backup.Source, end func() error, err error) {
	end = func() error {
		var errs []error
		if s.Blobs != nil {
			errs = append(errs, s.Blobs.Close())
		}
		if s.DB != nil {
			errs = append(errs, s.DB.Close())
		}
		return errors.Join(errs...)
	}
	if s.Box, err = existingBox(cfg.SecretKeyFile); err != nil {
		return s, end, err
	}
	if path := db.File(cfg.DatabaseURL); path != "" {
		if _, err := os.Stat(path); err != nil {
			return s, end, fmt.Errorf("database_url: %w", err)
		}
	}
	if s.DB, err = db.Open(ctx, cfg.DatabaseURL); err != nil {
		return s, end, fmt.Errorf("database_url: %w", err)
	}
	schema, err := s.DB.Schema(ctx)
	if err != nil {
		return s, end, fmt.Errorf("database_url: %w", err)
	}
	if err := schema.Exact(); err != nil {
		return s, end, fmt.Errorf("database_url: %w", err)
	}
	if err := checkServable(ctx, s.DB); err != nil {
		return s, end, err
	}
	if s.Blobs, err = OpenStore(ctx, cfg.StorageURL); err != nil {
		return s, end, err
	}
	s.Registry = registry.New(registry.Deps{DB: s.DB, Blobs: s.Blobs, Clock: time.Now, Log: log, Wake: func() {}})
	return s, end, nil
}

// Backup makes a backup, beside a server that may be running. With withKey the secret key file is in it.
func Backup(ctx context.Context, cfg config.Config, log *slog.Logger, to BackupTarget, withKey bool, pace backup.Pace, p backup.Progress) (made backup.Description, err error) {
	if err := to.apart(cfg); err != nil {
		return made, err
	}
	source, end, err := openSource(ctx, cfg, log)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return made, err
	}
	target, err := to.Open(ctx, true)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	c := backup.Create{Source: source, Target: target, Name: to.name(), Version: telemetry.Version(), Pace: pace, Clock: time.Now, Log: log, Progress: p}
	if withKey {
		if c.Key, err = os.ReadFile(cfg.SecretKeyFile); err != nil {
			return made, fmt.Errorf("secret_key_file: %w", err)
		}
	}
	made, err = c.Run(ctx)
	if errors.Is(err, blob.ErrNoSpace) {
		err = fmt.Errorf("the target is full; what has been copied is used when you try again with more room: %w", err)
	}
	return made, err
}

// openDestination opens a database and a store to be filled. No server may run on them.
func openDestination(ctx context.Context, cfg config.Config) (d backup.Destination, end func() error, err error) {
	end = func() error {
		var errs []error
		if d.Blobs != nil {
			errs = append(errs, d.Blobs.Close())
		}
		if d.DB != nil {
			errs = append(errs, d.DB.Close())
		}
		return errors.Join(errs...)
	}
	d.Clock = time.Now
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return d, end, fmt.Errorf("data_dir: %w", err)
	}
	if d.DB, err = db.Open(ctx, cfg.DatabaseURL); err != nil {
		return d, end, fmt.Errorf("database_url: %w", err)
	}
	if err := d.DB.Claim(); err != nil {
		return d, end, fmt.Errorf("database_url: %w", err)
	}
	d.Blobs, err = OpenStore(ctx, cfg.StorageURL)
	return d, end, err
}

// Restore fills the empty database and store of the settings from a backup: the one with the id, or the last one.
func Restore(ctx context.Context, cfg config.Config, log *slog.Logger, from BackupTarget, id string, pace backup.Pace, p backup.Progress) (report backup.RestoreReport, err error) {
	target, err := from.Open(ctx, false)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if err := from.apart(cfg); err != nil {
		return report, err
	}
	d, err := target.Find(ctx, id)
	if err != nil {
		return report, err
	}
	to, end, err := openDestination(ctx, cfg)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return report, err
	}
	r := backup.Restore{
		Target: target, Destination: to, Name: from.name(), Schema: db.Newest(), Pace: pace, Log: log, Progress: p,
		Box: func(ctx context.Context, d backup.Description) (*secret.Box, error) {
			return restoredBox(ctx, cfg.SecretKeyFile, target, d)
		},
	}
	return r.Run(ctx, d)
}

// restoredBox opens the secret key file; one that isn't there is taken from the backup, where it is in it.
func restoredBox(ctx context.Context, path string, target backup.Target, d backup.Description) (*secret.Box, error) {
	_, err := os.Stat(path)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("secret_key_file: %w", err)
	case d.SecretKey == nil:
		return nil, fmt.Errorf("secret_key_file: %s isn't there, and the backup was made without it: %w", path, backup.ErrKey)
	default:
		text, err := target.Key(ctx, d)
		if err == nil {
			err = writeFirst(path, string(text))
		}
		if err != nil {
			return nil, fmt.Errorf("secret_key_file: %w", err)
		}
	}
	return existingBox(path)
}

// moveHeard is how long servers may take to hear that the registry is read-only, and to end the requests that had begun.
const moveHeard = 5 * time.Second

// Move takes the registry of the settings to the database and the store of others, while it serves.
func Move(ctx context.Context, cfg, to config.Config, log *slog.Logger, pace backup.Pace, p backup.Progress) (report backup.MoveReport, err error) {
	if cfg.DatabaseURL == to.DatabaseURL || cfg.StorageURL == to.StorageURL {
		return report, errors.New("to_database_url and to_storage_url: both must be others than database_url and storage_url; for one of them alone use its own tools, or haven backup and haven restore")
	}
	source, end, err := openSource(ctx, cfg, log)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return report, err
	}
	settings, err := settingsOf(source, cfg)
	if err != nil {
		return report, err
	}
	destination, endThere, err := openDestination(ctx, to)
	defer func() { err = errors.Join(err, endThere()) }()
	if err != nil {
		return report, fmt.Errorf("the new place: %w", err)
	}
	sum := sha256.Sum256([]byte(cfg.DatabaseURL + "\n" + cfg.StorageURL))
	m := backup.Move{
		Source: source, Settings: settings, Destination: destination, From: "move of " + hex.EncodeToString(sum[:8]), Name: BackupTarget(cfg.StorageURL).name(),
		Heard: moveHeard, Pace: pace, Log: log, Progress: p,
	}
	return m.Run(ctx)
}

func settingsOf(s backup.Source, cfg config.Config) (*setting.Service, error) {
	settings := setting.New(s.DB, s.Box, time.Now)
	if fixed := cfg.ConfigOverwriteJSON.Reveal(); fixed != "" {
		if err := settings.Overwrite([]byte(fixed)); err != nil {
			return nil, fmt.Errorf("config_overwrite_json: %w", err)
		}
	}
	return settings, nil
}

// UndoMove lets pushes in again where a move has stopped them.
func UndoMove(ctx context.Context, cfg config.Config, log *slog.Logger) (err error) {
	source, end, err := openSource(ctx, cfg, log)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	settings, err := settingsOf(source, cfg)
	if err != nil {
		return err
	}
	return settings.Set(ctx, "haven move --undo", map[string]any{setting.ReadOnly: false})
}
