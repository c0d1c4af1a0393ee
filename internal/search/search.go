package search

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
)

// shown is how many of each kind are found.
const shown = 6

// Found is what was found, a few of each kind, what fits best first.
type Found struct {
	Projects        []Project
	Repositories    []Repository
	Tags            []Tag
	Artifacts       []Artifact
	Labels          []Label
	Packages        []string
	Vulnerabilities []Vulnerability
	Users           []identity.User
}

// Project is one by its name.
type Project struct {
	ID     int64
	Name   string
	Public bool
}

// Repository is one by its project and its name in it.
type Repository struct {
	id            int64
	Project, Name string
}

// Tag is one with what it names.
type Tag struct {
	Project, Repository, Name, Digest string
}

// Artifact is one by its digest. Tag is the latest one that names it, "" without.
type Artifact struct {
	Project, Repository, Tag, Digest, Type string
}

// Label is one with the newest artifact that carries it; without one On is empty.
type Label struct {
	ID      int64
	Project string // "": for all
	Name    string
	Color   string
	On      Artifact
}

// Vulnerability is one with its highest score.
type Vulnerability struct {
	Name string
	CVSS float64
}

// Service is the package's use case. It is safe for concurrent use.
type Service struct {
	db       *db.DB
	projects *project.Service
	identity *identity.Service
	rights   *authz.Authorizer
	bytewise string
}

// New returns a Service.
func New(d *db.DB, projects *project.Service, people *identity.Service, rights *authz.Authorizer) *Service {
	s := &Service{db: d, projects: projects, identity: people, rights: rights}
	if d.Dialect() == db.Postgres {
		s.bytewise = ` COLLATE "C"`
	}
	return s
}

// Find returns what p may see of what q means.
func (s *Service) Find(ctx context.Context, p authz.Principal, q Query) (found Found, err error) {
	if q == (Query{}) {
		return found, nil
	}
	for _, look := range []func(context.Context, authz.Principal, Query, *Found) error{s.contents, s.names, s.known} {
		if err := look(ctx, p, q, &found); err != nil {
			return Found{}, fmt.Errorf("search: %w", err)
		}
	}
	return found, nil
}

// contents looks for repositories and what is in them.
func (s *Service) contents(ctx context.Context, p authz.Principal, q Query, found *Found) error {
	repositories, err := s.in(ctx, p, authz.Permission{Resource: authz.Repository, Action: authz.ListAll})
	if err != nil {
		return err
	}
	if q.Name != "" {
		if found.Repositories, err = s.repositories(ctx, repositories, q.Name); err != nil {
			return err
		}
	}
	if q.Digest != "" {
		if found.Artifacts, err = s.artifacts(ctx, p, q, found.Repositories); err != nil {
			return err
		}
	}
	if !q.word() && q.Tag == "" {
		return nil
	}
	return s.tags(ctx, p, q, found)
}

// artifacts finds them by their digest: in the repositories that were named, what fits the name best first, and in
// all where none was named or none has it.
func (s *Service) artifacts(ctx context.Context, p authz.Principal, q Query, named []Repository) ([]Artifact, error) {
	in, err := s.in(ctx, p, authz.Permission{Resource: authz.Artifact, Action: authz.ListAll})
	if err != nil {
		return nil, err
	}
	where, args := in.condition()
	find := func(where string, args []any) ([]Artifact, error) {
		return db.Collect(ctx, s.db.Auto(), scanArtifact, artifactsFrom(where, len(args)), append(args, q.Digest, q.Digest+"g", shown)...)
	}
	if !q.word() && len(named) > 0 {
		ids, rank := make([]int64, len(named)), make(map[[2]string]int, len(named))
		for i, r := range named {
			ids[i], rank[[2]string{r.Project, r.Name}] = r.id, i
		}
		condition, more := inRepositories(len(args), ids)
		rows, err := find(where+condition, append(slices.Clone(args), more...))
		if err != nil || len(rows) > 0 {
			slices.SortStableFunc(rows, func(a, b Artifact) int {
				return rank[[2]string{a.Project, a.Repository}] - rank[[2]string{b.Project, b.Repository}]
			})
			return rows, err
		}
	}
	return find(where, args)
}

