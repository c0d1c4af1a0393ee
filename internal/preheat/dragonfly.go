package preheat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/job"
)

// dragonfly speaks with the manager of a Dragonfly 2, by its open API for jobs. Older managers have the same below /api.
type dragonfly struct{}

const (
	dragonflyHealth  = "/healthy"
	dragonflyJobs    = "/oapi/v1/jobs"
	dragonflyOldJobs = "/api/v1/jobs"
)

// errNotFetched: a job of the instance is over, and came to nothing.
var errNotFetched = errors.New("the instance failed to fetch the image")

// dragonflyJob is what a manager is asked to do.
type dragonflyJob struct {
	Type     string        `json:"type"`
	Args     dragonflyArgs `json:"args"`
	Clusters []int64       `json:"scheduler_cluster_ids,omitempty"`
}

type dragonflyArgs struct {
	Type    string            `json:"type"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Scope   string            `json:"scope,omitempty"`
}

// dragonflyState is how far it is. Which of the two fields there are depends on the version.
type dragonflyState struct {
	ID     int64  `json:"id"`
	State  string `json:"state"`
	Status string `json:"status"`
}

func (dragonfly) ping(ctx context.Context, c conn) error {
	return c.call(ctx, http.MethodGet, dragonflyHealth, nil, nil)
}

func (dragonfly) preheat(ctx context.Context, c conn, i Image) (string, error) {
	sent := dragonflyJob{Type: "preheat", Args: dragonflyArgs{Type: "image", URL: i.URL, Scope: i.Scope}, Clusters: i.Clusters}
	if i.Authorization != "" {
		sent.Args.Headers = map[string]string{"Authorization": i.Authorization.Reveal()}
	}
	path := dragonflyJobs
	var made dragonflyState
	err := c.call(ctx, http.MethodPost, path, sent, &made)
	if refusal, ok := errors.AsType[*statusError](err); ok && refusal.status == http.StatusNotFound {
		path = dragonflyOldJobs
		err = c.call(ctx, http.MethodPost, path, sent, &made)
	}
	if err != nil {
		return "", err
	}
	if made.ID == 0 {
		return "", errors.New("the instance gave the job no id")
	}
	return path + "/" + strconv.FormatInt(made.ID, 10), nil
}

// done asks for a job by its path.
func (dragonfly) done(ctx context.Context, c conn, id string) (bool, error) {
	if u, err := url.Parse(id); err != nil || u.IsAbs() || !strings.HasPrefix(id, "/") {
		return false, job.Permanent(fmt.Errorf("%q is no job of Dragonfly", id))
	}
	var is dragonflyState
	if err := c.call(ctx, http.MethodGet, id, nil, &is); err != nil {
		return false, err
	}
	switch cmp.Or(is.State, is.Status) {
	case "SUCCESS":
		return true, nil
	case "FAILURE":
		return false, errNotFetched
	default: // PENDING, RECEIVED, STARTED, RETRY
		return false, nil
	}
}
