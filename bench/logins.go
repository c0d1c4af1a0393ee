package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const tokenPath = "/service/token?service=harbor-registry"

// measureLogins fetches tokens: by users whose password the server has to hash, and by users that it
// remembers.
func measureLogins(ctx context.Context, o options, r *report) (err error) {
	s, remove, err := newServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c, sizes := newClient(s), o.sizes()
	users := make([]*client, sizes.logins)
	for i := range users {
		users[i] = &client{server: c.server, user: fmt.Sprintf("user%d", i), password: fmt.Sprintf("Secret-of-%d", i), tokens: c.tokens, connections: c.connections}
		user := map[string]any{"username": users[i].user, "password": users[i].password, "realname": users[i].user,
			"email": users[i].user + "@example.com"}
		if err := c.api(ctx, "/users", user, http.StatusCreated); err != nil {
			return err
		}
	}
	t := r.table("Log-ins and tokens", "A log-in is a request of /v2/ with user and password; the first of each user costs one Argon2id hash.",
		"what", "clients", "requests", "requests/s", "p50 ms", "p99 ms", "CPU ms/request")
	one := func(name string, clients, count int, operation func(context.Context, int, int) error) error {
		out, err := load{clients, count, sizes.limit}.run(ctx, s, operation)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		t.add(name, clients, out.done, out.rate(), out.percentile(50), out.percentile(99), out.cost())
		return nil
	}
	basic := request{method: http.MethodGet, url: "/v2/", basic: true}
	login := func(ctx context.Context, _, i int) error {
		_, _, err := users[i%len(users)].call(ctx, basic, http.StatusOK)
		return err
	}
	scoped := tokenPath + "&scope=repository:library/bench:pull,push"
	token := func(ctx context.Context, _, i int) error {
		_, err := c.token(ctx, scoped)
		return err
	}
	return errors.Join(
		one("log-in, first time", 1, len(users), login),
		one("log-in, remembered", 1, sizes.requests/4, login),
		one("log-in, remembered", 8, sizes.requests/4, login),
		one("token for one repository", 1, sizes.requests/4, token),
		one("token for one repository", 8, sizes.requests/4, token),
	)
}
