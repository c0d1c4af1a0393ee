package dataset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// table is rows on their way to one table.
type table struct {
	name    string
	columns []string
	rows    [][]any
	next    int64 // id of the next row, where the table has ids
}

func (t *table) add(values ...any) { t.rows = append(t.rows, values) }

// id takes the next id.
func (t *table) id() int64 {
	t.next++
	return t.next
}

// filler writes rows of all tables, parents first.
type filler struct {
	sink
	projects, repositories, blobs, members, contents, manifests, manifestBlobs, children, tags, audit *table

	owner  int64
	start  int64   // microseconds of the first push; each artifact comes a second later
	pushed int     // artifacts so far
	base   []int64 // layers that images share
	// memberOf is the repository that a shared layer was last added to.
	memberOf map[int64]int64
	usage    map[int64]int64   // bytes of distinct blobs and of manifests, by project
	counted  map[[2]int64]bool // shared layers that usage has, by project
}

const second = int64(time.Second / time.Microsecond)

func newFiller(s sink) *filler {
	of := func(name string, columns ...string) *table { return &table{name: name, columns: columns} }
	return &filler{
		sink:         s,
		memberOf:     map[int64]int64{},
		usage:        map[int64]int64{},
		counted:      map[[2]int64]bool{},
		projects:     of("project", "id", "name", "owner_id", "public", "created_at", "updated_at"),
		repositories: of("repository", "id", "project_id", "name", "description", "hidden", "pull_count", "created_at", "updated_at"),
		blobs:        of("blob", "id", "digest", "size", "location", "created_at"),
		members:      of("repository_blob", "repository_id", "blob_id", "created_at", "project_id"),
		contents:     of("manifest_content", "digest", "content", "annotations", "extra_attrs"),
		manifests: of("manifest", "id", "repository_id", "digest", "media_type", "config_media_type", "artifact_type", "type", "size",
			"content_size", "subject", "accessory_of", "accessory_type", "listed", "pushed_at", "pulled_at", "project_id", "tagged"),
		manifestBlobs: of("manifest_blob", "manifest_id", "blob_id", "repository_id"),
		children:      of("manifest_child", "parent_id", "position", "child_id", "platform"),
		tags:          of("tag", "id", "repository_id", "name", "manifest_id", "pushed_at", "pulled_at"),
		audit: of("audit", "id", "project_id", "username", "event_type", "operation", "resource_type", "resource", "description",
			"result", "created_at"),
	}
}

func (f *filler) tables() []*table {
	return []*table{f.projects, f.repositories, f.blobs, f.members, f.contents, f.manifests, f.manifestBlobs, f.children, f.tags, f.audit}
}

// Fill writes a data set into the database of a registry that was started once and is stopped now.
// progress is told how many artifacts there are so far.
func Fill(ctx context.Context, address string, shape Shape, progress func(artifacts int)) (err error) {
	repositories, err := shape.repositories()
	if err != nil {
		return err
	}
	s, err := open(ctx, address)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	f := newFiller(s)
	if err := f.prepare(ctx, shape); err != nil {
		return err
	}
	for _, r := range repositories {
		if err := f.fill(ctx, shape, r); err != nil {
			return fmt.Errorf("fill %s: %w", r.name, err)
		}
		progress(f.pushed)
	}
	if err := f.flush(ctx); err != nil {
		return err
	}
	if err := f.log(ctx, shape); err != nil {
		return fmt.Errorf("fill the audit log: %w", err)
	}
	if err := f.count(ctx); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return f.finish(ctx, names(f.tables()))
}

func names(tables []*table) []string {
	all := make([]string, len(tables))
	for i, t := range tables {
		all[i] = t.name
	}
	return all
}

