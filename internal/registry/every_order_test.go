//go:build acceptance

package registry

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/havenregistry/haven/internal/db/dbtest"
)

// explorer goes through all orders, several at a time. Where two of them lead to the same state they go on alike.
type explorer struct {
	mu     sync.Mutex
	idle   sync.Cond           // somebody found work, or the last one ended
	first  string              // the state that all begin in
	next   map[string][]string // states that one leads to, one for each actor that can go on
	runs   int
	left   map[string]bool // what a crash left, and was checked
	todo   [][]string
	busy   int
	broken int
}

// crashes ends a path at which the process dies.
const crashes = "crash"

// take returns the next path, when somebody has one.
func (e *explorer) take() (path []string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.todo) == 0 && e.busy > 0 {
		e.idle.Wait()
	}
	if len(e.todo) == 0 || e.broken >= 3 {
		return nil, false
	}
	path = e.todo[len(e.todo)-1]
	e.todo = e.todo[:len(e.todo)-1]
	e.busy++
	e.runs++
	return path, true
}

func (e *explorer) done() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy--
	e.idle.Broadcast()
}

// reach notes that one state leads to another, and reports whether that is a new one; so of what a crash leaves.
func (e *explorer) reach(from, state, left string) (fresh, freshLeft bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if from != "" {
		e.next[from] = append(e.next[from], state)
	}
	if e.first == "" {
		e.first = state
	}
	if _, known := e.next[state]; known {
		return false, false
	}
	e.next[state] = nil
	freshLeft = !e.left[left]
	e.left[left] = true
	return true, freshLeft
}

func (e *explorer) add(path []string, steps ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, step := range steps {
		e.todo = append(e.todo, append(slices.Clone(path), step))
	}
	e.idle.Broadcast()
}

func (e *explorer) fail(t *testing.T, what string, path []string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken++
	t.Errorf("%s after %s: %v", what, strings.Join(path, ", "), err)
}

// work goes through paths until there are no more.
func (e *explorer) work(t *testing.T, f fixture) {
	for path, ok := e.take(); ok; path, ok = e.take() {
		synctest.Test(t, func(t *testing.T) {
			if n := len(path); n > 0 && path[n-1] == crashes {
				e.die(t, f, path[:n-1])
			} else {
				e.run(t, f, path)
			}
		})
		e.done()
	}
}

func (e *explorer) run(t *testing.T, f fixture, prefix []string) {
	s := openScene(f)
	defer s.close()
	path := []string{}
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
		fresh, freshLeft := e.reach(from, state, left)
		if !fresh {
			return
		}
		if err := s.check(); err != nil {
			e.fail(t, "broken", path, err)
			return
		}
		choices := s.ready()
		if len(choices) == 0 {
			if err := s.aftermath(); err != nil {
				e.fail(t, "broken in the end", path, err)
			}
			return
		}
		if freshLeft {
			e.add(path, crashes)
		}
		e.add(path, choices[1:]...)
		from = state
		s.step(choices[0])
		path = append(path, choices[0])
	}
}

// die runs to a moment at which the process dies, and starts another one.
func (e *explorer) die(t *testing.T, f fixture, path []string) {
	s := openScene(f)
	defer s.close()
	for _, name := range path {
		s.step(name)
	}
	if err := s.aftermath(); err != nil {
		e.fail(t, "broken by a crash", path, err)
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
	e := &explorer{next: map[string][]string{}, left: map[string]bool{}, todo: [][]string{nil}}
	e.idle.L = &e.mu
	t.Run("all", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				e.work(t, newFixture(t, dbtest.SQLite(t)))
			})
		}
	})
	fmt.Printf("%.0f orders through %d states, %d crashes, in %d runs\n", e.orders(e.first, map[string]float64{}), len(e.next), len(e.left), e.runs)
	if len(e.next) < 1000 {
		t.Errorf("only %d states were found", len(e.next))
	}
}
