package repair

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

// RebuildReport is what a rebuild brought back, and what it could not.
type RebuildReport struct {
	StartedAt    time.Time `json:"started_at"`
	FinishedAt   time.Time `json:"finished_at"`
	Source       string    `json:"source"`
	Projects     int64     `json:"projects"`
	Guessed      []string  `json:"guessed_projects"` // known by their repositories only; private, without quota
	Registries   []string  `json:"registries"`       // that projects are a cache of; without their credentials
	Repositories int64     `json:"repositories"`
	Manifests    int64     `json:"manifests"`
	Tags         int64     `json:"tags"`
	Blobs        Amount    `json:"blobs"`
	Unnamed      Amount    `json:"unnamed_blobs"` // no manifest names them; their bytes stay where they are

	Corrupt  []Corrupt    `json:"corrupt"`   // in the store, with other bytes than their name says
	Missing  []oci.Digest `json:"missing"`   // blobs that manifests need and the store lacks
	Broken   []string     `json:"broken"`    // repository@digest of the manifests that need them
	Lost     []Lost       `json:"lost"`      // manifests and projects that could not come back
	LostTags []Lost       `json:"lost_tags"` // as repository:tag

	// MissingCount and so on count what the lists name only the first thousand of.
	MissingCount  int64 `json:"missing_count"`
	LostCount     int64 `json:"lost_count"`
	LostTagsCount int64 `json:"lost_tags_count"`

	mu           *sync.Mutex
	repositories map[string]bool
	missing      map[oci.Digest]bool
	broken       []broken // at most maxNamed
}

// broken is a manifest that lacks blobs.
type broken struct {
	name    string
	missing []oci.Digest
}

// Amount is a number of things and their bytes.
type Amount struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// Corrupt is a blob that isn't what its name says.
type Corrupt struct {
	Digest   oci.Digest `json:"digest"`
	Location string     `json:"location"`
	Problem  string     `json:"problem"`
}

// Lost is what could not come back, and why.
type Lost struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

func newRebuildReport(now time.Time) RebuildReport {
	return RebuildReport{
		StartedAt: now.UTC(), Guessed: []string{}, Registries: []string{}, Corrupt: []Corrupt{}, Broken: []string{},
		Lost: []Lost{}, LostTags: []Lost{},
		mu: &sync.Mutex{}, repositories: map[string]bool{}, missing: map[oci.Digest]bool{},
	}
}

// Complete reports whether everything that the store tells of came back.
func (r RebuildReport) Complete() bool {
	return r.MissingCount == 0 && r.LostCount == 0 && r.LostTagsCount == 0
}

func (r *RebuildReport) corrupt(d oci.Digest, location, problem string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Corrupt) < maxNamed {
		r.Corrupt = append(r.Corrupt, Corrupt{d, location, problem})
	}
}

func (r *RebuildReport) restored(n record.Name, missing []oci.Digest) {
	r.Manifests++
	if full := n.FullName(); !r.repositories[full] {
		r.repositories[full] = true
		r.Repositories++
	}
	for _, d := range missing {
		r.missing[d] = true
	}
	if len(missing) > 0 && len(r.broken) < maxNamed {
		r.broken = append(r.broken, broken{n.FullName() + "@" + string(n.Digest), missing})
	}
}

// complete fills what can be said at the end only.
func (r *RebuildReport) complete(now time.Time) {
	r.FinishedAt = now.UTC()
	r.MissingCount = int64(len(r.missing))
	r.Missing = slices.Sorted(maps.Keys(r.missing))
	r.Missing = r.Missing[:min(len(r.Missing), maxNamed)]
	for _, b := range r.broken {
		if slices.ContainsFunc(b.missing, func(d oci.Digest) bool { return r.missing[d] }) {
			r.Broken = append(r.Broken, b.name)
		}
	}
}

func (r *RebuildReport) lose(what string, why error) {
	r.LostCount++
	if len(r.Lost) < maxNamed {
		r.Lost = append(r.Lost, Lost{what, why.Error()})
	}
}

// loseManifest notes a manifest that is lost with its tags.
func (r *RebuildReport) loseManifest(n record.Name, tags []string, why error) {
	r.lose(n.FullName()+"@"+string(n.Digest), why)
	for _, tag := range tags {
		r.loseTag(n.FullName()+":"+tag, fmt.Errorf("its manifest %s is not there", n.Digest))
	}
}

func (r *RebuildReport) loseTag(what string, why error) {
	r.LostTagsCount++
	if len(r.LostTags) < maxNamed {
		r.LostTags = append(r.LostTags, Lost{what, why.Error()})
	}
}

// WriteText writes the report for people.
func (r RebuildReport) WriteText(w io.Writer) {
	fmt.Fprintf(w, "Restored from %s in %s: %d projects, %d repositories, %d manifests, %d tags, %d blobs (%s).\n",
		r.Source, r.FinishedAt.Sub(r.StartedAt).Round(time.Second), r.Projects, r.Repositories, r.Manifests, r.Tags,
		r.Blobs.Count-r.Unnamed.Count, size(r.Blobs.Bytes-r.Unnamed.Bytes))
	if len(r.Guessed) > 0 {
		fmt.Fprintf(w, "Of these projects only the repositories are known; they are private now and have no quota: %s\n", slices.Sorted(slices.Values(r.Guessed)))
	}
	if len(r.Registries) > 0 {
		fmt.Fprintf(w, "Projects are a cache of these registries, whose credentials are gone; enter them again: %s\n", strings.Join(slices.Sorted(slices.Values(r.Registries)), ", "))
	}
	if r.Unnamed.Count > 0 {
		fmt.Fprintf(w, "%d blobs (%s) are named by no manifest. Their bytes stay in the store.\n", r.Unnamed.Count, size(r.Unnamed.Bytes))
	}
	for _, c := range r.Corrupt {
		fmt.Fprintf(w, "DAMAGED %s: %s, at %s\n", c.Digest, c.Problem, c.Location)
	}
	if r.MissingCount > 0 {
		fmt.Fprintf(w, "%d blobs are missing. The images that need them are listed, and can be pulled again once they have been pushed again:\n", r.MissingCount)
		for _, b := range r.Broken {
			fmt.Fprintf(w, "  %s\n", b)
		}
	}
	for _, l := range r.Lost {
		fmt.Fprintf(w, "LOST %s: %s\n", l.What, l.Why)
	}
	for _, l := range r.LostTags {
		fmt.Fprintf(w, "LOST tag %s: %s\n", l.What, l.Why)
	}
	fmt.Fprintln(w, "Users, members, robots, labels, settings, replication policies, mirrors, descriptions of repositories and the audit\n"+
		"log were in the database alone and are gone: every project belongs to admin now.")
}
