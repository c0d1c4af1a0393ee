package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
)

const (
	// batch is how many artifacts one transaction deletes at most, and restFor lets requests write between two.
	batch   = 50
	restFor = 10 * time.Millisecond
)

// ourselves is who deletes.
var ourselves = authz.Principal{Kind: authz.Robot, Name: "retention"}

var errNoUses = errors.New("a rule is by the last pull, and pull_time_update_disable has nobody note pulls: nothing is deleted")

var errReadOnly = errors.New("the system is read-only: nothing is deleted now")

// progress is what a task has done, which a later run of it adds to.
type progress struct {
	Deleted int64                   `json:"deleted"`
	Named   []event.DeletedArtifact `json:"named,omitempty"` // the first event.MaxDeleted
}

// plan is what is to become of a repository's artifacts.
type plan struct {
	total  int64
	doomed []item        // what no rule retains, of descending ids: what contains others comes before them
	kept   map[int]int64 // how many each rule retains first
}

// planFor reads a repository, and decides. now is when the run began, so that one that begins anew decides alike.
func (s *Service) planFor(ctx context.Context, ref registry.Ref, rules []rule, now time.Time) (p plan, err error) {
	items, err := s.items(ctx, ref, rules)
	if err != nil {
		return p, err
	}
	decide(rules, items, now)
	p = plan{total: int64(len(items)), kept: map[int]int64{}}
	for _, it := range items {
		if it.kept == 0 {
			p.doomed = append(p.doomed, it)
		} else {
			p.kept[int(it.kept)-1]++
		}
	}
	slices.SortFunc(p.doomed, func(a, b item) int { return cmp.Compare(b.id, a.id) })
	return p, nil
}

func (s *Service) items(ctx context.Context, ref registry.Ref, rules []rule) (items []item, err error) {
	err = s.Registry.Candidates(ctx, ref, func(page []registry.Candidate) error {
		for _, c := range page {
			items = append(items, itemOf(c, rules, ref.Name))
		}
		return nil
	})
	return items, err
}

// do carries out the policy in one repository.
func (s *Service) do(ctx context.Context, r *job.Run) error {
	var o order
	var extra executionExtra
	var done progress
	if err := r.Decode(&o); err != nil {
		return job.Permanent(err)
	}
	e, err := s.Jobs.Execution(ctx, r.Task().ExecutionID)
	if err != nil {
		return err
	}
	if err := e.Decode(&extra); err != nil {
		return job.Permanent(err)
	}
	if _, err := r.Resume(&done); err != nil {
		return job.Permanent(err)
	}
	rules, places, err := rulesOf(extra.Rules)
	if err != nil {
		return job.Permanent(err)
	}
	if blind, err := s.NoUses(ctx); err != nil || blind && slices.ContainsFunc(rules, rule.byUse) {
		return cmp.Or(err, job.Permanent(errNoUses))
	}
	ref := registry.Ref{ProjectID: extra.ProjectID, Project: extra.Project, Name: o.Repository}
	p, err := s.planFor(ctx, ref, rules, e.CreatedAt)
	if err != nil {
		return err
	}
	r.Logf("Run retention process. Repository: %s, rule algorithm: or, dry run: %v", ref.FullName(), extra.DryRun)
	r.Logf("Load %d candidates from repository %s", p.total, ref.FullName())
	for i, place := range places {
		if n := p.kept[i]; n > 0 {
			r.Logf("rule %d (%s) retains %d", place, extra.Rules[place].Template, n)
		}
	}
	r.Logf("| Digest | Tag | Kind | PushedTime | LastUse | Retention |")
	total := p.total + done.Deleted
	if extra.DryRun {
		err = s.rehearse(ctx, r, ref, idsOf(p.doomed), &done)
	} else {
		err = s.removeAll(ctx, r, ref, p.doomed, &done)
	}
	if err != nil {
		return err
	}
	r.Logf("%d of %d are retained", total-done.Deleted, total)
	return r.Finish(ctx, func(tx db.Tx) error { return s.settle(ctx, tx, r.Task(), o, total, done) })
}

