package inventory

import "testing"

func TestSeverity(t *testing.T) {
	for s := Unknown; s <= Critical; s++ {
		if got, ok := ParseSeverity(s.String()); !ok || got != s {
			t.Errorf("%v: %v, %v", s, got, ok)
		}
	}
	if got, ok := ParseSeverity("HIGH"); !ok || got != High {
		t.Errorf("Trivy's spelling: %v, %v", got, ok)
	}
	if got, ok := ParseSeverity("none"); !ok || got != Unknown {
		t.Errorf("Harbor's none: %v, %v", got, ok)
	}
	if _, ok := ParseSeverity("awful"); ok {
		t.Error("a word that nobody knows was read")
	}
	if Severity(9).String() != "Unknown" {
		t.Error("a number that nobody knows has a name")
	}
}
