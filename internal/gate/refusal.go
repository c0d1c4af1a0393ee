package gate

import (
	"errors"
	"fmt"
	"strings"
)

// Refused says whether an error is one of the gate's refusals, a Refusal or a TagRefusal, and its words, which are for clients.
func Refused(err error) (words string, ok bool) {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Error(), true
	}
	if r, ok := errors.AsType[*TagRefusal](err); ok {
		return r.Error(), true
	}
	return "", false
}

// Refusal is an error for clients: Harbor's 412 with the code PROJECTPOLICYVIOLATION.
type Refusal struct{ Verdict Verdict }

// Error begins and ends with Harbor's words, and says in between what stands in the way and what helps.
func (r *Refusal) Error() string {
	if unsigned := r.Verdict.Unsigned(); unsigned != "" {
		return unsigned
	}
	image := r.Verdict.Worst()
	if image == nil {
		return "the artifact may be pulled"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `current image %s cannot be pulled due to configured policy in 'Prevent images with vulnerability severity of "%s" or higher from running.'`,
		image.trouble(), thresholdWord(r.Verdict.Policy.Threshold))
	if image.Digest != r.Verdict.Digest {
		fmt.Fprintf(&b, " The index leads to the image %s.", image.Digest)
	}
	for _, sentence := range image.details() {
		b.WriteString(" " + sentence)
	}
	b.WriteString(" To continue with pull, please contact your project administrator ")
	if image.State == Vulnerable {
		b.WriteString("to exempt matched vulnerabilities through configuring the CVE allowlist.")
	} else {
		b.WriteString("for help.")
	}
	return b.String()
}

// trouble is what is wrong with the image, in Harbor's words where Harbor has some.
func (i *Image) trouble() string {
	switch i.State {
	case Vulnerable:
		noun := "vulnerabilities"
		if i.Total == 1 {
			noun = "vulnerability"
		}
		return fmt.Sprintf("with %d %s", i.Total, noun)
	case Pending, Failed:
		return fmt.Sprintf(`with "%s" status of vulnerability scanning`, i.Status)
	case NotEvaluated:
		return "that could not be evaluated wholly"
	default:
		return "without vulnerability scanning"
	}
}

// details are sentences with the counts and the way out.
func (i *Image) details() (sentences []string) {
	say := func(format string, args ...any) { sentences = append(sentences, fmt.Sprintf(format, args...)) }
	switch i.State {
	case Vulnerable:
		say("%s at or above it, %d of all %d can be fixed.", counted(i.Severities, i.AtOrAbove), i.Fixable, i.Total)
		if names := i.blockingNames(); names != "" {
			say("Among them: %s.", names)
		}
	case Pending:
		say("Its report is being made: try again in a while.")
	case NeverScanned:
		say("Scan it first, or have the project scan what is pushed.")
	case Failed, NotEvaluated:
		if i.Reason != "" {
			say("The reason: %s.", strings.TrimSuffix(i.Reason, "."))
		}
	}
	return sentences
}

// maxNamed bounds the vulnerabilities that a message names.
const maxNamed = 3

func (i *Image) blockingNames() string {
	var names []string
	for _, f := range i.Blocking[:min(len(i.Blocking), maxNamed)] {
		name := fmt.Sprintf("%s (%s, %s %s", f.ID, f.Severity, f.Package, f.Version)
		if f.Fixed != "" {
			name += ", fixed in " + f.Fixed
		}
		names = append(names, name+")")
	}
	return strings.Join(names, "; ")
}
