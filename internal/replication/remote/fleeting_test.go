package remote

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Who waits for what another has made, gives up when his own time is over.
func TestFleetingIsWaitedForAsLongAsSomebodyLikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := make(chan struct{})
		f := newFleeting(time.Now, func(context.Context) (string, time.Time, error) {
			<-made
			return "x", time.Now().Add(time.Hour), nil
		})
		first := make(chan string)
		go func() {
			value, _ := f.get(t.Context(), false)
			first <- value
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.get(ctx, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(made)
		if value := <-first; value != "x" {
			t.Errorf("got %q", value)
		}
	})
}