// prepare reads where ids go on and writes projects and the blobs that all share.
func (f *filler) prepare(ctx context.Context, shape Shape) (err error) {
	if f.owner, err = f.number(ctx, "SELECT COALESCE(MIN(id), 0) FROM account"); err != nil {
		return err
	}
	if f.owner == 0 {
		return errors.New("the registry has never been started: it has no administrator")
	}
	for _, t := range f.tables() {
		if t.columns[0] != "id" {
			continue
		}
		if t.next, err = f.number(ctx, "SELECT COALESCE(MAX(id), 0) FROM "+t.name); err != nil {
			return err
		}
	}
	f.start = time.Now().UnixMicro() - int64(shape.Artifacts+1)*second
	for i := range shape.Projects + 1 {
		f.projects.add(f.projects.id(), projectName(i), f.owner, i%4 == 1, f.start, f.start)
	}
	for range 200 {
		f.base = append(f.base, f.blob(baseSize))
	}
	return f.flush(ctx)
}

func projectName(i int) string {
	if i == 0 {
		return Project
	}
	return number(Project+"-", i)
}

func number(prefix string, n int) string { return fmt.Sprintf("%s%04d", prefix, n) }

// projectID is the id that prepare gave to the i-th project.
func (f *filler) projectID(shape Shape, i int) int64 {
	return f.projects.next - int64(shape.Projects-i)
}

// flush writes the rows collected so far.
func (f *filler) flush(ctx context.Context) error {
	for _, t := range f.tables() {
		if len(t.rows) == 0 {
			continue
		}
		if err := f.insert(ctx, t.name, t.columns, t.rows); err != nil {
			return fmt.Errorf("insert into %s: %w", t.name, err)
		}
		t.rows = t.rows[:0]
	}
	return nil
}

// rowsAtMost bounds what waits in memory, in manifests.
const rowsAtMost = 5_000

func (f *filler) fill(ctx context.Context, shape Shape, r repository) error {
	at := f.now()
	id := f.repositories.id()
	f.repositories.add(id, f.projectID(shape, r.project), r.name, "", false, int64(f.pushed%1000), at, at+int64(r.artifacts)*second)
	p := push{filler: f, repository: id, project: f.projectID(shape, r.project)}
	for first := f.pushed; f.pushed < first+r.artifacts; {
		p.next(shape, r, f.pushed-first)
		if len(f.manifests.rows) < rowsAtMost {
			continue
		}
		if err := f.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) now() int64 { return f.start + int64(f.pushed)*second }

// log writes the audit log: most of it pulls.
func (f *filler) log(ctx context.Context, shape Shape) error {
	for i := range shape.Audit {
		project := i % (shape.Projects + 1)
		if i%2 == 0 {
			project = 0
		}
		kind, operation := "pull_artifact", "pull"
		if i%5 == 0 {
			kind, operation = "create_artifact", "create"
		}
		f.audit.add(f.audit.id(), f.projectID(shape, project), "admin", kind, operation, "artifact",
			projectName(project)+"/"+number("repository-", i%shape.Repositories)+":v1", "", true, f.start+int64(i)*second)
		if i%10_000 == 9_999 {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
	return f.flush(ctx)
}

// count brings the numbers up to date that the registry keeps as it goes.
func (f *filler) count(ctx context.Context) error {
	usage := &table{name: "project_usage", columns: []string{"project_id", "shard", "bytes"}}
	for _, project := range slices.Sorted(maps.Keys(f.usage)) {
		usage.add(project, 0, f.usage[project])
	}
	if err := f.insert(ctx, usage.name, usage.columns, usage.rows); err != nil {
		return err
	}
	for _, query := range []string{
		`UPDATE repository SET artifact_count = (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = repository.id AND m.listed)`,
		`DELETE FROM audit_count`,
		`INSERT INTO audit_count (project_id, username, operation, entries) SELECT project_id, username, operation, COUNT(*) FROM audit GROUP BY project_id, username, operation`,
		`DELETE FROM record_pass`, // else the first server writes a million records meanwhile
	} {
		if err := f.exec(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
