//go:build acceptance

package registry

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/havenregistry/haven/internal/db/dbtest"
)

// explorer goes through all orders. Where two of them lead to the same state they go on alike.
type explorer struct {
	fixture
	first  string              // the state that all begin in
	next   map[string][]string // states that one leads to, one for each actor that can go on
	runs   int
	crash  int             // restarts that were checked
	left   map[string]bool // what a crash left, and was checked
	todo   [][]string
	broken int
}

func (e *explorer) run(prefix []string) {
	s := openScene(e.fixture)
	defer s.close()
	e.runs++
	path := []string{}
	fail := func(what string, err error) {
		e.broken++
		e.t.Errorf("%s after %s: %v", what, strings.Join(path, ", "), err)
	}
	var from string
	for i, name := range prefix {
		if i == len(prefix)-1 {
			from, _ = s.state()
		}
		s.step(name)
		path = append(path, name)
	}
	for {
		state, left := s.state()
		if from != "" {
			e.next[from] = append(e.next[from], state)
		}
		if e.first == "" {
			e.first = state
		}
		if _, known := e.next[state]; known {
			return
		}
		e.next[state] = nil
		if err := s.check(); err != nil {
			fail("broken", err)
			return
		}
		choices := s.ready()
		if len(choices) == 0 {
			if err := s.aftermath(); err != nil {
				fail("broken in the end", err)
			}
			return
		}
		if !e.left[left] {
			e.left[left] = true
			e.todo = append(e.todo, append(slices.Clone(path), "crash"))
		}
		for _, c := range choices[1:] {
			e.todo = append(e.todo, append(slices.Clone(path), c))
		}
		from = state
		s.step(choices[0])
		path = append(path, choices[0])
	}
}

// die runs to a moment at which the process dies, and starts another one.
func (e *explorer) die(path []string) {
	s := openScene(e.fixture)
	defer s.close()
	e.crash++
	for _, name := range path {
		s.step(name)
	}
	if err := s.aftermath(); err != nil {
		e.broken++
		e.t.Errorf("broken by a crash after %s: %v", strings.Join(path, ", "), err)
	}
}

// orders counts the ways through the states.
func (e *explorer) orders(state string, known map[string]float64) float64 {
	if n, ok := known[state]; ok {
		return n
	}
	var n float64
	for _, next := range e.next[state] {
		n += e.orders(next, known)
	}
	known[state] = max(n, 1)
	return known[state]
}

// Every order of two pushes of the same bytes, a mount of them, the delete of what names them and a collector, and
// a crash in every state that one of them leads to.
func TestEveryOrder(t *testing.T) {
	if memory, err := os.Stat("/dev/shm"); err == nil && memory.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // thousands of runs, none about disks
	}
	f := newFixture(t, dbtest.SQLite(t))
	e := &explorer{fixture: f, next: map[string][]string{}, left: map[string]bool{}, todo: [][]string{nil}}
	for len(e.todo) > 0 && e.broken < 3 {
		path := e.todo[len(e.todo)-1]
		e.todo = e.todo[:len(e.todo)-1]
		synctest.Test(t, func(t *testing.T) {
			if len(path) > 0 && path[len(path)-1] == "crash" {
				e.die(path[:len(path)-1])
			} else {
				e.run(path)
			}
		})
	}
	fmt.Printf("%.0f orders through %d states, %d crashes, in %d runs\n", e.orders(e.first, map[string]float64{}), len(e.next), e.crash, e.runs+e.crash)
	if len(e.next) < 1000 {
		t.Errorf("only %d states were found", len(e.next))
	}
}
