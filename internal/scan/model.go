package scan

import (
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Status is how far a scan is, in Harbor's words. "": there was none.
type Status string

// The states of a scan. The last three are final.
const (
	Pending   Status = "Pending"
	Scheduled Status = "Scheduled"
	Running   Status = "Running"
	Stopped   Status = "Stopped"
	Failed    Status = "Error"
	Success   Status = "Success"
)

// Final reports whether the scan has ended.
func (s Status) Final() bool { return s == Stopped || s == Failed || s == Success }

// Evaluated is how much of an image a report speaks of.
type Evaluated int

// NotEvaluated: nothing is known. Partly: findings are real, more may be there. Wholly: what isn't found is unknown
// to the advisories.
const (
	NotEvaluated Evaluated = iota
	Partly
	Wholly
)

// String is the word that Haven's API has for it.
func (e Evaluated) String() string {
	switch e {
	case Wholly:
		return "wholly"
	case Partly:
		return "partly"
	default:
		return "not"
	}
}

// Scanner is what makes reports.
type Scanner struct {
	ID      string // of its registration
	Name    string
	Vendor  string
	Version string
	Own     bool  // Haven's own; another one is an adapter
	Number  int64 // of the registrations, ascending
	// Disabled: it is registered, and nothing is to be scanned by it.
	Disabled bool
}

// Counts is how many findings there are of each severity, and how many of them have a fix.
type Counts struct {
	Critical, High, Medium, Low, Negligible, Unknown, Fixable int64
}

// Total is all findings.
func (c Counts) Total() int64 {
	return c.Critical + c.High + c.Medium + c.Low + c.Negligible + c.Unknown
}

// Of is the number of findings of a severity.
func (c Counts) Of(s inventory.Severity) int64 {
	if p := c.of(s); p != nil {
		return *p
	}
	return 0
}

func (c *Counts) of(s inventory.Severity) *int64 {
	switch s {
	case inventory.Critical:
		return &c.Critical
	case inventory.High:
		return &c.High
	case inventory.Medium:
		return &c.Medium
	case inventory.Low:
		return &c.Low
	case inventory.Negligible:
		return &c.Negligible
	case inventory.Unknown:
		return &c.Unknown
	default:
		return nil
	}
}

// Add counts n findings of a severity, fixable of which have a fix. A severity that nobody knows is Unknown.
func (c *Counts) Add(s inventory.Severity, n, fixable int64) {
	p := c.of(s)
	if p == nil {
		p = &c.Unknown
	}
	*p += n
	c.Fixable += fixable
}

// Plus is the sum of both.
func (c Counts) Plus(o Counts) Counts {
	return Counts{c.Critical + o.Critical, c.High + o.High, c.Medium + o.Medium, c.Low + o.Low,
		c.Negligible + o.Negligible, c.Unknown + o.Unknown, c.Fixable + o.Fixable}
}

// minus is what is left of c without o.
func (c Counts) minus(o Counts) Counts {
	return Counts{c.Critical - o.Critical, c.High - o.High, c.Medium - o.Medium, c.Low - o.Low,
		c.Negligible - o.Negligible, c.Unknown - o.Unknown, c.Fixable - o.Fixable}
}

// Highest is the worst severity that has a finding; not ok when there is none.
func (c Counts) Highest() (s inventory.Severity, ok bool) {
	for s := inventory.Critical; s >= inventory.Unknown; s-- {
		if c.Of(s) > 0 {
			return s, true
		}
	}
	return inventory.Unknown, false
}

// Report is what a scanner says of a manifest, without the findings.
type Report struct {
	ID        int64
	UUID      string
	Digest    oci.Digest
	Scanner   Scanner
	Status    Status
	Reason    string // why it is no Success
	Evaluated Evaluated
	OS        inventory.OS
	Counts    Counts
	Found     int64 // findings that came with the evaluation that the summary is of
	Gone      int64 // findings that went

	Execution, Task int64
	CreatedAt       time.Time
	StartedAt       time.Time
	EndedAt         time.Time
	UpdatedAt       time.Time // of the summary
	EvaluationID    int64
	Edition         string    // digest of the edition of the database that the summary is of, "" of another scanner
	EditionAt       time.Time // when its publisher made it
}
