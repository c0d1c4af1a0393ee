package evidence

import (
	"encoding/json"
	"time"
)

// Format says who defined what was read.
type Format string

// The formats.
const (
	Cosign   Format = "cosign"
	Notation Format = "notation"
)

// State is how a signature stands.
type State string

// The states of a signature. What can't be read, or is about something else, is never Verified (S12).
const (
	Verified   State = "verified"   // by somebody whom the policy names
	Unverified State = "unverified" // it may be right, but nobody whom the policy names has made it
	Invalid    State = "invalid"    // it is wrong whoever made it: another digest, changed bytes, a time that doesn't fit
)

// Earlier is the earlier of two times, of which a zero one is never.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Piece is one signature, or one signed attestation.
type Piece struct {
	Format Format
	State  State
	// Signers are the names of those of the policy's signers whom it verifies for; none unless Verified.
	Signers []string
	// By says who made it, as far as it shows: the fingerprint of a key, the identity and issuer of a certificate, or the
	// certificate's subject. Where it isn't Verified, this is a claim.
	By string
	// At is when it was made, proven by a log or a time-stamping authority; zero where nothing proves it.
	At time.Time
	// Reason says why it isn't Verified, in words for people.
	Reason string
	// Until is when it has to be looked at again, because something that it rests on ends; zero for never.
	Until time.Time
	// PredicateType is the type of the attestation, "" for a signature of the artifact itself.
	PredicateType string
	// Predicate is what is attested; null for a signature, and where it isn't Verified.
	Predicate json.RawMessage
}
