package preheat

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
)

const (
	// maxTargets bounds the images of one execution.
	maxTargets = 10_000
	// planBatch is how many images are judged for one transaction.
	planBatch = 50
	pageSize  = 500

	// taskTime is how long an instance has to fetch an image.
	taskTime  = time.Hour
	firstLook = time.Second
	lastLook  = 30 * time.Second
	// maxOwed is how many answers in a row an instance may owe, before the image is handed over anew.
	maxOwed = 10
)

// target is an image by a tag.
type target struct {
	Repository string     `json:"repository"` // with its project
	Tag        string     `json:"tag"`
	Digest     oci.Digest `json:"digest"`
}

func (t target) before(u target) bool {
	return cmp.Or(cmp.Compare(t.Repository, u.Repository), cmp.Compare(t.Tag, u.Tag)) < 0
}

// planOrder is what the task that plans carries.
type planOrder struct {
	Policy int64   `json:"policy"`
	Only   *target `json:"only,omitempty"` // by an event: this image alone, by all its tags when it names none
}

// order is what a task carries: an image to be handed over.
type order struct {
	Policy int64  `json:"policy"`
	Image  target `json:"image"`
}

// shownTask is what a task shows.
type shownTask struct {
	Kind     string `json:"kind"`
	Artifact string `json:"artifact"`
	Digest   string `json:"digest"`
}

// policy reads the policy of a task; not there: it is gone.
func (s *Service) policy(ctx context.Context, r *job.Run, id int64) (p Policy, there bool, err error) {
	p, err = one(ctx, s.DB.Auto(), scanPolicy, "preheat policy", policyByID, id)
	if errors.Is(err, fault.NotFound) {
		r.Logf("the policy is gone")
		return p, false, nil
	}
	return p, err == nil, err
}

// doPlan looks for the images that match, and adds a task for each.
func (s *Service) doPlan(ctx context.Context, r *job.Run) error {
	var o planOrder
	if err := r.Decode(&o); err != nil {
		return job.Permanent(err)
	}
	p, there, err := s.policy(ctx, r, o.Policy)
	if err != nil || !there {
		return err
	}
	f, err := parseFilters(p.Filters)
	if err != nil {
		return job.Permanent(err)
	}
	targets, err := s.targets(ctx, p, f, o.Only)
	if err != nil {
		return err
	}
	slices.SortFunc(targets, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Tag, b.Tag))
	})
	r.Logf("%d tags match by name", len(targets))
	if len(targets) > maxTargets {
		r.Logf("only the first %d are looked at: narrow the filters", maxTargets)
		targets = targets[:maxTargets]
	}
	var last target
	if _, err := r.Resume(&last); err != nil {
		return job.Permanent(err)
	}
	for some := range slices.Chunk(targets, planBatch) {
		if !last.before(some[len(some)-1]) {
			continue // a former try added these
		}
		if last, err = s.add(ctx, r, p, f, some, last); err != nil {
			return err
		}
	}
	return nil
}

// add adds tasks for those of some images that pass, behind last.
func (s *Service) add(ctx context.Context, r *job.Run, p Policy, f filters, some []target, last target) (target, error) {
	var tasks []job.NewTask
	for _, t := range some {
		if !last.before(t) {
			continue
		}
		ref := registry.RefOf(eventOf(p, t))
		known, err := s.Judge.Facts(ctx, ref, t.Digest)
		if errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) {
			continue // it went meanwhile
		}
		if err != nil {
			return last, err
		}
		if why := f.passes(known); why != "" {
			r.Logf("%s:%s is left out: %s", t.Repository, t.Tag, why)
			continue
		}
		tasks = append(tasks, job.NewTask{
			Payload: order{p.ID, t}, Group: p.ID, Extra: shownTask{"image", t.Repository + ":" + t.Tag, string(t.Digest)},
		})
	}
	last = some[len(some)-1]
	err := r.Write(ctx, func(tx db.Tx) error {
		if len(tasks) > 0 {
			if _, err := s.Jobs.Add(ctx, tx, r.Task().ExecutionID, tasks...); err != nil {
				return err
			}
		}
		return r.Save(ctx, tx, last)
	})
	if errors.Is(err, job.ErrEnded) {
		return last, job.Permanent(err)
	}
	return last, err
}

// targets are the images that match by their names.
func (s *Service) targets(ctx context.Context, p Policy, f filters, only *target) (all []target, err error) {
	if only != nil {
		return s.tagsOf(ctx, p, f, *only)
	}
	for page := 1; len(all) <= maxTargets; page++ {
		rows, _, err := s.Registry.ListRepositories(ctx, registry.Scope{ProjectIDs: []int64{p.ProjectID}}, db.List{Page: page, Size: pageSize})
		if err != nil {
			return nil, err
		}
		for _, repository := range rows {
			if !f.covers(repository.Name) {
				continue
			}
			if all, err = s.tagged(ctx, f, repository.Ref(), all); err != nil {
				return nil, err
			}
		}
		if len(rows) < pageSize {
			break
		}
	}
	return all, nil
}

