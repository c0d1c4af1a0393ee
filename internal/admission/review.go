package admission

import (
	"encoding/json"
	"errors"
	"fmt"

	strict "sigs.k8s.io/json"
)

// The types of admission.k8s.io/v1, as far as they are used here. A test holds them against the official ones.
const (
	reviewVersion = "admission.k8s.io/v1"
	reviewKind    = "AdmissionReview"

	operationCreate = "CREATE"
	operationUpdate = "UPDATE"
)

type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *request  `json:"request,omitempty"`
	Response   *response `json:"response,omitempty"`
}

type request struct {
	UID         string          `json:"uid"`
	Kind        kind            `json:"kind"`
	SubResource string          `json:"subResource,omitempty"`
	Name        string          `json:"name,omitempty"`
	Namespace   string          `json:"namespace,omitempty"`
	Operation   string          `json:"operation"`
	UserInfo    userInfo        `json:"userInfo"`
	Object      json.RawMessage `json:"object,omitempty"`
	OldObject   json.RawMessage `json:"oldObject,omitempty"`
	DryRun      *bool           `json:"dryRun,omitempty"`
}

type kind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

type userInfo struct {
	Username string `json:"username,omitempty"`
}

type response struct {
	UID              string            `json:"uid"`
	Allowed          bool              `json:"allowed"`
	Status           *status           `json:"status,omitempty"`
	Patch            []byte            `json:"patch,omitempty"`
	PatchType        string            `json:"patchType,omitempty"`
	AuditAnnotations map[string]string `json:"auditAnnotations,omitempty"`
	Warnings         []string          `json:"warnings,omitempty"`
}

// status is what the API server tells who asked, with its HTTP status.
type status struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Code    int    `json:"code,omitempty"`
}

// errReview: a body is no review that can be answered.
var errReview = errors.New("expected an AdmissionReview of admission.k8s.io/v1 with a request")

// maxUID is more than the length of a UUID.
const maxUID = 128

// parseReview reads a review strictly: names of fields count by case, and none comes twice. Fields that aren't known here
// are those of later versions.
func parseReview(body []byte) (*request, error) {
	var r review
	if err := unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errReview, err)
	}
	if r.APIVersion != reviewVersion || r.Kind != reviewKind || r.Request == nil || r.Request.UID == "" || len(r.Request.UID) > maxUID {
		return nil, errReview
	}
	return r.Request, nil
}

func unmarshal(text []byte, into any) error {
	doubled, err := strict.UnmarshalStrict(text, into, strict.DisallowDuplicateFields)
	return errors.Join(append(doubled, err)...)
}

// isDryRun reports whether nothing may come of the request, events included.
func (r *request) isDryRun() bool { return r.DryRun != nil && *r.DryRun }
