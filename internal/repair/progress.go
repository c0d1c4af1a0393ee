package repair

// Progress shows somebody how far a repair is. Stages come one after the other.
type Progress interface {
	// Stage begins a stage. total is what Add will sum up to as far as one can tell, 0 where one can't; bytes
	// says that it counts these, and not things.
	Stage(name string, total int64, bytes bool)
	// Add tells that n more are done. It may be called concurrently.
	Add(n int64)
	// Done ends the last stage.
	Done()
}

// Silent shows nothing.
type Silent struct{}

// Stage implements Progress.
func (Silent) Stage(string, int64, bool) {}

// Add implements Progress.
func (Silent) Add(int64) {}

// Done implements Progress.
func (Silent) Done() {}
