package repair

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
)

// checkManifests compares the bytes of manifests with their digests. Bytes that decayed in the database are
// taken from a record.
func (s *Scrub) checkManifests(ctx context.Context) error {
	count, err := s.Registry.CountContents(ctx)
	if err != nil {
		return err
	}
	s.Progress.Stage("manifests", count, false)
	for after := oci.Digest(""); ; {
		page, err := s.Registry.Contents(ctx, after, 100)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, c := range page {
			s.report.Manifests.Checked++
			if c.Digest.Matches(c.Bytes) {
				continue
			}
			if err := s.mendManifest(ctx, c.Digest); err != nil {
				return err
			}
		}
		s.Progress.Add(int64(len(page)))
		after = page[len(page)-1].Digest
	}
}

func (s *Scrub) mendManifest(ctx context.Context, d oci.Digest) error {
	affected, err := s.Registry.AffectedByContent(ctx, d)
	if err != nil {
		return err
	}
	damaged := DamagedManifest{Digest: d, Affected: affected}
	for _, a := range affected {
		project, repository, _ := strings.Cut(a.Repository, "/")
		text, err := s.Records.Read(ctx, record.Name{Kind: record.Manifest, Project: project, Repository: repository, Digest: d})
		if err != nil {
			continue
		}
		kept, err := record.ParseManifest(d, text)
		if err != nil {
			continue
		}
		if err := s.Registry.MendContent(ctx, registry.Content{Digest: d, Bytes: kept.Bytes}); err != nil {
			return err
		}
		damaged.Mended = true
		break
	}
	s.report.Manifests.Damaged = append(s.report.Manifests.Damaged, damaged)
	return nil
}

// checkUsage has the sums and marks compared with the rows that they follow from.
func (s *Scrub) checkUsage(ctx context.Context) error {
	s.Progress.Stage("quotas", 0, false)
	found, err := s.Registry.VerifyUsage(ctx)
	for _, d := range found {
		s.report.Usage = append(s.report.Usage, d.String())
	}
	return err
}

// checkRecords compares records with rows, in both directions, and has the server correct those that differ.
func (s *Scrub) checkRecords(ctx context.Context) error {
	var err error
	if s.report.Records.Enrolling, err = s.Records.Enrolling(ctx); err != nil {
		return err
	}
	count, err := s.Records.Count(ctx)
	if err != nil {
		return err
	}
	s.Progress.Stage("records", count, false)
	if !s.report.Records.Enrolling { // else they come by themselves
		for _, kind := range []record.Kind{record.Project, record.Manifest} {
			if err := s.checkRecordsOf(ctx, kind); err != nil {
				return fmt.Errorf("compare records: %w", err)
			}
		}
	}
	err = s.Records.Each(ctx, func(n record.Name) error {
		if !s.sampled() {
			return nil
		}
		return s.strayRecord(ctx, n)
	})
	if err == nil {
		err = s.Records.EachUnnamed(ctx, func(n record.Name, location string) error { return s.unnamedRecord(ctx, n, location) })
	}
	if err != nil {
		return fmt.Errorf("compare records: %w", err)
	}
	return nil
}

// strayRecord looks for what the record tells of. One that tells of nothing is left alone unless that was asked
// for: on a database that isn't the store's, all of them tell of nothing.
func (s *Scrub) strayRecord(ctx context.Context, n record.Name) error {
	expected, err := s.Records.Expected(ctx, n)
	if err != nil || expected {
		return err
	}
	pending, err := s.Records.Pending(ctx, n.String())
	if err != nil {
		return err
	}
	if pending {
		s.report.Records.Lagging++
		return nil
	}
	s.noteStray(n)
	if !s.Options.PruneRecords {
		return nil
	}
	return s.Records.Look(ctx, n.String())
}

func (s *Scrub) noteStray(n record.Name) {
	s.report.Records.Stray++
	if len(s.report.Records.StrayNames) < maxNamed {
		s.report.Records.StrayNames = append(s.report.Records.StrayNames, n.String())
	}
}

