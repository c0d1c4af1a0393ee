package db

import "time"

// Micros is how a time is stored: microseconds since 1970 UTC, and 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// ScanTime returns a destination for Row.Scan that fills t.
func ScanTime(t *time.Time) any { return &timeColumn{t} }

type timeColumn struct{ t *time.Time }

// Scan implements sql.Scanner.
func (c *timeColumn) Scan(src any) error {
	us, _ := src.(int64) // NULL is the zero time
	*c.t = Time(us)
	return nil
}
