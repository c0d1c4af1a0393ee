package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/havenregistry/haven/bench/dataset"
)

const (
	maxPage   = 20.0 // milliseconds
	artifacts = "/api/v2.0/projects/" + dataset.Project + "/repositories/"
	maxTiming = 3 * time.Second // of one page, asked for again and again
	withAll   = "with_tag=true&with_accessory=true&with_label=true&"
)

// page is one request of a listing.
type page struct {
	name, path string
	token      bool // it wants a docker token of the repository
	apart      bool // without a target: it is no page of a listing, or it looks for a part of a name in 100,000
}

// pages are the requests that users of a large registry wait for. deep is a page far down in 20,000 rows and
// more; last is the last one of the largest repository.
func pages(shape dataset.Shape) []page {
	large := artifacts + dataset.Large + "/artifacts?" + withAll
	middle, last := strconv.Itoa(shape.Large/30), strconv.Itoa(shape.Large*9/10/10)
	return []page{
		{name: "projects", path: "/api/v2.0/projects?page_size=15"},
		{name: "projects, name=~4", path: "/api/v2.0/projects?page_size=15&q=name%3D~4"},
		{name: "repositories of a project", path: "/api/v2.0/projects/dataset/repositories?page_size=15"},
		{name: "repositories of a project, by update_time", path: "/api/v2.0/projects/dataset/repositories?page_size=15&sort=-update_time"},
		{name: "repositories of a project, by name", path: "/api/v2.0/projects/dataset/repositories?page_size=15&sort=name"},
		{name: "repositories of a project, name=~y-01", path: "/api/v2.0/projects/dataset/repositories?page_size=15&q=name%3D~y-01"},
		{name: "repositories of a project, page 10", path: "/api/v2.0/projects/dataset/repositories?page_size=15&page=10"},
		{name: "repositories of all projects", path: "/api/v2.0/repositories?page_size=15"},
		{name: "artifacts of the largest repository", path: large + "page_size=15"},
		{name: "artifacts, 100 a page", path: large + "page_size=100"},
		{name: "artifacts, in the middle", path: large + "page_size=15&page=" + middle},
		{name: "artifacts, near the end", path: large + "page_size=10&page=" + last},
		{name: "artifacts by push_time, oldest first", path: large + "page_size=15&sort=push_time"},
		{name: "artifacts by pull_time", path: large + "page_size=15&sort=-pull_time"},
		{name: "artifacts by size", path: large + "page_size=15&sort=size"},
		{name: "artifacts by size, page 100", path: large + "page_size=15&sort=-size&page=100"},
		{name: "artifacts, tags=*", path: large + "page_size=15&q=tags%3D*"},
		{name: "artifacts, tags=nil", path: large + "page_size=15&q=tags%3Dnil"},
		{name: "artifacts, tags=v19", path: large + "page_size=15&q=tags%3Dv19"},
		{name: "artifacts, tags=~v19 (each name is read)", path: large + "page_size=15&q=tags%3D~v19", apart: true},
		{name: "artifacts, type=IMAGE", path: large + "page_size=15&q=type%3DIMAGE"},
		{name: "artifacts, digest=~abc (each digest is read)", path: large + "page_size=15&q=digest%3D~abc", apart: true},
		{name: "artifacts of 10,000 with tags", path: artifacts + dataset.Tags + "/artifacts?" + withAll + "page_size=15"},
		{name: "artifacts of 10,000 with tags, tags=*", path: artifacts + dataset.Tags + "/artifacts?" + withAll + "page_size=15&q=tags%3D*"},
		{name: "artifacts of 10,000 with tags, tags=~v99", path: artifacts + dataset.Tags + "/artifacts?" + withAll + "page_size=15&q=tags%3D~v99"},
		{name: "artifacts of 10,000 with tags, digest=~abc", path: artifacts + dataset.Tags + "/artifacts?" + withAll + "page_size=15&q=digest%3D~abc"},
		{name: "artifacts of 10,000 with tags, type=IMAGE", path: artifacts + dataset.Tags + "/artifacts?" + withAll + "page_size=15&q=type%3DIMAGE"},
		{name: "artifacts of a project", path: "/api/v2.0/projects/dataset/artifacts?" + withAll + "page_size=15"},
		{name: "artifacts of a project, page 1000", path: "/api/v2.0/projects/dataset/artifacts?" + withAll + "page_size=15&page=1000"},
		{name: "an artifact with 10,000 tags", path: artifacts + dataset.Moving + "/artifacts/v1"},
		{name: "tags of that artifact", path: artifacts + dataset.Moving + "/artifacts/v1/tags?page_size=15"},
		{name: "tags of that artifact, page 300", path: artifacts + dataset.Moving + "/artifacts/v1/tags?page_size=15&page=300"},
		{name: "tags of that artifact, name=~v99", path: artifacts + dataset.Moving + "/artifacts/v1/tags?page_size=15&q=name%3D~v99"},
		{name: "accessories of an artifact with 500", path: artifacts + dataset.Subject + "/artifacts/v0/accessories?page_size=15"},
		{name: "/v2/ tags, 100 of 10,000", path: "/v2/dataset/tags/tags/list?n=100", token: true},
		{name: "/v2/ tags, the last 100", path: "/v2/dataset/tags/tags/list?n=100&last=v9899", token: true},
		{name: "/v2/ tags, all 10,000", path: "/v2/dataset/tags/tags/list", token: true},
		{name: "/v2/ catalog, 100 repositories", path: "/v2/_catalog?n=100"},
		{name: "/v2/ catalog, 100 far behind", path: "/v2/_catalog?n=100&last=dataset/repository-0400"},
		{name: "/v2/ catalog, all", path: "/v2/_catalog"},
		{name: "audit log", path: "/api/v2.0/auditlog-exts?page_size=15"},
		{name: "audit log, page 1000", path: "/api/v2.0/auditlog-exts?page_size=15&page=1000"},
		{name: "audit log of a project", path: "/api/v2.0/projects/dataset/auditlog-exts?page_size=15"},
		{name: "search", path: "/api/v2.0/search?q=repository-01"},
		{name: "quotas", path: "/api/v2.0/quotas?page_size=15"},
		{name: "a project's summary", path: "/api/v2.0/projects/dataset/summary"},
		{name: "users", path: "/api/v2.0/users?page_size=15"},
		{name: "manifest by tag", path: "/v2/dataset/large/manifests/v1", token: true, apart: true},
		{name: "docker token", path: tokenPath + "&scope=repository:dataset/large:pull", apart: true},
		{name: "audit log, username=admin", path: "/api/v2.0/auditlog-exts?page_size=15&q=username%3Dadmin"},
		{name: "audit log, operation=create", path: "/api/v2.0/auditlog-exts?page_size=15&q=operation%3Dcreate"},
		{name: "audit log, username=nobody", path: "/api/v2.0/auditlog-exts?page_size=15&q=username%3Dnobody"},
		{name: "statistics", path: "/api/v2.0/statistics", apart: true},
	}
}

