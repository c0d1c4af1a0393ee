package backup

// Progress shows somebody how far it is. Stages come one after the other.
type Progress interface {
	// Stage begins a stage. total is what Add will sum up to as far as one can tell, 0 where one can't; bytes
	// says that it counts these, and not things.
	Stage(name string, total int64, bytes bool)
	// Add tells that n more are done. It may be called concurrently.
	Add(n int64)
	// Done ends the last stage.
	Done()
}
