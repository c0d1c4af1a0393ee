package repair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
)

// ErrNotEmpty: a rebuild adds nothing to a database that has more than a first start makes.
var ErrNotEmpty = errors.New("the database is not empty: a rebuild needs a new one; if this one is damaged, move it away or name another one")

// ErrRebuilding: the database is incomplete.
var ErrRebuilding = errors.New("this database is being made anew from the store, which isn't finished: run haven rebuild to its end")

const (
	// Somebody may have started the server on a new database.
	anything = `SELECT EXISTS (SELECT 1 FROM account WHERE id > 1) OR EXISTS (SELECT 1 FROM project WHERE name <> 'library')
		OR EXISTS (SELECT 1 FROM repository) OR EXISTS (SELECT 1 FROM blob) OR EXISTS (SELECT 1 FROM robot) OR EXISTS (SELECT 1 FROM remote_registry)`
	isRebuilding  = `SELECT COUNT(*) FROM rebuilding`
	beginRebuild  = `INSERT INTO rebuilding (id, started_at) VALUES (1, $1) ON CONFLICT (id) DO NOTHING`
	finishRebuild = `DELETE FROM rebuilding`
)

// CheckServable returns ErrRebuilding for a database that a rebuild hasn't finished.
func CheckServable(ctx context.Context, tx db.Tx) error {
	n, err := db.Get(ctx, tx, db.ScanInt, isRebuilding)
	if err == nil && n > 0 {
		return ErrRebuilding
	}
	return err
}

// Empty reports whether a database has no more in it than a first start makes: the user admin and an empty project library.
func Empty(ctx context.Context, tx db.Tx) (bool, error) {
	full, err := db.Get(ctx, tx, db.ScanBool, anything)
	return !full, err
}

// BeginRebuild marks an empty database, or one whose rebuild was broken off, as being rebuilt. One that isn't
// Empty is ErrNotEmpty.
func BeginRebuild(ctx context.Context, d *db.DB, now time.Time) error {
	return d.Write(ctx, func(tx db.Tx) error {
		begun, err := db.Get(ctx, tx, db.ScanInt, isRebuilding)
		if err != nil || begun > 0 {
			return err
		}
		empty, err := Empty(ctx, tx)
		if err != nil {
			return err
		}
		if !empty {
			return ErrNotEmpty
		}
		_, err = tx.Exec(ctx, beginRebuild, db.Micros(now))
		return err
	})
}

// Rebuild makes the rows of a marked database anew (BeginRebuild) from what lies in the store.
type Rebuild struct {
	DB       *db.DB
	Registry *registry.Service
	Projects *project.Service
	// Endpoints and Caches bring back what projects are a cache of, and how.
	Endpoints *endpoint.Service
	Caches    *proxycache.Service
	Records   *record.Keeper
	Blobs     blob.Store
	// Volume is the folder of a store of files, "" for others: a volume of CNCF Distribution has no records.
	Volume     string
	TrustNames bool // don't read blobs whose location names their digest
	Parallel   int  // blobs read at a time, at least 1
	Clock      func() time.Time
	Log        *slog.Logger
	Progress   Progress

	report   RebuildReport
	projects map[string]int64
}

// Run does it all, and can be run again after it was broken off. The report is good for what was done before
// an error, too.
func (r *Rebuild) Run(ctx context.Context) (RebuildReport, error) {
	r.report = newRebuildReport(r.Clock())
	r.projects = map[string]int64{}
	err := r.run(ctx)
	r.Progress.Done()
	r.report.complete(r.Clock())
	return r.report, err
}

func (r *Rebuild) run(ctx context.Context) error {
	if err := r.Records.Adopt(ctx); err != nil {
		return err
	}
	from, err := r.source(ctx)
	if err != nil {
		return err
	}
	r.report.Source = from.name()
	for _, stage := range []func(context.Context, source) error{r.restoreBlobs, r.restoreProjects, r.restoreManifests, r.restoreLong, r.restoreOtherTags} {
		if err := stage(ctx, from); err != nil {
			return err
		}
	}
	r.Progress.Stage("sums", 0, false)
	if r.report.Unnamed.Count, r.report.Unnamed.Bytes, err = r.Registry.FinishRestore(ctx); err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, finishRebuild)
		return err
	})
}

// restoreBlobs writes a row for each blob whose bytes are whole.
func (r *Rebuild) restoreBlobs(ctx context.Context, _ source) error {
	var total int64
	err := r.Blobs.Blobs(ctx, func(_ string, size int64) error {
		total += size
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the store: %w", err)
	}
	r.Progress.Stage("blobs", max(1, total), true)
	found := make(chan registry.Blob, pageSize)
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return r.writeBlobs(inner, found) })
	g.Go(func() error {
		defer close(found)
		return r.findBlobs(inner, found)
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("restore blobs: %w", err)
	}
	return nil
}

// findBlobs lists the store and sends what is whole.
func (r *Rebuild) findBlobs(ctx context.Context, found chan<- registry.Blob) error {
	read := NewReader(r.Blobs, 0, r.Progress.Add)
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(r.Parallel)
	err := r.Blobs.Blobs(inner, func(location string, size int64) error {
		g.Go(func() error {
			b, err := r.identify(inner, read, location, size)
			if err != nil || b.Digest == "" {
				return err
			}
			select {
			case found <- b:
				return nil
			case <-inner.Done():
				return inner.Err()
			}
		})
		return inner.Err()
	})
	if failed := g.Wait(); failed != nil {
		return failed
	}
	return err
}

