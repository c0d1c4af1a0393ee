package confined

import "time"

// Limits of one child.
const (
	// memory bounds what a child may allocate. The heap is collected more eagerly near the softer limit.
	memory     = 512 << 20
	softMemory = 384 << 20
	// cpu is in seconds of one core. The largest layers that people push take two minutes.
	cpu = 900
	// fileSize bounds what is written down of a layer, twice: large files of it, and a database of RPM's.
	fileSize = 2 << 30
	files    = 64

	helloTime  = 30 * time.Second
	dyingTime  = 5 * time.Second  // from the end of what a child says to its own end
	layerTime  = 30 * time.Minute // however slow the store is
	batchTime  = 2 * time.Minute  // from a batch of subjects to its first verdict, and from verdict to verdict
	answerTime = 10 * time.Minute // of all else

	// batch is how many subjects go to a child at once.
	batch = 256
	// said is how much of what a child writes to stderr is kept.
	said = 4 << 10
)
