package doctor

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Status says how good a finding is.
type Status string

// What a finding can be.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, and may not tomorrow, or not for everybody
	Problem Status = "problem" // something doesn't work
)

// Finding is one thing that a check has to say.
type Finding struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"` // what to do, a sentence; "" where there is nothing to do
}

// Report is all findings, in the order of the checks.
type Report struct {
	Version  string    `json:"version"`
	At       time.Time `json:"at"`
	Took     float64   `json:"took_seconds"`
	Findings []Finding `json:"findings"`
}

// Count is how many findings have a status.
func (r Report) Count(s Status) (n int) {
	for _, f := range r.Findings {
		if f.Status == s {
			n++
		}
	}
	return n
}

// Healthy reports whether there is no problem. Warnings are none.
func (r Report) Healthy() bool { return r.Count(Problem) == 0 }

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-8s %-13s %s\n", f.Status, f.Check, oneLine(f.Found))
		if f.Advice != "" {
			fmt.Fprintf(w, "%-22s → %s\n", "", oneLine(f.Advice))
		}
	}
	fmt.Fprintf(w, "\n%s, %s, in %.1f s.\n", amount(r.Count(Problem), "problem"), amount(r.Count(Warning), "warning"), r.Took)
}

func amount(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// oneLine keeps what a server said from making lines, or a terminal do things.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
