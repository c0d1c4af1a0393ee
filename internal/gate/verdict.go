package gate

import (
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/trust"
)

// Finding is a vulnerability that stands in the way of an image.
type Finding struct {
	ID       string
	Package  string
	Version  string
	Fixed    string // "" without a fix
	Severity inventory.Severity
}

// Severities counts findings by severity.
type Severities [inventory.Critical + 1]int64

// Image is how one image stands.
type Image struct {
	Digest  oci.Digest
	State   State
	Outcome Outcome
	Status  string // of the report, in Harbor's words; "" without one
	Reason  string // why the report failed, or what isn't evaluated

	Total      int64      // findings that nothing excuses
	Severities Severities // of Total
	Fixable    int64      // of Total
	Excused    int64      // by the allowlist or a VEX statement
	AtOrAbove  int64      // of Total, at or above the threshold
	Blocking   []Finding  // the worst of these, a few
}

// Verdict is the answer about an artifact.
type Verdict struct {
	Digest oci.Digest
	Policy Policy
	// Signed says how its signatures stand; nil where the project demands none, or it is a signature itself.
	Signed *trust.Standing
	Images []Image // none where the project asks for no scans, or nothing of the artifact can be run
}

// Allowed reports whether the artifact may be pulled.
func (v Verdict) Allowed() bool { return v.Unsigned() == "" && v.Worst() == nil }

// Unsigned says what is missing of the signatures that the project demands, "" when nothing is. It begins with Harbor's words.
func (v Verdict) Unsigned() string {
	switch s := v.Signed; {
	case s == nil, s.Policy && s.Trusted:
		return ""
	case s.Policy:
		return fmt.Sprintf("The image is not signed by %s. Its project's trust policy demands what it does not have: %s.", v.Policy.formats(), strings.TrimSuffix(s.Missing, "."))
	case v.Policy.Cosign && !s.Cosign:
		return "The image is not signed by cosign."
	case v.Policy.Notation && !s.Notation:
		return "The image is not signed by notation."
	}
	return ""
}

// formats names the formats of signatures that it demands.
func (p Policy) formats() string {
	switch {
	case p.Cosign && p.Notation:
		return "cosign or notation"
	case p.Notation:
		return "notation"
	}
	return "cosign"
}

// Worst is the image that stands in the way most, nil where none does.
func (v Verdict) Worst() *Image {
	var worst *Image
	for i := range v.Images {
		image := &v.Images[i]
		if image.Outcome == Block && (worst == nil || image.worseThan(worst)) {
			worst = image
		}
	}
	return worst
}

// worseThan prefers what is known to be bad to what isn't known.
func (i *Image) worseThan(other *Image) bool {
	if (i.State == Vulnerable) != (other.State == Vulnerable) {
		return i.State == Vulnerable
	}
	return i.AtOrAbove > other.AtOrAbove
}

// counted writes "8 Critical, 46 High" for the n worst findings.
func counted(s Severities, n int64) string {
	var parts []string
	for severity := inventory.Critical; severity >= inventory.Unknown && n > 0; severity-- {
		if s[severity] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", s[severity], severity))
			n -= s[severity]
		}
	}
	return strings.Join(parts, ", ")
}

// thresholdWord is Harbor's spelling of a threshold in its messages.
func thresholdWord(s inventory.Severity) string {
	if s == inventory.Unknown {
		return "None"
	}
	return s.String()
}

// atLeast counts findings of a severity and worse ones.
func (s Severities) atLeast(severity inventory.Severity) (n int64) {
	for ; severity <= inventory.Critical; severity++ {
		n += s[severity]
	}
	return n
}