// unnamedRecord judges a packed record that the database doesn't name, though it may have another one for the same thing.
func (s *Scrub) unnamedRecord(ctx context.Context, n record.Name, location string) error {
	pending, err := s.Records.Pending(ctx, n.String())
	if err != nil {
		return err
	}
	if pending { // it was just packed, or what was left of it goes
		s.report.Records.Lagging++
		return nil
	}
	unnamed, err := s.Records.Unnamed(ctx, n, location)
	if err != nil || !unnamed {
		return err
	}
	s.noteStray(n)
	if !s.Options.PruneRecords {
		return nil
	}
	return s.Records.Discard(ctx, location)
}

func (s *Scrub) checkRecordsOf(ctx context.Context, kind record.Kind) error {
	for after := int64(0); ; {
		last, err := s.Records.Names(ctx, kind, after, func(name string) error {
			s.Progress.Add(1)
			if !s.sampled() {
				return nil
			}
			s.report.Records.Checked++
			return s.checkRecord(ctx, name)
		})
		if err != nil || last == 0 {
			return err
		}
		after = last
	}
}

// dispatchTime is how long a running server takes at most to hand out what happened.
const dispatchTime = 5 * time.Second

// checkRecord looks twice: a record that lags is about to be written, and may have been between two looks.
func (s *Scrub) checkRecord(ctx context.Context, name string) error {
	for look := range 2 {
		differs, err := s.Records.Differs(ctx, name)
		if err != nil || !differs {
			return err
		}
		pending, err := s.Records.Pending(ctx, name)
		if err != nil {
			return err
		}
		if pending {
			s.report.Records.Lagging++
			return nil
		}
		if look > 0 {
			break
		}
		handedOut, err := s.Records.HandedOut(ctx, s.dispatch)
		if err != nil {
			return err
		}
		if !handedOut {
			s.dispatch = 0 // nobody does it
			s.report.Records.Lagging++
			return nil
		}
	}
	s.report.Records.Wrong++
	if len(s.report.Records.Names) < maxNamed {
		s.report.Records.Names = append(s.report.Records.Names, name)
	}
	return s.Records.Look(ctx, name)
}

// findStrays lists the store, and tells what no row names.
func (s *Scrub) findStrays(ctx context.Context) error {
	if !s.Options.Strays {
		return nil
	}
	s.Progress.Stage("strays", 0, false)
	known := newLocations()
	if err := s.knownLocations(ctx, known); err != nil {
		return err
	}
	var strays []Stray
	err := s.Blobs.Blobs(ctx, func(location string, size int64) error {
		s.Progress.Add(1)
		if !known.has(location) {
			strays = append(strays, Stray{Location: location, Size: size})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the store: %w", err)
	}
	if err := s.knownLocations(ctx, known); err != nil { // pushed while the store was listed
		return err
	}
	for _, stray := range slices.DeleteFunc(strays, func(v Stray) bool { return known.has(v.Location) }) {
		content, err := s.Blobs.Open(ctx, stray.Location)
		if errors.Is(err, blob.ErrNotFound) { // reclaimed meanwhile
			continue
		}
		if err == nil {
			content.Close()
		}
		s.report.Strays.Count++
		s.report.Strays.Bytes += stray.Size
		if len(s.report.Strays.Found) < maxNamed {
			s.report.Strays.Found = append(s.report.Strays.Found, stray)
		}
	}
	return nil
}

// knownLocations adds what rows name and known doesn't know yet.
func (s *Scrub) knownLocations(ctx context.Context, known *locations) error {
	for {
		page, err := s.Registry.Locations(ctx, known.after, 10*pageSize)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			known.add(l.Path)
		}
		known.after = page[len(page)-1].ID
	}
	for after := ""; ; {
		page, err := s.Registry.Discarded(ctx, after, pageSize)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, path := range page {
			known.add(path)
		}
		after = page[len(page)-1]
	}
}

// locations is a set of paths in eight bytes each: a million blobs are looked at in memory.
type locations struct {
	seed  maphash.Seed
	paths map[uint64]struct{}
	after int64 // the greatest id of a blob that was added
}

func newLocations() *locations {
	return &locations{seed: maphash.MakeSeed(), paths: map[uint64]struct{}{}}
}

func (l *locations) add(path string) { l.paths[maphash.String(l.seed, path)] = struct{}{} }

func (l *locations) has(path string) bool {
	_, ok := l.paths[maphash.String(l.seed, path)]
	return ok
}