// settle writes what came of a task into it and into its execution.
func (s *Service) settle(ctx context.Context, tx db.Tx, t job.Task, o order, total int64, done progress) error {
	if err := s.Jobs.SetTaskExtra(ctx, tx, t.ID, taskExtra{o.Repository, total, total - done.Deleted}); err != nil {
		return err
	}
	e, err := s.Jobs.ExecutionIn(ctx, tx, t.ExecutionID)
	if err != nil {
		return err
	}
	var extra executionExtra
	if err := e.Decode(&extra); err != nil {
		return err
	}
	extra.Total, extra.Retained = extra.Total+total, extra.Retained+total-done.Deleted
	extra.Deleted = append(extra.Deleted, done.Named...)
	extra.Deleted = extra.Deleted[:min(len(extra.Deleted), event.MaxDeleted)]
	return s.Jobs.SetExtra(ctx, tx, t.ExecutionID, extra)
}

// removeAll deletes what is doomed, batch by batch. What is a part of something else has another turn, as long as that helps: an
// accessory may hold it whose subject goes later.
func (s *Service) removeAll(ctx context.Context, r *job.Run, ref registry.Ref, doomed []item, done *progress) error {
	for {
		var parts []registry.Candidate
		for some := range slices.Chunk(doomed, batch) {
			if err := s.removeSome(ctx, r, ref, some, done, &parts); err != nil {
				return err
			}
			if !pause.For(ctx, restFor) {
				return ctx.Err()
			}
		}
		if len(parts) == 0 || len(parts) == len(doomed) {
			for _, c := range parts {
				logOutcome(r, c, registry.ErrReferenced)
			}
			return nil
		}
		again := map[int64]bool{}
		for _, c := range parts {
			again[c.ID] = true
		}
		doomed = slices.DeleteFunc(doomed, func(it item) bool { return !again[it.id] })
	}
}

// removeSome deletes a batch, in one transaction of the run, and adds those to parts that are a part of something else. What isn't any more
// what was decided about stays.
func (s *Service) removeSome(ctx context.Context, r *job.Run, ref registry.Ref, some []item, done *progress, parts *[]registry.Candidate) error {
	if readOnly, err := s.ReadOnly(ctx); err != nil || readOnly {
		return cmp.Or(err, errReadOnly)
	}
	seen, err := s.Registry.CandidatesByID(ctx, ref, idsOf(some))
	if err != nil {
		return err
	}
	decided := map[int64]item{}
	for _, it := range some {
		decided[it.id] = it
	}
	seen = slices.DeleteFunc(seen, func(c registry.Candidate) bool {
		same := decided[c.ID].is(c)
		if !same {
			logOutcome(r, c, registry.ErrChanged)
		}
		return !same
	})
	var outcomes []error
	next := *done
	err = r.Write(ctx, func(tx db.Tx) error {
		next, outcomes = *done, outcomes[:0]
		next.Named = slices.Clone(done.Named)
		deletion := s.Registry.Deletion(ourselves.Name, ref, r.Task().ExecutionID)
		for _, c := range seen {
			stays, err := remove(ctx, tx, deletion, c)
			if err != nil {
				return err
			}
			if outcomes = append(outcomes, stays); stays == nil {
				next.add(ref, c)
			}
		}
		if err := deletion.End(ctx, tx); err != nil {
			return err
		}
		return r.Save(ctx, tx, next)
	})
	if err != nil {
		return fmt.Errorf("delete artifacts of %s: %w", ref.FullName(), err)
	}
	*done = next
	for i, c := range seen {
		if errors.Is(outcomes[i], registry.ErrReferenced) {
			*parts = append(*parts, c)
			continue
		}
		logOutcome(r, c, outcomes[i])
	}
	return nil
}

func (p *progress) add(ref registry.Ref, c registry.Candidate) {
	p.Deleted++
	if len(p.Named) >= event.MaxDeleted {
		return
	}
	name := ref.FullName() + "@" + string(c.Digest)
	if len(c.Tags) > 0 {
		name = ref.FullName() + ":" + c.Tags[0]
	}
	p.Named = append(p.Named, event.DeletedArtifact{Type: strings.ToLower(c.Type), Status: string(job.Success), NameTag: name})
}

