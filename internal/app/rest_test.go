package app

import "testing"

func TestMemoryLiesIdle(t *testing.T) {
	given, last := heap{resident: 12 << 20, cycles: 10}, heap{resident: 13 << 20, cycles: 20}
	for name, c := range map[string]struct {
		now  heap
		idle bool
	}{
		"as it was":                 {given, false},
		"a little more":             {heap{19 << 20, 20}, false},
		"garbage of one request":    {heap{45 << 20, 21}, true},
		"after a busy time":         {heap{80 << 20, 20}, true},
		"as much, and it is in use": {heap{80 << 20, 23}, false},
	} {
		if got := c.now.idle(last, given); got != c.idle {
			t.Errorf("%s: idle is %v", name, got)
		}
	}
}
