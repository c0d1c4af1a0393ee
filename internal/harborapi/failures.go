package harborapi

import (
	"errors"
	"net/http"

	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/scan"
)

// quota matches a refusal by a project's limit, whose words are Harbor's.
func quota(err error) (string, bool) {
	e, ok := errors.AsType[*registry.QuotaError](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// endpointUsed matches a refusal to forget a registry that something refers to.
func endpointUsed(err error) (string, bool) {
	e, ok := errors.AsType[*endpoint.UsedError](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// policyDisabled matches a refusal to carry out a policy that is disabled.
func policyDisabled(err error) (string, bool) {
	e, ok := errors.AsType[*replication.DisabledError](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// immutableTag matches a refusal by a rule about tags, in Harbor's words and with the rule's number.
func immutableTag(err error) (string, bool) {
	e, ok := errors.AsType[*immutable.Refusal](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// heldProject matches a refusal to delete a project that holds something.
func heldProject(err error) (string, bool) {
	e, ok := errors.AsType[*project.HeldError](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// failures is the table from errors of the domain to answers, after the rows that package rest has for all;
// the first row that matches answers. What no row matches is 500.
func failures() []rest.Failure {
	const (
		badRequest, notFound, conflict = http.StatusBadRequest, http.StatusNotFound, http.StatusConflict
		forbidden, precondition        = http.StatusForbidden, http.StatusPreconditionFailed
	)
	return []rest.Failure{
		{Match: rest.Is(project.ErrNotEmpty), Status: precondition, Code: "PRECONDITION", Message: "precondition failed: the project contains repositories, can not be deleted"},

		{Match: heldProject, Status: precondition, Code: "PRECONDITION"},
		{Match: immutableTag, Status: precondition, Code: "PRECONDITION"},
		{Match: policyDisabled, Status: precondition, Code: "PRECONDITION"},
		{Match: rest.Is(replication.ErrRunning), Status: precondition, Code: "PRECONDITION", Message: replication.ErrRunning.Error()},
		{Match: rest.Is(preheat.ErrRunning), Status: precondition, Code: "PRECONDITION", Message: preheat.ErrRunning.Error()},
		{Match: endpointUsed, Status: precondition, Code: "PRECONDITION"},
		{Match: rest.Is(scan.ErrDisabled), Status: precondition, Code: "PRECONDITION", Message: "scanner is deactivated"},
		{Match: rest.Is(registry.ErrRepositoryUnknown), Status: notFound, Code: "NOT_FOUND"},
		{Match: rest.Is(registry.ErrManifestUnknown), Status: notFound, Code: "NOT_FOUND"},
		{Match: rest.Is(registry.ErrTagUnknown), Status: notFound, Code: "NOT_FOUND"},
		{Match: rest.Is(registry.ErrBlobUnknown), Status: notFound, Code: "NOT_FOUND"},
		{Match: rest.Is(registry.ErrTagExists), Status: conflict, Code: "CONFLICT"},
		{Match: rest.Is(registry.ErrReferenced), Status: precondition, Code: "VIOLATE_FOREIGN_KEY_CONSTRAINT", Message: "the deleting artifact is referenced by others"},
		{Match: quota, Status: forbidden, Code: "DENIED"},
		{Match: gate.Refused, Status: precondition, Code: "PROJECTPOLICYVIOLATION"},
		{Match: rest.Is(registry.ErrIsAccessory), Status: forbidden, Code: "DENIED", Message: "the operation isn't supported for an artifact accessory"},
		{Match: rest.Is(oci.ErrNameInvalid), Status: badRequest, Code: "BAD_REQUEST"},
		{Match: rest.Is(oci.ErrTagInvalid), Status: badRequest, Code: "BAD_REQUEST"},
	}
}
