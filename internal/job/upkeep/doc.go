// Package upkeep is work on the whole registry that an administrator has done now, by a schedule, or not at all: one
// run at a time, each an execution of one task, which can be stopped and has a log. Who began, stopped and scheduled
// it is an event.
//
// It has no tables: executions and schedules are job's.
package upkeep
