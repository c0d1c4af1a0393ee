package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// manyProjects is how many a company with a project a team has.
const manyProjects = 1_000

// measureProjects lists many projects, as an administrator and as somebody who sees half of them through a
// role, and asks for decisions about single ones.
func measureProjects(ctx context.Context, o options, r *report) (err error) {
	s, remove, err := newServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	admin, sizes := newClient(s), o.sizes()
	member, err := teams(ctx, admin)
	if err != nil {
		return err
	}
	t := r.table(fmt.Sprintf("%d projects", manyProjects), "Over HTTP, with the password check (remembered), JSON and the exact total. The developer has a role in every second project. A decision is "+
		"a request of hers about one project, another each time, that ends at it: refused with 403, or granted and then 404 for a repository that isn't there.",
		"what", "clients", "requests", "requests/s", "p50 ms", "p99 ms", "CPU ms/request")
	for _, m := range []struct {
		name   string
		as     *client
		path   func(i int) string
		status int
		target string // of its p99, "" for none
	}{
		{"a page of 100, administrator", admin, projectPage(100), http.StatusOK, "p99 of a page of 100 projects, administrator"},
		{"a page of 100, developer", member, projectPage(100), http.StatusOK, "p99 of a page of 100 projects, developer"},
		{"all in one answer, administrator", admin, func(int) string { return "/api/v2.0/projects?page_size=0" }, http.StatusOK, ""},
		{"a decision, refused", member, inProject("auditlog-exts"), http.StatusForbidden, ""},
		{"a decision, granted", member, inProject("repositories/none"), http.StatusNotFound, ""},
	} {
		for _, clients := range []int{1, 8} {
			out, err := load{clients, sizes.requests / 5, sizes.limit}.run(ctx, s, func(ctx context.Context, _, i int) error {
				_, _, err := m.as.call(ctx, request{method: http.MethodGet, url: m.path(i), basic: true}, m.status)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			t.add(m.name, clients, out.done, out.rate(), out.percentile(50), out.percentile(99), out.cost())
			if clients == 1 && m.target != "" {
				r.target(m.target, "ms", milliseconds(out.percentile(99)), maxPage)
			}
		}
	}
	return nil
}

// projectPage asks for one page after the other.
func projectPage(size int) func(int) string {
	return func(i int) string {
		return fmt.Sprintf("/api/v2.0/projects?page_size=%d&page=%d", size, 1+i%(manyProjects/size))
	}
}

// inProject asks for something of one project after the other, of those in which the developer has a role.
func inProject(what string) func(int) string {
	return func(i int) string { return "/api/v2.0/projects/" + teamName(i*2%manyProjects) + "/" + what }
}

func teamName(i int) string { return "team-" + strconv.Itoa(i) }

// teams makes the projects, private ones, and a developer of every second.
func teams(ctx context.Context, admin *client) (member *client, err error) {
	member = &client{server: admin.server, user: "dora", password: "Secret-of-dora-1", tokens: admin.tokens, connections: admin.connections}
	user := map[string]any{"username": member.user, "password": member.password, "realname": "Dora", "email": "dora@example.com"}
	if err := admin.api(ctx, "/users", user, http.StatusCreated); err != nil {
		return nil, err
	}
	return member, load{clients: 8, count: manyProjects}.all(ctx, func(ctx context.Context, _, i int) error {
		private := map[string]any{"project_name": teamName(i), "metadata": map[string]string{"public": "false"}}
		if err := admin.api(ctx, "/projects", private, http.StatusCreated); err != nil || i%2 == 1 {
			return err
		}
		role := map[string]any{"role_id": 2, "member_user": map[string]string{"username": member.user}}
		return admin.api(ctx, "/projects/"+teamName(i)+"/members", role, http.StatusCreated)
	})
}