// identify says which blob lies at a location; none when it isn't whole.
func (r *Rebuild) identify(ctx context.Context, read *Reader, location string, size int64) (registry.Blob, error) {
	b := registry.Blob{Size: size, Location: location, Durable: true}
	named, ok := r.digestOf(location)
	if ok && r.TrustNames {
		r.Progress.Add(size)
		b.Digest = named
		return b, nil
	}
	if !ok {
		return r.hash(ctx, read, location, oci.SHA256)
	}
	problem, err := read.Examine(ctx, location, named, size)
	if err != nil {
		return registry.Blob{}, err
	}
	if problem != "" {
		r.report.corrupt(named, location, problem)
		return registry.Blob{}, nil
	}
	b.Digest = named
	return b, nil
}

// hash finds out the digest of what lies at a location.
func (r *Rebuild) hash(ctx context.Context, read *Reader, location string, algorithm oci.Algorithm) (registry.Blob, error) {
	content, err := r.Blobs.Open(ctx, location)
	if errors.Is(err, blob.ErrNotFound) {
		return registry.Blob{}, nil
	}
	if err != nil {
		return registry.Blob{}, err
	}
	defer content.Close()
	sum := oci.Digest(algorithm + ":").NewHash()
	if err := read.copy(ctx, sum, content); err != nil {
		return registry.Blob{}, err
	}
	return registry.Blob{Digest: oci.FromHash(algorithm, sum), Size: content.Size(), Location: location, Durable: true}, nil
}

// restoreLong looks for the blobs that manifests name by SHA-512, where locations don't tell digests: as far as
// one could know, they were others.
func (r *Rebuild) restoreLong(ctx context.Context, _ source) error {
	wanted := map[oci.Digest]bool{}
	for d := range r.report.missing {
		if d.Algorithm() == oci.SHA512 {
			wanted[d] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	r.Progress.Stage("blobs by SHA-512", 0, true)
	read := NewReader(r.Blobs, 0, r.Progress.Add)
	err := r.Blobs.Blobs(ctx, func(location string, _ int64) error {
		if _, told := r.digestOf(location); told || len(wanted) == 0 {
			return nil
		}
		b, err := r.hash(ctx, read, location, oci.SHA512)
		if err != nil || !wanted[b.Digest] {
			return err
		}
		restored, err := r.Registry.RestoreBlobAs(ctx, b)
		if restored {
			delete(wanted, b.Digest)
			delete(r.report.missing, b.Digest)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("restore blobs by SHA-512: %w", err)
	}
	return nil
}

// digestOf is the digest that a location follows from, where it does.
func (r *Rebuild) digestOf(location string) (oci.Digest, bool) {
	finder, ok := r.Blobs.(blob.Finder)
	if !ok {
		return "", false
	}
	return finder.Digest(location)
}

func (r *Rebuild) writeBlobs(ctx context.Context, found <-chan registry.Blob) error {
	var batch []registry.Blob
	flush := func() error {
		err := r.Registry.RestoreBlobs(ctx, batch)
		for _, b := range batch {
			r.report.Blobs.Count++
			r.report.Blobs.Bytes += b.Size
		}
		batch = batch[:0]
		return err
	}
	for b := range found {
		if batch = append(batch, b); len(batch) == pageSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (r *Rebuild) restoreProjects(ctx context.Context, from source) error {
	r.Progress.Stage("projects", 0, false)
	return from.projects(ctx, func(p record.ProjectContent) error {
		r.Progress.Add(1)
		_, err := r.restoreProject(ctx, p)
		return err
	})
}

// projectID returns the id of a project, making it private when only its repositories tell of it.
func (r *Rebuild) projectID(ctx context.Context, name string) (int64, error) {
	if id, ok := r.projects[name]; ok {
		return id, nil
	}
	ref, err := r.Projects.ByName(ctx, name)
	if err == nil { // library, or from a run that was broken off
		r.projects[name] = ref.ID
		return ref.ID, nil
	}
	r.report.Guessed = append(r.report.Guessed, name)
	return r.restoreProject(ctx, record.ProjectContent{Name: name, StorageLimit: -1, CreatedAt: r.Clock()})
}

func (r *Rebuild) restoreProject(ctx context.Context, p record.ProjectContent) (int64, error) {
	restored, err := projectOf(p)
	if err != nil {
		r.report.lose(string(record.Project)+"/"+p.Name, err)
		return 0, nil
	}
	if p.Cache != nil {
		if restored.RegistryID, err = r.restoreRegistry(ctx, *p.Cache); err != nil {
			return 0, r.unreadable(string(record.Project)+"/"+p.Name, err)
		}
	}
	id, err := r.Projects.Restore(ctx, restored)
	if err != nil {
		return 0, err
	}
	if p.Cache != nil && p.Cache.Freshness != "" {
		err := r.Caches.RestoreOwn(ctx, id, ownOf(*p.Cache))
		if err := r.unreadable(string(record.Project)+"/"+p.Name, err); err != nil {
			return 0, err
		}
	}
	r.projects[p.Name] = id
	r.report.Projects++
	return id, nil
}
