// Package adapter is Harbor's pluggable scanner API, version 1.2 of its adapters: how a registry asks a scanner that
// is a server of its own. The client here asks; package server offers Haven's own scanner that way.
//
// A registry asks three things: what the scanner can do (metadata), to scan an artifact, which answers at once with
// the scan's id, and for the report, again and again until it is there. The scanner fetches the artifact from the
// registry, with credentials that came with the request.
//
// The scanner isn't trusted. It may be slow, dead, wrong or hostile: each answer is bounded and checked, and what
// can't be read whole is a failed scan with a reason, never a report with little in it (S12). It never learns more
// than how to pull one repository for as long as the scan lasts.
package adapter
