package garbage

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/havenregistry/haven/internal/fault"
)

// window is how old an artifact without a tag must be: a client that pushes by digest and tags afterwards has this time.
const window = 2 * time.Hour

// The parameters of a run, by Harbor's names.
const (
	deleteUntagged = "delete_untagged"
	deleteTag      = "delete_tag"
	dryRun         = "dry_run"
	workers        = "workers"
)

const maxWorkers = 10

// Parameters are what a run is to do, with their names in Harbor's order.
type Parameters struct {
	DeleteTag      bool  `json:"delete_tag"` // Harbor's own store needs it; here a tag goes with its artifact
	DeleteUntagged bool  `json:"delete_untagged"`
	DryRun         *bool `json:"dry_run,omitempty"` // nil where nobody said, which is no
	Workers        int   `json:"workers"`           // how many blobs are deleted at a time
}

// Parse reads the parameters that a client sent; names that it doesn't know are nothing to it. The refusal is a
// fault.Invalid.
func Parse(sent map[string]any) (p Parameters, err error) {
	if p.DeleteUntagged, err = boolean(sent, deleteUntagged); err != nil {
		return p, err
	}
	if p.DeleteTag, err = boolean(sent, deleteTag); err != nil {
		return p, err
	}
	if sent[dryRun] != nil {
		dry, err := boolean(sent, dryRun)
		if err != nil {
			return p, err
		}
		p.DryRun = &dry
	}
	p.Workers = 1
	if v := sent[workers]; v != nil {
		n, ok := v.(float64)
		if !ok || math.Trunc(n) != n || n < 1 || n > maxWorkers {
			return p, fault.Invalidf("%s: expected a whole number from 1 to %d", workers, maxWorkers)
		}
		p.Workers = int(n)
	}
	return p, nil
}

func boolean(sent map[string]any, name string) (bool, error) {
	if sent[name] == nil {
		return false, nil
	}
	v, ok := sent[name].(bool)
	if !ok {
		return false, fault.Invalidf("%s: expected true or false", name)
	}
	return v, nil
}

func (p Parameters) dry() bool { return p.DryRun != nil && *p.DryRun }

// String is the parameters as JSON.
func (p Parameters) String() string { return text(p) }

// Freed is what a run has done so far, or would do.
type Freed struct {
	Space     int64 `json:"freed_space"` // bytes
	Blobs     int64 `json:"purged_blobs"`
	Manifests int64 `json:"purged_manifests"`
}

// told is a run in the history: its parameters and what it has done.
type told struct {
	DeleteTag       bool  `json:"delete_tag"`
	DeleteUntagged  bool  `json:"delete_untagged"`
	DryRun          bool  `json:"dry_run"`
	FreedSpace      int64 `json:"freed_space"`
	PurgedBlobs     int64 `json:"purged_blobs"`
	PurgedManifests int64 `json:"purged_manifests"`
	TimeWindow      int   `json:"time_window"` // hours
	Workers         int   `json:"workers"`
}

// Told is the parameters of an execution with what it has done, as JSON in Harbor's words.
func Told(e Execution) (string, error) {
	p, err := decoded(e.Parameters)
	if err != nil {
		return "", err
	}
	return text(told{p.DeleteTag, p.DeleteUntagged, p.dry(), e.Result.Space, e.Result.Blobs, e.Result.Manifests, int(window / time.Hour), p.Workers}), nil
}

// decoded is the parameters of a stored run, which were checked when they were stored.
func decoded(stored string) (p Parameters, err error) {
	if err := json.Unmarshal([]byte(stored), &p); err != nil {
		return p, fmt.Errorf("read the parameters of collecting garbage: %w", err)
	}
	p.Workers = max(p.Workers, 1)
	return p, nil
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // numbers and booleans
		return "{}"
	}
	return string(b)
}
