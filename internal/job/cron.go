package job

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/havenregistry/haven/internal/fault"
)

// maxCron bounds the text of a schedule, in bytes.
const maxCron = 256

// Cron is a schedule in the six fields of cron, the seconds first, in UTC.
type Cron struct {
	text     string
	schedule cron.Schedule
}

// ParseCron reads a schedule as Harbor's clients write it. The seconds must be 0, and words such as @daily are
// none. The refusal is a fault.Invalid.
func ParseCron(text string) (Cron, error) {
	fields := strings.Fields(text)
	// The parser knows time zones before the fields, and panics on some.
	if len(text) > maxCron || len(fields) != 6 || strings.Contains(text, "=") {
		return Cron{}, fault.Invalidf("the cron setting must have six fields: seconds, minutes, hours, day of the month, month, day of the week")
	}
	if fields[0] != "0" {
		return Cron{}, fault.Invalidf("the 1st field (indicating Seconds of time) of the cron setting must be 0")
	}
	s, err := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
	if err != nil {
		return Cron{}, fault.Invalidf("the cron setting is not valid: %v", err)
	}
	c := Cron{text, s}
	if c.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Cron{}, fault.Invalidf("the cron setting names a time that never comes")
	}
	return c, nil
}

// String is the schedule as it was written.
func (c Cron) String() string { return c.text }

// Next is the first time after t that the schedule names, in UTC.
func (c Cron) Next(t time.Time) time.Time { return c.schedule.Next(t.UTC()) }
