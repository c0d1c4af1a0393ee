package registry

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// errOnlyTried has a transaction undone that was only to see what it would do.
var errOnlyTried = errors.New("only tried")

// givesBack is by how much the usage of alpha shrinks when f is done, which isn't.
func (f fixture) givesBack(do func(tx db.Tx) error) (freed int64) {
	f.t.Helper()
	const used = `SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM project_usage WHERE project_id = 1`
	err := f.db.Write(ctx, func(tx db.Tx) error {
		before, err := db.Get(ctx, tx, db.ScanInt, used)
		if err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return err
		}
		after, err := db.Get(ctx, tx, db.ScanInt, used)
		freed = before - after
		return errors.Join(err, errOnlyTried)
	})
	if !errors.Is(err, errOnlyTried) {
		f.t.Fatal(err)
	}
	return freed
}

// grow fills the repositories with images that share layers, with indexes and signatures, some without a tag.
func (f fixture) grow(rng *rand.Rand, refs []Ref) {
	f.t.Helper()
	for i := range 30 {
		ref := refs[rng.IntN(len(refs))]
		tag := ""
		if rng.IntN(3) > 0 {
			tag = fmt.Sprintf("t%d", rng.IntN(12))
		}
		there, err := f.UntaggedArtifacts(ctx, ref, Untagged{}, 3)
		f.ok(err)
		var some []oci.Descriptor
		for _, u := range there {
			some = append(some, oci.Descriptor{MediaType: u.MediaType, Digest: u.Digest, Size: u.Size})
		}
		tags, _, err := f.Tags(ctx, ref, "", 2)
		if err != nil && !errors.Is(err, ErrRepositoryUnknown) {
			f.t.Fatal(err)
		}
		for _, t := range tags {
			m, err := f.Manifest(ctx, ref, oci.TagReference(t))
			f.ok(err)
			some = append(some, oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Content))})
		}
		d := f.image(ref, fmt.Sprint(rng.IntN(8)))
		d.Annotations = map[string]string{"n": fmt.Sprint(i)}
		switch kind := rng.IntN(4); {
		case kind == 0 && len(some) > 0:
			for i, c := range some {
				m, err := f.Manifest(ctx, ref, oci.DigestReference(c.Digest))
				f.ok(err)
				some[i].Size = int64(len(m.Content))
			}
			d = index(some...)
			d.Annotations = map[string]string{"n": fmt.Sprint(i)}
		case kind == 1 && len(some) > 0:
			d.Subject = &some[0]
		}
		f.push(ref, d, tag)
	}
}

// What the report says is given back is what the quota gets back when it is done, to the byte.
func TestSpaceIsWhatDeletingGivesBack(t *testing.T) {
	each(t, func(f fixture) {
		for seed := range uint64(4) {
			rng := rand.New(rand.NewPCG(seed, 7))
			var refs []Ref
			for _, name := range []string{"app", "lib/one", "zoo"} {
				refs = append(refs, Ref{1, "alpha", fmt.Sprintf("%d/%s", seed, name)})
			}
			f.grow(rng, append([]Ref{{2, "beta", "app"}}, refs...))
			f.blob(refs[0], "application/octet-stream", []byte("not named yet"))
			f.checkSpace(refs)
		}
		v, err := f.ProjectSpace(ctx, 1, "", 2)
		if err != nil || !v.More || len(v.Repositories) != 2 || v.Repositories[0].Name != "0/app" || v.Used != f.used(1) || v.Limit != -1 {
			t.Errorf("a page is %+v, %v", v, err)
		}
		if v, err := f.ProjectSpace(ctx, 1, "3/lib/one", 2); err != nil || v.More || len(v.Repositories) != 1 || v.Repositories[0].Name != "3/zoo" {
			t.Errorf("the last page is %+v, %v", v, err)
		}
		if _, _, err := f.RepositorySpace(ctx, Ref{1, "alpha", "none"}, "", 2); !errors.Is(err, ErrRepositoryUnknown) {
			t.Errorf("got %v", err)
		}
		f.sound()
	})
}

func (f fixture) checkSpace(refs []Ref) {
	f.t.Helper()
	v, err := f.ProjectSpace(ctx, 1, "", 25)
	f.ok(err)
	byName := map[string]RepositorySpace{}
	for _, r := range v.Repositories {
		byName[r.Name] = r
	}
	for _, ref := range refs {
		r, there := byName[ref.Name]
		if !there {
			continue
		}
		freed := f.givesBack(func(tx db.Tx) error {
			n, err := db.Get(ctx, tx, db.ScanInt, sizeOfRepository, r.ID)
			if err != nil {
				return err
			}
			return f.charge(ctx, tx, 1, -n)
		})
		if r.Only != freed || r.Total < r.Only {
			f.t.Errorf("%s: %+v, deleting it gives back %d", ref.Name, r, freed)
		}
		untagged := f.givesBack(func(tx db.Tx) error {
			roots, err := collectIn(ctx, tx, scanNode, untaggedRoots, nil, []int64{r.ID})
			if err == nil && int64(len(roots)) != r.Untagged.Artifacts {
				f.t.Errorf("%s: %d untagged, the report says %d", ref.Name, len(roots), r.Untagged.Artifacts)
			}
			for _, root := range roots {
				if err == nil {
					_, err = f.Deletion("", ref, 0).graph(ctx, tx, root)
				}
			}
			return err
		})
		if r.Untagged.Bytes != untagged || r.Untagged.Partial {
			f.t.Errorf("%s: untagged %+v, deleting them gives back %d", ref.Name, r.Untagged, untagged)
		}
		f.checkTags(ref)
	}
}

func (f fixture) checkTags(ref Ref) {
	f.t.Helper()
	for after, more := "", true; more; {
		var page []TagSpace
		var err error
		page, more, err = f.RepositorySpace(ctx, ref, after, 5)
		f.ok(err)
		for _, tag := range page {
			freed := f.givesBack(func(tx db.Tx) error {
				root, err := findNode(ctx, tx, ref, oci.TagReference(tag.Name))
				if err != nil {
					return err
				}
				if _, err = f.Deletion("", ref, 0).graph(ctx, tx, root); errors.Is(err, ErrReferenced) {
					return nil
				}
				return err
			})
			if tag.Only != freed || tag.Total < tag.Only || tag.Tags < 1 {
				f.t.Errorf("%s:%s: %+v, deleting it gives back %d", ref.Name, tag.Name, tag, freed)
			}
			after = tag.Name
		}
	}
}
