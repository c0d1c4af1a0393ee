package replication

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// planOrder is what a task of PlanKind carries.
type planOrder struct {
	Policy int64  `json:"policy"`
	Refuse string `json:"refuse,omitempty"` // why it isn't done at all
}

const (
	// comparedAtOnce is how many repositories a plan compares at a time.
	comparedAtOnce = 8
	// addedAtOnce is how many tasks one transaction adds.
	addedAtOnce = 100
	// maxRepositories bounds the repositories of a policy.
	maxRepositories = 100_000
	// maxUncompared is how many repositories may not be comparable until the whole plan fails.
	maxUncompared = 20
)

const nothingToDo = "no resources need to be replicated"

// doPlan compares all repositories of a policy, and adds a task for each that isn't as it should be.
func (s *Service) doPlan(ctx context.Context, r *job.Run) error {
	var o planOrder
	if err := r.Decode(&o); err != nil {
		return job.Permanent(err)
	}
	if o.Refuse != "" {
		return job.Permanent(fault.Conflictf("%s", o.Refuse))
	}
	p, err := s.Get(ctx, o.Policy)
	if errors.Is(err, fault.NotFound) {
		r.Logf("the policy is gone")
		return nil
	}
	if err != nil {
		return err
	}
	planned, err := s.planned(ctx, r)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var waiting []job.NewTask
	flush := func() error { // by the holder of mu
		if len(waiting) == 0 {
			return nil
		}
		err := r.Write(ctx, func(tx db.Tx) error {
			_, err := s.Jobs.Add(ctx, tx, r.Task().ExecutionID, waiting...)
			return err
		})
		waiting = nil
		return err
	}
	found, uncompared := len(planned), 0
	compared, err := s.survey(ctx, p, planned, r.Logf, func(c comparison, ch changes, public bool, err error) error {
		if err == nil && ch.count() == 0 {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			if uncompared++; uncompared > maxUncompared || !ofOne(ctx, err) {
				return err
			}
			r.Logf("%s can't be compared, and has a task that says why: %v", c.repository, err)
		}
		found++
		waiting = append(waiting, job.NewTask{Payload: order{Policy: p.ID, Repository: c.repository, Public: public}, Extra: c.shown(ch), Group: p.ID})
		if len(waiting) < addedAtOnce {
			return nil
		}
		return flush()
	})
	err = errors.Join(err, flush())
	if err != nil {
		return final(err)
	}
	r.Logf("%d repositories were compared, %d of them are to be copied", compared, found)
	return r.Finish(ctx, func(tx db.Tx) error {
		if found > 0 {
			return nil
		}
		return s.Jobs.SetExtra(ctx, tx, r.Task().ExecutionID, executionExtra{Plan: r.Task().ID, Text: nothingToDo})
	})
}

// planned are the repositories that a former run, which was cut off, has added tasks for.
func (s *Service) planned(ctx context.Context, r *job.Run) (map[string]bool, error) {
	all := map[string]bool{}
	if r.Task().Runs < 2 {
		return all, nil
	}
	for page := 1; ; page++ {
		tasks, total, err := s.Jobs.Tasks(ctx, r.Task().ExecutionID, db.List{Page: page, Size: rowsAtOnce, Sort: []db.Sort{{Key: "id"}}})
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			var o order
			if err := t.Decode(&o); err == nil && o.Repository != "" {
				all[o.Repository] = true
			}
		}
		if int64(page*rowsAtOnce) >= total {
			return all, nil
		}
	}
}

// tell hears of a comparison: what it found, whether everybody may read the repository, or why it failed. Its error ends the survey.
type tell func(c comparison, ch changes, public bool, err error) error

// survey compares all repositories that a policy chooses, but for some, and tells each comparison. It returns how many they were.
func (s *Service) survey(ctx context.Context, p Policy, but map[string]bool, note func(string, ...any), tell tell) (int, error) {
	src, dst, err := s.sides(ctx, p)
	if err != nil {
		return 0, err
	}
	return s.surveyBetween(ctx, p, src, dst, but, note, tell)
}

func (s *Service) surveyBetween(ctx context.Context, p Policy, src, dst side, but map[string]bool, note func(string, ...any), tell tell) (int, error) {
	chosen, err := p.selection()
	if err != nil {
		return 0, err
	}
	names, err := s.repositories(ctx, p, chosen, src, note)
	if err != nil {
		return 0, fmt.Errorf("list the repositories of the source: %w", err)
	}
	public, err := publicProjects(ctx, p, src, names)
	if err != nil {
		return 0, err
	}
	return len(names), eachOf(ctx, comparedAtOnce, names, func(ctx context.Context, _ int, name string) error {
		if but[name] {
			return nil
		}
		c, err := s.comparison(p, chosen, src, dst, name, note)
		if err != nil || src.id == dst.id && c.name == name {
			return err
		}
		ch, err := c.whole(ctx)
		project, _, _ := strings.Cut(c.name, "/")
		return tell(c, ch, public[project], err)
	})
}

