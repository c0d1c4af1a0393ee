package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Check looks at one thing.
type Check struct {
	Name string
	Time time.Duration                           // how long it may take
	Do   func(ctx context.Context, notes *Notes) // ctx ends when the time is over
}

// Notes takes a check's findings. It is safe for concurrent use, also by a check that was given up.
type Notes struct {
	check  string
	hidden []string

	mu       sync.Mutex
	findings []Finding
	closed   bool
}

// Good notes that something is as it should be.
func (n *Notes) Good(format string, args ...any) { n.add(OK, "", format, args) }

// Doubt notes a warning, with what to do about it.
func (n *Notes) Doubt(advice, format string, args ...any) { n.add(Warning, advice, format, args) }

// Wrong notes a problem, with what to do about it.
func (n *Notes) Wrong(advice, format string, args ...any) { n.add(Problem, advice, format, args) }

func (n *Notes) add(s Status, advice, format string, args []any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.findings = append(n.findings, Finding{n.check, s, n.hide(fmt.Sprintf(format, args...)), n.hide(advice)})
	}
}

func (n *Notes) hide(text string) string {
	for _, s := range n.hidden {
		text = strings.ReplaceAll(text, s, "[redacted]")
	}
	return text
}

// close returns what was found, and lets nothing in any more.
func (n *Notes) close(late bool, after time.Duration) []Finding {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if late {
		n.findings = append(n.findings, Finding{n.check, Problem, fmt.Sprintf("no answer within %s", after.Round(time.Second)),
			"See whether what this check asks hangs: a server that doesn't answer, or a disk or network file system that doesn't."})
	}
	return slices.Clone(n.findings)
}

// grace is how long a check may take to notice that its time is over. A system call on a dead file system never does.
const grace = time.Second

// Run does checks beside each other and returns their findings in the given order. Texts that contain one of hidden are shown without it.
func Run(ctx context.Context, checks []Check, hidden []string) []Finding {
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { found[i] = c.run(ctx, hidden) })
	}
	all.Wait()
	return slices.Concat(found...)
}

func (c Check) run(ctx context.Context, hidden []string) []Finding {
	notes := &Notes{check: c.Name, hidden: hidden}
	ctx, cancel := context.WithTimeout(ctx, c.Time)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Do(ctx, notes)
	}()
	timer := time.NewTimer(c.Time + grace)
	defer timer.Stop()
	select {
	case <-done:
		return notes.close(false, 0)
	case <-timer.C:
		return notes.close(true, c.Time)
	}
}
