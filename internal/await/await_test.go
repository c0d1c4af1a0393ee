package await_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/await"
)

// told is a test whose failure is looked at.
type told struct {
	testing.TB
	failed string
}

// Fatal notes the words and ends the goroutine's test, as the real one does.
func (t *told) Fatal(args ...any) {
	t.failed, _ = args[0].(string)
	panic(t)
}

func (t *told) Helper() {}

func TestUntil(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		most  time.Duration // from then to the end of the wait
		fails bool
	}{
		"at once": {0, 0, false},
		"soon":    {time.Second, 50 * time.Millisecond, false},
		"late":    {119 * time.Second, 50 * time.Millisecond, false},
		"never":   {time.Hour, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := &told{TB: t}
			func() {
				defer func() {
					if r := recover(); r != nil && r != any(w) {
						panic(r)
					}
				}()
				await.Until(w, "it is time", func() bool { return time.Since(start) >= c.after }, func() string { return "it isn't" })
			}()
			took := time.Since(start)
			if c.fails != strings.Contains(w.failed, "in vain waited until it is time: it isn't") || !c.fails && (took < c.after || took > c.after+c.most) || took > 2*time.Minute {
				t.Errorf("%s: waited %v, %q", name, took, w.failed)
			}
		})
	}
}
