package job

// Kind is what sort of work it is, by Harbor's names of vendor types where Harbor has the like.
type Kind string

// The kinds of work.
const (
	ImageScan         Kind = "IMAGE_SCAN"
	SBOM              Kind = "SBOM"
	ScanAll           Kind = "SCAN_ALL"
	ScanDataExport    Kind = "SCAN_DATA_EXPORT"
	Reevaluate        Kind = "SCAN_REEVALUATE"
	VulnDBRefresh     Kind = "VULNDB_REFRESH"
	GarbageCollection Kind = "GARBAGE_COLLECTION"
	Preheat           Kind = "P2P_PREHEAT"
	PurgeAudit        Kind = "PURGE_AUDIT_LOG"
	ExecutionSweep    Kind = "EXECUTION_SWEEP"
	ArtifactCleanup   Kind = "SYSTEM_ARTIFACT_CLEANUP"
)

// Scheduler stands among the queues for what begins by the clock: nothing does while it is paused.
const Scheduler Kind = "SCHEDULER"

// System is the vendor id of work that is for the whole registry.
const System int64 = -1

// Trigger is what began an execution.
type Trigger string

// The triggers, in Harbor's words.
const (
	Manual     Trigger = "MANUAL"
	BySchedule Trigger = "SCHEDULE"
	ByEvent    Trigger = "EVENT"
)

// Status is how far an execution or a task is, in Harbor's words.
type Status string

// The states. An execution is never Scheduled.
const (
	Pending   Status = "Pending"
	Scheduled Status = "Scheduled" // waits for its time, after a failure
	Running   Status = "Running"
	Stopped   Status = "Stopped"
	Error     Status = "Error"
	Success   Status = "Success"
)

// Ended reports whether nothing more happens, unless somebody has it tried again.
func (s Status) Ended() bool { return s == Stopped || s == Error || s == Success }

// Counts are the tasks of an execution, by how far they are.
type Counts struct {
	Waiting, Running, Stopped, Failed, Succeeded int64
}

// Total is the number of tasks.
func (c Counts) Total() int64 { return c.Waiting + c.Running + c.Stopped + c.Failed + c.Succeeded }

// count is one task of a status.
func count(s Status, n int64) (c Counts) {
	switch s {
	case Pending, Scheduled:
		c.Waiting = n
	case Running:
		c.Running = n
	case Stopped:
		c.Stopped = n
	case Error:
		c.Failed = n
	case Success:
		c.Succeeded = n
	}
	return c
}

func (c Counts) plus(d Counts) Counts {
	return Counts{c.Waiting + d.Waiting, c.Running + d.Running, c.Stopped + d.Stopped, c.Failed + d.Failed, c.Succeeded + d.Succeeded}
}

// Without is counts less one task of a status: one of another sort than those that are shown.
func Without(c Counts, s Status) Counts { return c.plus(count(s, -1)) }

// moved is the change of counts when n tasks go from one status to another.
func moved(from, to Status, n int64) Counts { return count(from, -n).plus(count(to, n)) }

// status is an execution's, by the counts of its tasks and what it was. One of no tasks has succeeded.
func (c Counts) status(was Status) Status {
	switch open := c.Waiting + c.Running; {
	case open > 0 && (c.Running > 0 || was == Running || open < c.Total()):
		return Running
	case open > 0:
		return Pending
	case c.Failed > 0:
		return Error
	case c.Stopped > 0:
		return Stopped
	default:
		return Success
	}
}
