// Package scanner is which scanners there are, and which one a project's artifacts are scanned by.
//
// Haven's own is always there, as "Trivy", the name that Harbor gives its own; it may be disabled, not deleted. Others
// are registered by a system administrator, and speak Harbor's scanner adapter API (package adapter). One of all is
// the default; a project may choose another (its metadata, which package project writes).
//
// Table scanner. Exactly one row is the default: its deletion makes our own the default. A credential is sealed, and
// belongs to the scheme, host and port that it was entered with: with another it is forgotten (S5).
package scanner
