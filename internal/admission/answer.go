package admission

import (
	"fmt"
	"net/http"
	"slices"
)

const (
	// maxTold is how many images an answer tells of one by one.
	maxTold = 8
	// maxWarning is what kubectl and others show of a warning; the API server may cut what is longer.
	maxWarning = 256
	// maxNote bounds a note in the audit log.
	maxNote = 4096
)

// finding is what is said about one use of an image.
type finding struct {
	use    use
	ruling ruling
}

func (f finding) String() string {
	return fmt.Sprintf("%s, %s: %s", f.use.container, clean(f.use.image, maxImage), f.ruling.message)
}

// findings are the rulings of one outcome, by use.
func findings(uses []use, rulings map[string]ruling, of outcome) []finding {
	var found []finding
	for _, u := range uses {
		if ruled := rulings[u.image]; ruled.outcome == of {
			found = append(found, finding{u, ruled})
		}
	}
	return found
}

func texts(found []finding) []string {
	all := make([]string, len(found))
	for i, f := range found {
		all[i] = f.String()
	}
	return all
}

// result is how a review ended: of a fixed set, for metrics.
type result string

const (
	resultNothing   result = "nothing" // no image came in by it
	resultOff       result = "off"
	resultAllowed   result = "allowed"
	resultRefused   result = "refused"
	resultWarned    result = "warned"
	resultAudited   result = "audited"
	resultUnchecked result = "unchecked"
	resultInvalid   result = "invalid" // no review
	resultBusy      result = "busy"
)

// answer is what the rulings come to in a namespace's mode.
func answer(uid string, mode Mode, uses []use, rulings map[string]ruling) (*response, result) {
	r := &response{UID: uid, Allowed: true, AuditAnnotations: map[string]string{"mode": string(mode)}}
	bad, unsure := findings(uses, rulings, refused), findings(uses, rulings, unchecked)
	r.note("exempted", texts(findings(uses, rulings, exempted)))
	r.note("unchecked", texts(unsure))
	r.note("refused", texts(bad))
	if len(bad) > 0 {
		r.note("reasons", reasonsOf(bad))
	}
	ended := resultAllowed
	if len(unsure) > 0 {
		ended = resultUnchecked
		r.warn(mode, "not checked", unsure)
	}
	switch {
	case len(bad) == 0:
	case mode == Enforce:
		r.Allowed, r.Status = false, &status{Status: "Failure", Reason: "Forbidden", Code: http.StatusForbidden, Message: refusalWords(bad)}
		ended = resultRefused
	case mode == Warn:
		r.warn(mode, "would be refused", bad)
		ended = resultWarned
	default:
		ended = resultAudited
	}
	r.AuditAnnotations["decision"] = string(ended)
	return r, ended
}

func refusalWords(bad []finding) string {
	return shorten("Haven refuses "+list(texts(bad), maxTold), maxNote)
}

func reasonsOf(found []finding) []string {
	var reasons []string
	for _, f := range found {
		reasons = append(reasons, f.ruling.reasons...)
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

// note writes texts into the cluster's audit log.
func (r *response) note(key string, texts []string) {
	if len(texts) > 0 {
		r.AuditAnnotations[key] = shorten(list(texts, maxTold), maxNote)
	}
}

// warn tells who asked. In the mode audit nobody is told.
func (r *response) warn(mode Mode, what string, found []finding) {
	if mode == Audit {
		return
	}
	for _, f := range found[:min(len(found), maxTold)] {
		r.Warnings = append(r.Warnings, shorten("Haven: "+what+": "+f.String(), maxWarning))
	}
	if more := len(found) - maxTold; more > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("Haven: %s: %d more", what, more))
	}
}