// remove deletes one artifact, or says why it stays. Whatever a run deletes, it deletes here, and all of it can be undone together.
func remove(ctx context.Context, tx db.Tx, deletion *registry.Deletion, c registry.Candidate) (stays, err error) {
	err = deletion.Artifact(ctx, tx, c)
	switch _, fixed := errors.AsType[*immutable.Refusal](err); {
	case err == nil:
		return nil, nil
	case fixed, errors.Is(err, registry.ErrReferenced), errors.Is(err, registry.ErrChanged), errors.Is(err, registry.ErrManifestUnknown),
		errors.Is(err, registry.ErrRepositoryUnknown), errors.Is(err, fault.Invalid): // the last: too many hang together
		return err, nil
	}
	return nil, err
}

// rehearse says what removeAll would do: what a rule about tags keeps, and what is a part of something that stays, stays.
func (s *Service) rehearse(ctx context.Context, r *job.Run, ref registry.Ref, doomed []int64, done *progress) error {
	return s.outcomes(ctx, ref, doomed, func(c registry.Candidate, stays error) {
		if stays == nil {
			done.add(ref, c)
		}
		logOutcome(r, c, stays)
	})
}

var errFixed = errors.New("a rule about tags forbids to delete it")

// outcomes tells of each of the doomed, which are in descending order, whether it would stay, and why.
func (s *Service) outcomes(ctx context.Context, ref registry.Ref, doomed []int64, yield func(c registry.Candidate, stays error)) error {
	fates := make(map[int64]bool, len(doomed)) // those that go
	for _, id := range doomed {
		fates[id] = true
	}
	for some := range slices.Chunk(doomed, 10*batch) {
		seen, err := s.Registry.CandidatesByID(ctx, ref, some)
		if err != nil {
			return err
		}
		above, err := s.Registry.WhatIsAbove(ctx, some)
		if err != nil {
			return err
		}
		for _, c := range seen {
			var stays error
			switch {
			case c.Fixed:
				stays = errFixed
			case stands(c.ID, above, fates, map[int64]bool{}):
				stays = registry.ErrReferenced
			}
			if stays != nil {
				delete(fates, c.ID)
			}
			yield(c, stays)
		}
	}
	return nil
}

// stands reports whether something that stays is above a manifest. Those that may go have their fates decided before what they
// contain.
func stands(id int64, above map[int64][]registry.Above, goes, seen map[int64]bool) bool {
	seen[id] = true
	return slices.ContainsFunc(above[id], func(a registry.Above) bool {
		switch {
		case goes[a.ID]:
			return false
		case a.Listed || seen[a.ID] || len(above[a.ID]) == 0:
			return true
		}
		return stands(a.ID, above, goes, seen)
	})
}

// logOutcome writes a line as Harbor's tables have it.
func logOutcome(r *job.Run, c registry.Candidate, stays error) {
	what := "DEL"
	switch {
	case stays == nil:
	case errors.Is(stays, registry.ErrManifestUnknown), errors.Is(stays, registry.ErrRepositoryUnknown):
		what = "GONE"
	case errors.Is(stays, registry.ErrReferenced):
		what = "RETAIN: part of an artifact that stays"
	case errors.Is(stays, registry.ErrChanged):
		what = "RETAIN: it was pushed, tagged or used meanwhile"
	default:
		what = "ERR: " + stays.Error()
	}
	used := ""
	if c.UsedAt > 0 {
		used = db.Time(c.UsedAt).UTC().Format(time.DateTime)
	}
	r.Logf("| %s | %s | %s | %s | %s | %s |", c.Digest, tagList(c.Tags), strings.ToLower(c.Type), db.Time(c.PushedAt).UTC().Format(time.DateTime), used, what)
}

// tagList is the first few of an artifact's tags.
func tagList(tags []string) string {
	const most = 20
	text := strings.Join(tags[:min(len(tags), most)], ",")
	if len(tags) > most {
		text += fmt.Sprintf(" and %d more", len(tags)-most)
	}
	return text
}
