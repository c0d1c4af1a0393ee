// Package day is a day's work with Harbor's own Go client: every operation that the client and the
// registry both have, on a registry that is already running.
//
// It is a module of its own, because the client brings some thirty modules that nothing else here
// needs. Test harborclient runs it, with where the registry is in HAVEN_URL, the administrator's password
// in HAVEN_PASSWORD, and in HAVEN_CALLS the file to write to what was asked and answered.
package day
