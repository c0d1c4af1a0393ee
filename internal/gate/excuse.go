package gate

import "github.com/havenregistry/haven/internal/scan"

// excuses are what a policy puts up with in one image.
type excuses struct {
	allowed    map[string]bool
	statements scan.Statements
}

func newExcuses(allowed []string, statements scan.Statements) excuses {
	e := excuses{allowed: make(map[string]bool, len(allowed)), statements: statements}
	for _, id := range allowed {
		e.allowed[id] = true
	}
	return e
}

func (e excuses) none() bool { return len(e.allowed) == 0 && len(e.statements) == 0 }

func (e excuses) covers(f scan.Found) bool {
	if e.allowed[f.Vulnerability] {
		return true
	}
	_, excused := e.statements.Excuse(f)
	return excused
}