// repositories are those of the source that a policy chooses, in order; and where it deletes, those that it has copied from and that are gone.
func (s *Service) repositories(ctx context.Context, p Policy, chosen selection, src side, note func(string, ...any)) ([]string, error) {
	all := map[string]bool{}
	add := func(name string) error {
		if len(all) >= maxRepositories {
			return fault.Invalidf("the policy chooses more than %d repositories", maxRepositories)
		}
		if chosen.repository(name) {
			all[name] = true
		}
		return nil
	}
	if names, ok := chosen.literals(); ok { // not every registry tells what it has
		for _, name := range names {
			if err := add(name); err != nil {
				return nil, err
			}
		}
	} else if err := done(ctx, note, func() error { return src.Repositories(ctx, chosen.prefix(), add) }); err != nil && !errors.Is(err, remote.ErrNotFound) {
		return nil, err
	}
	if p.Deletion {
		for after := ""; ; {
			page, err := db.Collect(ctx, s.DB.Auto(), db.ScanString, copiedFrom, p.ID, after, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, name := range page {
				all[name], after = true, name
			}
			if len(page) < rowsAtOnce {
				break
			}
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// publicProjects are the projects of the destination whose repositories all come from what everybody may read.
func publicProjects(ctx context.Context, p Policy, src side, names []string) (map[string]bool, error) {
	public, asked := map[string]bool{}, map[string]bool{}
	for _, name := range names {
		there, err := p.DestinationName(name)
		if err != nil {
			return nil, err
		}
		project, _, _ := strings.Cut(there, "/")
		from, _, _ := strings.Cut(name, "/")
		if _, known := asked[from]; !known {
			asked[from] = isPublic(ctx, src, name)
		}
		before, known := public[project]
		public[project] = asked[from] && (before || !known)
	}
	return public, nil
}

// Preview is what a policy would do now.
type Preview struct {
	Repositories int // that were compared
	Unchanged    int64
	Changes      []PreviewChange
	More         bool // there are more changes than are listed
}

// PreviewChange is one thing that would be done, or left alone, and why.
type PreviewChange struct {
	Action      string // copy, delete or skip
	Source      string // the repository
	Destination string
	Tag         string // "": by its digest
	Digest      string
	Why         string
}

// maxPreview bounds the changes that a preview lists.
const maxPreview = 1000

// Preview tells what a policy would do if it were carried out now, and does nothing.
func (s *Service) Preview(ctx context.Context, id int64) (v Preview, err error) {
	p, err := s.Get(ctx, id)
	if err != nil {
		return v, err
	}
	var mu sync.Mutex
	v.Repositories, err = s.survey(ctx, p, nil, func(string, ...any) {}, func(c comparison, ch changes, _ bool, err error) error {
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		v.Unchanged += int64(ch.unchanged)
		v.add(c.previewed(ch))
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("find out what policy %d would do: %w", id, err)
	}
	slices.SortStableFunc(v.Changes, func(a, b PreviewChange) int { return strings.Compare(a.Source, b.Source) })
	return v, nil
}

func (v *Preview) add(more []PreviewChange) {
	room := maxPreview - len(v.Changes)
	v.More = v.More || len(more) > room
	v.Changes = append(v.Changes, more[:min(room, len(more))]...)
}

// previewed is what changes mean, one by one.
func (c comparison) previewed(ch changes) (all []PreviewChange) {
	add := func(action, tag, digest, why string) {
		all = append(all, PreviewChange{Action: action, Source: c.repository, Destination: c.name, Tag: tag, Digest: digest, Why: why})
	}
	for _, a := range ch.artifacts {
		if len(a.tags) == 0 {
			add("copy", "", string(a.digest), a.why)
		}
		for _, tag := range a.tags {
			add("copy", tag, string(a.digest), a.why)
		}
	}
	for _, t := range ch.tags {
		add("copy", t.name, string(t.digest), "it says something about "+string(t.subject)+", which the destination has")
	}
	for _, d := range ch.referrers {
		add("copy", "", string(d), "it refers to something that the destination has")
	}
	for _, d := range ch.deletions {
		add("delete", d.tag, string(d.digest), "the source has it no more")
	}
	for _, words := range ch.skipped {
		add("skip", "", "", words)
	}
	return all
}
