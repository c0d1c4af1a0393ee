// Package garbage is the collecting of garbage as an administrator asks for it: now, or by a schedule, with a history
// and a log, in Harbor's words. A run deletes the artifacts that no tag names, where it is asked to, and has the
// registry take back at once what is due.
//
// The registry takes back by itself, all the time, what no manifest names (registry/reclaim.go): without a run nothing
// is left lying, and a run keeps to the same grace. What it reports as freed is what went while it ran.
package garbage