// measureListings asks a registry with many artifacts for a page of each listing, on both databases.
func measureListings(ctx context.Context, o options, r *report) (err error) {
	root := o.kept
	if root == "" {
		if root, err = os.MkdirTemp(o.dir, "haven-bench-"); err != nil {
			return err
		}
		if err := os.Chmod(root, 0o755); err != nil { //nolint:gosec // PostgreSQL's user passes through it
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	}
	shape := o.sizes().shape
	all := pages(shape)
	took := make([][]time.Duration, len(all))
	starts := r.table(fmt.Sprintf("Start with %d manifests", shape.Artifacts), "The second start on the data, and what the program holds in memory after it and after the listings below.",
		"database", "first answer ms", "idle MB", "after listings MB")
	for _, fill := range []func(context.Context, options, string) (filled, error){fillSQLite, fillPostgres} {
		if err := measureFilled(ctx, o, r, starts, fill, root, func(c *client) error { return timePages(ctx, c, all, o.sizes().pages, took) }); err != nil {
			return err
		}
	}
	t := r.table(fmt.Sprintf("Listings with %d artifacts in %d repositories", shape.Artifacts, shape.Repositories), fmt.Sprintf("One client, one request after the other; the whole request over HTTP, "+
		"the password check, JSON and the exact total included. The largest repository has %d artifacts, another one %d tags, the audit log %d rows. Median and worst of up to %d requests after a first one. "+
		"PostgreSQL has the settings of a fresh installation.", shape.Large, shape.Tags, shape.Audit, o.sizes().pages),
		"what", "SQLite ms", "worst", "PostgreSQL ms", "worst")
	slowest := []time.Duration{0, 0}
	for i, p := range all {
		t.add(p.name, took[i][0], took[i][1], took[i][2], took[i][3])
		if !p.apart {
			slowest[0], slowest[1] = max(slowest[0], took[i][0]), max(slowest[1], took[i][2])
		}
	}
	r.target("slowest page of a listing, SQLite", "ms", milliseconds(slowest[0]), maxPage)
	r.target("slowest page of a listing, PostgreSQL", "ms", milliseconds(slowest[1]), maxPage)
	return nil
}

// measureFilled fills a registry, starts it and has it measured.
func measureFilled(ctx context.Context, o options, r *report, t *table, fill func(context.Context, options, string) (filled, error), root string, measure func(*client) error) error {
	f, err := fill(ctx, o, root)
	if err != nil {
		return err
	}
	var s *server
	for range 2 {
		if s != nil {
			err = s.stop()
		}
		if err == nil {
			s, err = startServer(ctx, o.haven, f.dir, f.settings...)
		}
		if err != nil {
			return errors.Join(err, f.stop())
		}
	}
	time.Sleep(restTime)
	idle, _, err := s.memory()
	if err == nil {
		err = measure(newClient(s))
	}
	after, _, more := s.memory()
	t.add(f.name, s.ready, megabytes(idle), megabytes(after))
	r.target("start with many manifests, "+f.name, "ms", milliseconds(s.ready), maxStart)
	return errors.Join(err, more, s.stop(), f.stop())
}

// timePages adds median and worst time of each page to took.
func timePages(ctx context.Context, c *client, all []page, times int, took [][]time.Duration) error {
	for i, p := range all {
		r := request{method: http.MethodGet, url: p.path, basic: !p.token}
		if p.token {
			var err error
			if r.token, err = c.token(ctx, tokenPath+"&scope=repository:dataset/tags:pull&scope=repository:dataset/large:pull"); err != nil {
				return err
			}
		}
		var each []time.Duration
		for n, start := 0, time.Now(); n <= times && (n < 4 || time.Since(start) < maxTiming); n++ {
			d, err := timed(func() error { _, _, err := c.call(ctx, r, http.StatusOK); return err })
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			if n > 0 {
				each = append(each, d)
			}
		}
		slices.Sort(each)
		took[i] = append(took[i], each[len(each)/2], each[len(each)-1])
	}
	return nil
}