func (s *Service) tags(ctx context.Context, p authz.Principal, q Query, found *Found) (err error) {
	tags, err := s.in(ctx, p, authz.Permission{Resource: authz.Tag, Action: authz.ListAll})
	if err != nil {
		return err
	}
	where, args := tags.condition()
	if q.Tag == "" {
		found.Tags, err = db.Collect(ctx, s.db.Auto(), scanTag, tagsFrom(where, len(args)), append(args, q.Name, q.Name+last, shown)...)
		return err
	}
	// Of the repositories that were found, as far as their tags may be seen, too.
	for _, r := range found.Repositories {
		if len(found.Tags) == shown {
			return nil
		}
		where := where + from(len(args), " AND r.id = $1")
		visible, err := db.Collect(ctx, s.db.Auto(), scanRepository, inProject+where, append(slices.Clone(args), r.id)...)
		if err != nil {
			return err
		}
		if len(visible) == 0 {
			continue
		}
		rows, err := db.Collect(ctx, s.db.Auto(), scanTag, tagsOf, r.id, q.Tag, q.Tag+last, shown-len(found.Tags))
		if err != nil {
			return err
		}
		for _, t := range rows {
			t.Project, t.Repository = r.Project, r.Name
			found.Tags = append(found.Tags, t)
		}
	}
	return nil
}

// repositories finds them by their full name, by the beginning of their name in a project, and by any part of it.
func (s *Service) repositories(ctx context.Context, in scope, name string) (found []Repository, err error) {
	name = strings.ToLower(name)
	where, args := in.condition()
	add := func(query string, more ...any) {
		if err != nil || len(found) >= shown {
			return
		}
		var rows []Repository
		rows, err = db.Collect(ctx, s.db.Auto(), scanRepository, query, append(slices.Clone(args), more...)...)
		for _, r := range rows {
			if len(found) < shown && !slices.ContainsFunc(found, func(have Repository) bool { return have.id == r.id }) {
				found = append(found, r)
			}
		}
	}
	if first, rest, parted := strings.Cut(name, "/"); parted {
		add(repositoriesOf(where, len(args)), first, rest, rest+last, shown)
	}
	add(repositoriesFrom(where, len(args)), name, name+next, shown)
	add(repositoriesFrom(where, len(args)), name, name+last, shown)
	add(repositoriesLike(where, len(args)), db.Part(name), shown)
	// What has a dot before the first slash may be a host by another name.
	if first, rest, parted := strings.Cut(name, "/"); err == nil && parted && len(found) == 0 && strings.Contains(first, ".") {
		return s.repositories(ctx, in, rest)
	}
	return found, err
}

// names looks for what has a name of its own: projects and labels.
func (s *Service) names(ctx context.Context, p authz.Principal, q Query, found *Found) error {
	if !q.word() || strings.Contains(q.Name, "/") {
		return nil
	}
	all, ids, err := s.projects.VisibleIDs(ctx, p)
	if err != nil {
		return err
	}
	where, args := scope{all: all, ids: ids}.condition()
	name := strings.ToLower(q.Name)
	for query, more := range map[string][]any{
		projectsFrom(where, len(args)): {name, name + last, shown},
		projectsLike(where, len(args)): {db.Part(name), shown},
	} {
		rows, err := db.Collect(ctx, s.db.Auto(), scanProject, query, append(slices.Clone(args), more...)...)
		if err != nil {
			return err
		}
		found.Projects = append(found.Projects, rows...)
	}
	found.Projects = best(found.Projects, name)
	return s.labels(ctx, p, q, found)
}

