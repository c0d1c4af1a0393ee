// Package distribution is the edge that container clients speak to: the OCI distribution
// specification 1.1 under /v2/, and the docker token service at /service/token.
//
// It decides nothing. A request is split by hand, because repository names hold slashes; the project
// is loaded and the caller authorised in one call; package registry does the work. Bodies stream.
package distribution
