package inventory

import "strings"

// Severity of a vulnerability, in Harbor's order: a greater one is worse.
type Severity int

// The severities. Harbor counts None as Unknown.
const (
	Unknown Severity = iota
	Negligible
	Low
	Medium
	High
	Critical
)

var severities = [...]string{"Unknown", "Negligible", "Low", "Medium", "High", "Critical"}

// String is Harbor's word.
func (s Severity) String() string {
	if s < Unknown || s > Critical {
		return severities[Unknown]
	}
	return severities[s]
}

// ParseSeverity reads Harbor's and Trivy's words in any case; a word that nobody knows is not ok.
func ParseSeverity(word string) (s Severity, ok bool) {
	if strings.EqualFold(word, "none") {
		return Unknown, true
	}
	for i, name := range severities {
		if strings.EqualFold(word, name) {
			return Severity(i), true
		}
	}
	return Unknown, false
}
