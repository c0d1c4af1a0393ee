package webhook

import (
	"net/http"
	"time"
)

// verdict is what an attempt came to.
type verdict int

const (
	delivered   verdict = iota
	refused             // the answer speaks of the request itself: the same will be refused again
	failed              // an answer that isn't a success, or none in time
	unreachable         // nobody answers: it is nothing about this delivery
)

// attempt is one request and what came of it.
type attempt struct {
	verdict    verdict
	at         time.Time
	took       time.Duration
	status     int           // of the answer, 0 without one
	body       string        // of the answer, its beginning
	complaint  string        // for people, "" for a success
	retryAfter time.Duration // what the answer asks for
}

// verdictOf tells what a status of HTTP says.
func verdictOf(status int) verdict {
	switch {
	case status >= 200 && status < 300:
		return delivered
	case status == http.StatusBadRequest, status == http.StatusMethodNotAllowed, status == http.StatusNotAcceptable, status == http.StatusLengthRequired,
		status == http.StatusRequestEntityTooLarge, status == http.StatusRequestURITooLong, status == http.StatusUnsupportedMediaType,
		status == http.StatusUnprocessableEntity, status == http.StatusRequestHeaderFieldsTooLarge:
		return refused
	}
	return failed
}

const (
	// maxAttempts is how often a delivery is tried at a target that takes others.
	maxAttempts = 8
	firstPause  = 5 * time.Second
	lastPause   = 10 * time.Minute

	// strikes is after how many failures in a row a target has a pause of its own, and one delivery at a time.
	strikes         = 3
	firstBreak      = time.Second
	lastBreak       = 5 * time.Minute
	maxRetryAfter   = time.Hour
	giveUpAfter     = 24 * time.Hour
	givenUpForAge   = "given up: nothing got through for a day"
	givenUpForTries = "given up after %d attempts: %s"
)

// pauseAfter is how long a delivery waits after so many attempts.
func pauseAfter(attempts int64) time.Duration {
	pause := firstPause
	for range min(attempts, 20) - 1 {
		if pause *= 3; pause > lastPause {
			return lastPause
		}
	}
	return pause
}

// breakAfter is how long a target is left alone after so many failures in a row.
func breakAfter(failures int64) time.Duration {
	return min(firstBreak<<min(max(failures, 1)-1, 20), lastBreak)
}
