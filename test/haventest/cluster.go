//go:build acceptance

package haventest

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/notice/redistest"
)

// usualReplicas are as many as it takes to be another one each time.
const usualReplicas = 2

// Cluster is a registry of several replicas, with data folders of their own, and what they share.
type Cluster struct {
	*Site
	DatabaseURL string
	Redis       *redistest.Server
	Store       *ObjectStore
	Secrets     []string // passwords in the settings, which no log may have
}

// StartCluster runs PostgreSQL, unless there is one, Redis, an object store, two replicas or as many as are wanted, and a balancer until the
// test ends. The replicas start at the same time, on an empty database.
func StartCluster(t *testing.T, o Options) *Cluster {
	t.Helper()
	if o.DatabaseURL == "" {
		o.DatabaseURL = Postgres(t)
	}
	c := &Cluster{Site: &Site{}, DatabaseURL: o.DatabaseURL, Redis: redistest.Start(t), Store: StartS3(t)}
	// PostgreSQL here takes any password.
	c.Secrets = []string{c.Redis.Password, StoreSecret, "canary-of-the-database"}
	c.DatabaseURL = strings.Replace(c.DatabaseURL, "haven@", "haven:canary-of-the-database@", 1)
	o.DatabaseURL = c.DatabaseURL
	o.Env = slices.Concat([]string{
		"HAVEN_REDIS_URL=" + c.Redis.URL,
		"HAVEN_STORAGE_URL=" + c.Store.URL,
		"HAVEN_SECRET_KEY_FILE=" + filepath.Join(t.TempDir(), "secret-key"),
	}, c.Store.Env, o.Env)
	for range cmp.Or(o.Replicas, usualReplicas) {
		c.Replicas = append(c.Replicas, launch(t, o))
	}
	for _, r := range c.Replicas {
		r.waitReady()
	}
	c.Door = startBalancer(t, c.Replicas)
	return c
}
