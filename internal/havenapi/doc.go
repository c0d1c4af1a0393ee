// Package havenapi answers /api/haven/v1: what Harbor does not have. Its conventions are those of Harbor's
// API (package rest); the contract is api/openapi.yaml, the operations with the tag haven.
package havenapi
