package job

import (
	"errors"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
)

func TestNext(t *testing.T) {
	from := time.Date(2026, 2, 27, 23, 59, 59, 1, time.FixedZone("", -3600)) // the 28th, 00:59:59 in UTC
	for _, c := range []struct{ cron, want string }{
		{"0 0 * * * *", "2026-02-28T01:00:00Z"},
		{"0 0 0 * * *", "2026-03-01T00:00:00Z"},
		{"0 0 0 * * 0", "2026-03-01T00:00:00Z"},
		{"0 30 2 1 * *", "2026-03-01T02:30:00Z"},
		{"0 */15 * * * *", "2026-02-28T01:00:00Z"},
		{"0 0 0 29 2 *", "2028-02-29T00:00:00Z"},
		{"0 0 12 * * MON-FRI", "2026-03-02T12:00:00Z"},
	} {
		parsed, err := ParseCron(c.cron)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.Next(from).Format(time.RFC3339); got != c.want || parsed.String() != c.cron {
			t.Errorf("%s: next is %s, want %s", c.cron, got, c.want)
		}
	}
}

func TestParseCronRefuses(t *testing.T) {
	for _, text := range []string{"", "@daily", "* * * * *", "5 0 0 * * *", "* 0 0 * * *", "0 60 * * * *", "0 0 0 30 2 *", "TZ=UTC 0 0 0 * *", "CRON_TZ=UTC 0 0 * * *", "TZ=UTC", "0 0 0 * * 8", "0 0 0 0 0 0 0"} {
		if c, err := ParseCron(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, %v; want fault.Invalid", text, c, err)
		}
	}
}