// tagged adds the tags of a repository that match.
func (s *Service) tagged(ctx context.Context, f filters, ref registry.Ref, all []target) ([]target, error) {
	for after := ""; len(all) <= maxTargets; {
		tags, err := s.Registry.TagDigests(ctx, ref, after, pageSize)
		if err != nil {
			return nil, err
		}
		for _, t := range tags {
			if after = t.Name; f.names(ref.Name, t.Name) {
				all = append(all, target{ref.FullName(), t.Name, t.Digest})
			}
		}
		if len(tags) < pageSize {
			break
		}
	}
	return all, nil
}

// tagsOf are the matching tags of the image that an event was about, if they still name it.
func (s *Service) tagsOf(ctx context.Context, p Policy, f filters, only target) (all []target, err error) {
	ref := registry.RefOf(eventOf(p, only))
	if only.Tag != "" {
		return []target{only}, nil
	}
	a, err := s.Registry.GetArtifact(ctx, ref, oci.DigestReference(only.Digest), registry.With{Tags: true})
	if errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) {
		return nil, nil
	}
	for _, t := range a.Tags {
		if f.names(ref.Name, t.Name) {
			all = append(all, target{only.Repository, t.Name, only.Digest})
		}
	}
	return all, err
}

// progress is what a task remembers: the vendor's job that fetches the image.
type progress struct {
	Job string `json:"job"`
}

// doPreheat hands an image to the instance and waits until it was fetched.
func (s *Service) doPreheat(ctx context.Context, r *job.Run) error {
	var o order
	if err := r.Decode(&o); err != nil {
		return job.Permanent(err)
	}
	p, there, err := s.policy(ctx, r, o.Policy)
	if err != nil || !there {
		return err
	}
	i, err := s.usable(ctx, p.Instance)
	if err != nil {
		return err
	}
	if !i.Enabled {
		return job.Permanent(fmt.Errorf("the instance %s is disabled", i.Name))
	}
	c, err := s.conn(i)
	if err != nil {
		return err
	}
	v := vendors()[i.Vendor].provider
	var done progress
	goesOn, err := r.Resume(&done)
	if err != nil {
		return job.Permanent(err)
	}
	if goesOn && r.Task().Failures == 0 {
		r.Logf("go on waiting for job %s", done.Job)
		return s.wait(ctx, r, v, c, done.Job)
	}
	image, end, err := s.image(ctx, p, i, o.Image)
	if errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) {
		r.Logf("the image is gone")
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		if !errors.Is(context.Cause(ctx), job.ErrDraining) { // else the instance goes on, and another process waits for it
			end()
		}
	}()
	r.Logf("telling %s, a %s at %s, of %s", i.Name, i.Vendor, i.Endpoint, image.URL)
	if done.Job, err = v.preheat(ctx, c, image); err != nil {
		return err
	}
	if done.Job == "" {
		r.Logf("it took the word; it doesn't say when it is done")
		return nil
	}
	if err := r.Checkpoint(ctx, done); err != nil {
		return err
	}
	return s.wait(ctx, r, v, c, done.Job)
}

// image is what the instance is told, and what ends its pass. The image was judged when it was planned, and is again: its turn may have
// come hours later. It is told by its digest, as the pass would open what else the tag names by then.
func (s *Service) image(ctx context.Context, p Policy, i Instance, t target) (image Image, end func(), err error) {
	ref := registry.RefOf(eventOf(p, t))
	m, err := s.Registry.ManifestInfo(ctx, ref, oci.DigestReference(t.Digest))
	if err != nil {
		return image, nil, err
	}
	f, err := parseFilters(p.Filters)
	if err != nil {
		return image, nil, job.Permanent(err)
	}
	e, err := parseExtra(p.Extra)
	if err != nil {
		return image, nil, job.Permanent(err)
	}
	known, err := s.Judge.Facts(ctx, ref, t.Digest)
	if err != nil {
		return image, nil, err
	}
	if why := f.passes(known); why != "" {
		return image, nil, job.Permanent(fmt.Errorf("the image is not handed over any more: %s", why))
	}
	image = Image{
		Repository: t.Repository, Tag: t.Tag, Digest: t.Digest, MediaType: m.MediaType, URL: s.Address + "/v2/" + t.Repository + "/manifests/" + string(t.Digest),
		Scope: e.Scope, Clusters: e.Clusters,
	}
	image.Authorization, end, err = s.Judge.Pass(ctx, ref, i.Name, taskTime+time.Minute)
	return image, end, err
}

// wait looks, less and less often, whether the image was fetched. An instance that owes an answer now and then goes on fetching.
func (s *Service) wait(ctx context.Context, r *job.Run, v provider, c conn, id string) error {
	owed := 0
	for look := firstLook; ; look = min(2*look, lastLook) {
		done, err := v.done(ctx, c, id)
		switch {
		case done:
			r.Logf("fetched")
			return nil
		case err == nil:
			owed = 0
		default:
			if owed++; owed == maxOwed || errors.Is(err, errNotFetched) || ctx.Err() != nil {
				return err
			}
			r.Logf("asking again: %v", err)
		}
		if !pause.For(ctx, look) {
			return context.Cause(ctx)
		}
	}
}

// TaskAttributes are what a task shows, as JSON.
func TaskAttributes(t job.Task) (v map[string]any, err error) {
	err = json.Unmarshal(t.Extra, &v)
	return v, err
}
