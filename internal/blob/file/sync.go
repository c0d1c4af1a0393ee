package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
)

const (
	// sharedMost is the size of the largest blob, in bytes, whose sync is shared: nobody should wait for
	// the many bytes of somebody else.
	sharedMost = 1 << 20
	// syncsAtOnce is how many files are synced at a time. The file system makes one commit of them.
	syncsAtOnce = 16
	// openAtOnce bounds the files that are open to be synced.
	openAtOnce = 192
)

// syncs lets the callers of Sync share their waits: while one round runs, those who come gather in the next.
type syncs struct {
	mu      sync.Mutex
	running bool
	next    *syncRound
	// lost are locations whose sync failed, with the error. The system may have dropped what it couldn't
	// write, and then tells it once only. Another file in the same place is another matter.
	lost sync.Map
}

// syncRound is what is synced together.
type syncRound struct {
	locations []string
	done      chan struct{}
	failed    map[string]error // by location
}

// Sync implements blob.Store.
func (s *Store) Sync(ctx context.Context, locations ...string) error {
	var shared, alone []string
	for _, target := range locations {
		if p, ok := blobSegments.parse(target); ok {
			if err := s.syncablePacked(p); err != nil {
				return fmt.Errorf("sync blob %s: %w", target, err)
			}
			shared = append(shared, blobSegments.dir+"/"+p.segment.String())
			continue
		}
		size, err := s.syncable(target)
		if err != nil {
			return fmt.Errorf("sync blob %s: %w", target, err)
		}
		if size > sharedMost {
			alone = append(alone, target)
		} else {
			shared = append(shared, target)
		}
	}
	if err := s.syncs.failure(alone, s.syncEach(alone)); err != nil {
		return err
	}
	if len(shared) == 0 {
		return nil
	}
	shared = slices.Compact(shared)
	return s.syncs.failure(shared, s.share(shared).failed)
}

// syncablePacked returns an error when the record isn't there, or its segment could not be synced before.
func (s *Store) syncablePacked(p packed) error {
	if err, lost := s.syncs.lost.Load(blobSegments.dir + "/" + p.segment.String()); lost {
		return fmt.Errorf("it could not be synced before: %w", err.(error))
	}
	return s.segments.use(p.segment, func(f *os.File) error {
		found, ok, err := blobSegments.recordAt(f, p.segment, p.block)
		if err == nil && (!ok || found != p) {
			err = blob.ErrNotFound
		}
		return err
	})
}

// syncSegments syncs the segments among the names of a round, and returns the rest and what failed.
func (s *Store) syncSegments(names []string) (rest []string, failed map[string]error) {
	failed = map[string]error{}
	seen := map[string]bool{}
	for _, name := range names {
		text, ok := strings.CutPrefix(name, blobSegments.dir+"/")
		segment, _ := parseSegmentName(text)
		if !ok {
			rest = append(rest, name)
		} else if !seen[name] {
			seen[name] = true
			if err := s.segments.use(segment, (*os.File).Sync); err != nil {
				failed[name] = err
				s.segments.abandon(segment)
			}
		}
	}
	return rest, failed
}

// syncable returns the size of the blob that is to be synced.
func (s *Store) syncable(target string) (int64, error) {
	if err := checkLocation(target); err != nil {
		return 0, err
	}
	if err, lost := s.syncs.lost.Load(target); lost {
		return 0, fmt.Errorf("it could not be synced before: %w", err.(error))
	}
	dir := path.Dir(target)
	shard, err := s.shard(path.Dir(dir))
	if err != nil {
		return 0, absent(err)
	}
	stat, err := shard.Lstat(path.Base(dir) + "/" + path.Base(target))
	if err != nil {
		return 0, absent(err)
	}
	return stat.Size(), nil
}

func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrNotFound
	}
	return err
}

// failure notes what failed, and returns the first of it.
func (y *syncs) failure(locations []string, failed map[string]error) (first error) {
	for _, target := range locations {
		err := failed[target]
		if err == nil {
			continue
		}
		if !errors.Is(err, blob.ErrNotFound) {
			y.lost.Store(target, err)
		}
		if first == nil {
			first = fmt.Errorf("sync blob %s: %w", target, classify(err))
		}
	}
	return first
}

// share has the locations synced in a round that begins after the call, and returns it when it is over.
func (s *Store) share(locations []string) *syncRound {
	y := &s.syncs
	y.mu.Lock()
	if y.next == nil {
		y.next = &syncRound{done: make(chan struct{})}
	}
	round, lead := y.next, !y.running
	round.locations = append(round.locations, locations...)
	if lead {
		y.running, y.next = true, nil
	}
	y.mu.Unlock()
	if lead {
		s.run(round)
	}
	<-round.done
	return round
}

// run does a round. The next one, if somebody waits for it, is left to another goroutine.
func (s *Store) run(round *syncRound) {
	rest, failed := s.syncSegments(round.locations)
	if len(rest) > 0 && (!s.whole || !syncWhole(s.uploads.self)) {
		maps.Copy(failed, s.syncEach(rest))
	}
	round.failed = failed
	close(round.done)
	y := &s.syncs
	y.mu.Lock()
	defer y.mu.Unlock()
	next := y.next
	y.next, y.running = nil, next != nil
	if next != nil {
		go s.run(next)
	}
}

// syncEach syncs each blob's file, its directory and the directory above, and returns what failed.
func (s *Store) syncEach(locations []string) map[string]error {
	failed := failures{byLocation: map[string]error{}}
	sorted := slices.Compact(slices.Sorted(slices.Values(locations)))
	for some := range slices.Chunk(sorted, openAtOnce/3) {
		s.syncSome(some, &failed)
	}
	return failed.byLocation
}

// syncSome starts all writes before it waits for one, and syncs what several blobs need once.
func (s *Store) syncSome(locations []string, failed *failures) {
	var files []*os.File
	var needs [][]string // the locations that need each
	open := func(name string, needed ...string) *os.File {
		f, err := s.root.Open(name)
		if err != nil {
			failed.add(needed, absent(err))
			return nil
		}
		files, needs = append(files, f), append(needs, needed)
		return f
	}
	inShard := map[string][]string{}
	for _, target := range locations {
		if f := open(target, target); f != nil {
			startWrite(f, 0, 0)
		}
		open(path.Dir(target), target)
		shard := path.Dir(path.Dir(target))
		inShard[shard] = append(inShard[shard], target)
	}
	for shard, needed := range inShard {
		failed.add(needed, s.settle(shard))
		open(shard, needed...)
	}
	var g errgroup.Group
	g.SetLimit(syncsAtOnce)
	for i, f := range files {
		g.Go(func() error {
			failed.add(needs[i], errors.Join(f.Sync(), f.Close()))
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
}

// failures are errors by the location that they concern.
type failures struct {
	mu         sync.Mutex
	byLocation map[string]error
}

func (f *failures) add(locations []string, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, target := range locations {
		f.byLocation[target] = err
	}
}

// syncName syncs a directory.
func (s *Store) syncName(name string) error {
	f, err := s.root.Open(name)
	if err != nil {
		return absent(err)
	}
	defer f.Close()
	return classify(f.Sync())
}
