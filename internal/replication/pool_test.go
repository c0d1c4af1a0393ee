package replication

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

// Whoever writes takes along what arrives meanwhile, and nobody else waits for it.
func TestArrivalsAreWrittenTogether(t *testing.T) {
	p := &pool{}
	var batches [][]arrival
	write := func(some []arrival) error {
		batches = append(batches, some)
		if len(batches) == 1 {
			for _, d := range []oci.Digest{"b", "c"} {
				if err := p.note([]arrival{{d, "x"}}, nil); err != nil {
					t.Error(err)
				}
			}
		}
		return nil
	}
	if err := p.note([]arrival{{"a", "x"}}, write); err != nil {
		t.Fatal(err)
	}
	if want := [][]arrival{{{"a", "x"}}, {{"b", "x"}, {"c", "x"}}}; fmt.Sprint(batches) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", batches, want)
	}
	if err := p.note([]arrival{{"d", "x"}}, func([]arrival) error { return errors.New("no") }); err == nil {
		t.Error("a failure is lost")
	}
	if err := p.note([]arrival{{"e", "x"}}, write); err != nil || len(batches) != 3 {
		t.Errorf("after a failure nothing is written: %v, %v", batches, err)
	}
}

// However many blobs there are, a pool remembers some of them, and always the latest.
func TestAPoolIsBounded(t *testing.T) {
	s := &Service{pools: map[pair]*pool{}}
	p, leaveIt := s.pool(pair{})
	same, leaveToo := s.pool(pair{})
	if same != p {
		t.Error("two copies of the same pair have two pools")
	}
	for i := range 3 * maxLately {
		d := oci.Digest(fmt.Sprint(i))
		from, leave, err := p.enter(ctx, d)
		if err != nil || from != "" {
			t.Fatalf("%s: %q, %v", d, from, err)
		}
		leave("x")
		if from, _, err := p.enter(ctx, d); err != nil || from != "x" {
			t.Fatalf("%s: %q, %v", d, from, err)
		}
		if n := len(p.at) + len(p.before); n > 2*maxLately {
			t.Fatalf("%d are remembered", n)
		}
	}
	lately, last := oci.Digest(fmt.Sprint(2*maxLately+1)), oci.Digest(fmt.Sprint(3*maxLately-1))
	if got := p.unknown([]oci.Descriptor{{Digest: "0"}, {Digest: lately}, {Digest: last}}); !slices.Equal(got, []oci.Digest{"0"}) {
		t.Errorf("%v are unknown", got)
	}
	p.forget(lately, "x")
	p.forget(last, "y")
	if got := p.unknown([]oci.Descriptor{{Digest: lately}, {Digest: last}}); !slices.Equal(got, []oci.Digest{lately}) {
		t.Errorf("%v are unknown", got)
	}
	leaveIt()
	if len(s.pools) != 1 {
		t.Error("the pool went while a copy had it")
	}
	if leaveToo(); len(s.pools) != 0 {
		t.Error("the pool outlives the copies")
	}
}

// What was cut off isn't taken for all.
func TestEachDoesAllOrSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	err := eachOf(ctx, 1, make([]int, 100), func(context.Context, int, int) error {
		done++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || done == 100 {
		t.Errorf("%d were done, and the error is %v", done, err)
	}
}
