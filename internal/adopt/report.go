package adopt

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Report is what an adoption took, and what it could not.
type Report struct {
	Source     string    `json:"source"`
	DryRun     bool      `json:"dry_run"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Taken      []Count   `json:"taken"`
	// NotTaken are things that could not be taken, wholly or in part: the first thousand.
	NotTaken      []NotTaken `json:"not_taken"`
	NotTakenCount int64      `json:"not_taken_count"`
	// PassedOver is what an adoption never takes, as far as there was some.
	PassedOver []string `json:"passed_over"`

	mu *sync.Mutex
}

// Count is how many things of a kind were taken.
type Count struct {
	What string `json:"what"`
	N    int64  `json:"count"`
}

// NotTaken is something that could not be taken, and why.
type NotTaken struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// maxNamed bounds what a report names.
const maxNamed = 1000

// NewReport returns an empty report.
func NewReport(source string, dryRun bool, now time.Time) *Report {
	return &Report{Source: source, DryRun: dryRun, StartedAt: now.UTC(), Taken: []Count{}, NotTaken: []NotTaken{}, PassedOver: []string{}, mu: &sync.Mutex{}}
}

// Complete reports whether everything was taken that could be.
func (r *Report) Complete() bool { return r.NotTakenCount == 0 }

// Took adds to how many things of a kind were taken. Kinds are shown in the order in which they first came.
func (r *Report) Took(what string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.Taken {
		if r.Taken[i].What == what {
			r.Taken[i].N += n
			return
		}
	}
	r.Taken = append(r.Taken, Count{what, n})
}

// Lose notes something that could not be taken.
func (r *Report) Lose(what string, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.NotTakenCount++
	if len(r.NotTaken) < maxNamed {
		r.NotTaken = append(r.NotTaken, NotTaken{what, why.Error()})
	}
}

// PassOver notes something that an adoption doesn't take.
func (r *Report) PassOver(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.PassedOver = append(r.PassedOver, what)
}

// Restart forgets what a transaction noted that is run again.
func (r *Report) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Taken, r.NotTaken, r.NotTakenCount, r.PassedOver = []Count{}, []NotTaken{}, 0, []string{}
}

// Summary is what was taken, on one line.
func (r *Report) Summary() string {
	var parts []string
	for _, c := range r.Taken {
		if c.N > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.N, c.What))
		}
	}
	return strings.Join(parts, ", ")
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) {
	verb := "Took over"
	if r.DryRun {
		verb = "Nothing was written. This would be taken over from"
	}
	fmt.Fprintf(w, "%s %s, in %s:\n", verb, r.Source, r.FinishedAt.Sub(r.StartedAt).Round(time.Second))
	for _, c := range r.Taken {
		fmt.Fprintf(w, "  %8d %s\n", c.N, c.What)
	}
	if r.NotTakenCount > 0 {
		fmt.Fprintf(w, "Not taken, wholly or in part (%d):\n", r.NotTakenCount)
		for _, n := range r.NotTaken {
			fmt.Fprintf(w, "  %s: %s\n", n.What, n.Why)
		}
		if more := r.NotTakenCount - int64(len(r.NotTaken)); more > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
	}
	if len(r.PassedOver) > 0 {
		fmt.Fprintln(w, "Passed over:")
		for _, p := range r.PassedOver {
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
}
