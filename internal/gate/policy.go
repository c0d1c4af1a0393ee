package gate

import (
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// State is how an image stands before the gate.
type State string

// The states of an image.
const (
	Clean        State = "clean"         // evaluated, and nothing is left at or above the severity
	Vulnerable   State = "vulnerable"    // evaluated, and something is
	NeverScanned State = "never_scanned" // nobody asked for a report
	Pending      State = "pending"       // a report is being made
	Failed       State = "failed"        // the last attempt failed or was stopped
	NotEvaluated State = "not_evaluated" // a part of it, or its distribution, can't be judged
	Unsigned     State = "unsigned"      // nobody has signed it whom its project trusts
)

// States are all of them.
func States() []State {
	return []State{Clean, Vulnerable, NeverScanned, Pending, Failed, NotEvaluated, Unsigned}
}

// Outcome is what becomes of a pull.
type Outcome string

// The outcomes.
const (
	Block Outcome = "block"
	Allow Outcome = "allow"
)

// Valid reports whether the word is one.
func (o Outcome) Valid() bool { return o == Block || o == Allow }

// Outcomes are what becomes of images that no report speaks for.
type Outcomes struct {
	NeverScanned Outcome
	Pending      Outcome
	Failed       Outcome
	NotEvaluated Outcome
}

// strict is what holds where nobody said otherwise.
func strict() Outcomes {
	return Outcomes{NeverScanned: Block, Pending: Block, Failed: Block, NotEvaluated: Block}
}

func (o Outcomes) of(s State) Outcome {
	switch s {
	case NeverScanned:
		return o.NeverScanned
	case Pending:
		return o.Pending
	case Failed:
		return o.Failed
	case NotEvaluated:
		return o.NotEvaluated
	case Vulnerable:
		return Block
	}
	return Allow
}

// Policy is what a project demands of artifacts that are pulled from it.
type Policy struct {
	// Cosign and Notation demand a signature of the format. Where the project has a trust policy either demands what that says.
	Cosign, Notation bool

	PreventVulnerable bool
	// Threshold is the lowest severity that is refused. Unknown refuses any finding.
	Threshold inventory.Severity
	Outcomes  Outcomes
	Allowlist project.CVEAllowlist // the one that holds for the project: its own or the system's
}

// Signed reports whether it demands signatures.
func (p Policy) Signed() bool { return p.Cosign || p.Notation }