// best sorts projects, those whose name begins so first, and leaves out what comes twice.
func best(all []Project, name string) []Project {
	slices.SortFunc(all, func(a, b Project) int {
		if x, y := strings.HasPrefix(a.Name, name), strings.HasPrefix(b.Name, name); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	all = slices.CompactFunc(all, func(a, b Project) bool { return a.ID == b.ID })
	return all[:min(len(all), shown)]
}

func (s *Service) labels(ctx context.Context, p authz.Principal, q Query, found *Found) error {
	in, err := s.in(ctx, p, authz.Permission{Resource: authz.Label, Action: authz.ListAll})
	if err != nil {
		return err
	}
	artifacts, err := s.in(ctx, p, authz.Permission{Resource: authz.Artifact, Action: authz.ListAll})
	if err != nil {
		return err
	}
	where, args := in.condition()
	if found.Labels, err = db.Collect(ctx, s.db.Auto(), scanLabel, labelsLike(where, len(args)), append(args, db.Part(q.Name), shown)...); err != nil {
		return err
	}
	global, err := db.Collect(ctx, s.db.Auto(), scanLabel, globalLabels(), db.Part(q.Name), shown)
	if err != nil {
		return err
	}
	found.Labels = append(global, found.Labels...)
	found.Labels = found.Labels[:min(len(found.Labels), shown)]
	where, args = artifacts.condition()
	for i := range found.Labels {
		l := &found.Labels[i]
		on, err := db.Collect(ctx, s.db.Auto(), scanCarrier, carrier(where, len(args)), append(slices.Clone(args), l.ID)...)
		if err != nil {
			return err
		}
		if len(on) > 0 {
			l.On = on[0]
		}
	}
	return nil
}

// known looks for what belongs to no project, for those who may list it.
func (s *Service) known(ctx context.Context, p authz.Principal, q Query, found *Found) (err error) {
	if !q.word() {
		return nil
	}
	tx := s.db.Auto()
	if s.rights.System(p, authz.Permission{Resource: authz.SecurityHub, Action: authz.ListAll}) == nil {
		if found.Packages, err = db.Collect(ctx, tx, db.ScanString, packagesFrom(s.bytewise), q.Name, q.Name+last, shown); err != nil {
			return err
		}
		id := strings.ToUpper(q.Name)
		if found.Vulnerabilities, err = db.Collect(ctx, tx, scanVulnerability, vulnerabilitiesFrom(s.bytewise), id, id+last, shown); err != nil {
			return err
		}
	}
	if strings.Contains(q.Name, "/") || s.rights.System(p, authz.Permission{Resource: authz.UserAccount, Action: authz.ListAll}) != nil {
		return nil
	}
	found.Users, _, err = s.identity.SearchUsers(ctx, q.Name, db.List{Page: 1, Size: shown})
	return err
}

func scanProject(r db.Row) (v Project, err error) {
	err = r.Scan(&v.ID, &v.Name, &v.Public)
	return v, err
}

func scanRepository(r db.Row) (v Repository, err error) {
	err = r.Scan(&v.id, &v.Project, &v.Name)
	return v, err
}

func scanTag(r db.Row) (v Tag, err error) {
	err = r.Scan(&v.Project, &v.Repository, &v.Name, &v.Digest)
	return v, err
}

func scanArtifact(r db.Row) (v Artifact, err error) {
	err = r.Scan(&v.Project, &v.Repository, &v.Tag, &v.Digest, &v.Type)
	return v, err
}

func scanCarrier(r db.Row) (v Artifact, err error) {
	err = r.Scan(&v.Project, &v.Repository, &v.Tag, &v.Digest)
	return v, err
}

func scanLabel(r db.Row) (v Label, err error) {
	err = r.Scan(&v.ID, &v.Project, &v.Name, &v.Color)
	return v, err
}

func scanVulnerability(r db.Row) (v Vulnerability, err error) {
	var tenths int64
	err = r.Scan(&v.Name, &tenths)
	v.CVSS = float64(tenths) / 10
	return v, err
}
