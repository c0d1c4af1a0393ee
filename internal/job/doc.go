// Package job is work that outlives the process which begins it, and what begins by the clock.
//
// An execution is what somebody asked for, its tasks are the pieces of it that a process works on by what was
// registered for their kind (Work). Both are rows, and the rows are the truth: a wake-up, in this process or from
// another one, only spares waiting for the next look.
//
// Tables job_execution, job_task, job_log, job_schedule, job_paused and job_pool.
//
// A running task has a holder and the number of its run. What a run writes (Run.Write, Run.Finish) first changes the
// task's row by both, in the same transaction: a run that was stopped, or that another process took over because its
// lease was over, finds no row and writes nothing (ErrLost). So a task may be begun more than once, and its effect is
// there once. A process renews the leases of its runs every few seconds; on a database of its own it takes up at the
// start what a former process left, without waiting.
//
// An execution's status follows from the counts in its row, which the transactions change that change its tasks.
//
// Within a kind, the higher priority goes first, and within a priority groups (projects) take turns: each task has its
// turn, the one after the last of its group that waits, and at least the one that is served now.
package job
