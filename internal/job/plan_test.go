package job

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// With a hundred thousand tasks each statement of the hot path finds its rows by an index.
func TestPlans(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		list := tasks()
		for name, c := range map[string]struct {
			query string
			walks int // the first rows of an index, or a small one
		}{
			"look":            {look, 5},
			"candidates":      {candidates, 1},
			"turn":            {turnOf, 0},
			"claim":           {claim + `$4, $5)`, 0},
			"runs already":    {runsAlready, 1},
			"due tasks":       {dueTasks, 0},
			"overdue":         {overdue, 0},
			"left":            {left, 1},
			"give back":       {giveBack, 0},
			"renew":           {renew + `$3, $4)`, 1}, // the index of what runs is small
			"hold":            {hold, 1},
			"end":             {end, 1},
			"count tasks":     {countTasks, 0},
			"open":            {anyOpen, 0},
			"open ones":       {openOf, 0},
			"running ones":    {runningOf, 1},
			"open tasks":      {openTasks, 0},
			"failed tasks":    {failedTasks, 0},
			"queued":          {queued, 0},
			"to be stopped":   {toBeStopped, 1},
			"log":             {logAfter, 0},
			"end of a log":    {endOfLog, 0},
			"sweep":           {byVendor, 0},
			"delete tasks":    {dropTasks, 0},
			"delete":          {dropExecution, 0},
			"of a kind":       {executions().Query("kind = $1", nil) + " LIMIT 15", 1}, // PostgreSQL may read the last ones, of a common kind
			"of a vendor":     {executions().Query("kind = $1 AND vendor_id = $2", nil) + " LIMIT 15", 0},
			"all executions":  {executions().Query("1 = 1", nil) + " LIMIT 15", 1},
			"of one":          {list.Query("execution_id = $1", nil) + " LIMIT 15", 0},
			"underway":        {underway, 1},
			"underway of one": {underwayFrom, 0},
			"watched tasks":   {watchedTasks, 0},
			"all tasks":       {list.Query("1 = 1", nil) + " LIMIT 15", 1},
		} {
			p := dbtest.PlanOf(t, d, c.query, false)
			// SQLite reads a table's own tree as an index of its ids, and says so in no word of its own.
			whole := len(p.Scans) > 0 && (d.Dialect() == db.Postgres || c.walks == 0)
			if whole || len(p.Walks) > c.walks || p.Sorts {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}

// fill writes executions of one task each, most of which have ended.
func fill(t *testing.T, d *db.DB) {
	t.Helper()
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) `
	statements := []string{
		`INSERT INTO job_execution (id, kind, vendor_id, trigger_type, started_by, status, created_at, updated_at)
			` + numbers + `SELECT i, 'KIND' || (i % 7), i % 5000, 'EVENT', 'user' || (i % 500), CASE WHEN i % 10 = 0 THEN 'Pending' ELSE 'Success' END, i, i FROM n`,
		`INSERT INTO job_task (id, execution_id, kind, status, payload, group_id, turn, queued_at, created_at, updated_at)
			SELECT id, id, kind, status, '{}', vendor_id % 100, id, id, id, id FROM job_execution`,
		`INSERT INTO job_log (task_id, start_at, size, body) SELECT id, 0, 1, 'x' FROM job_task`,
	}
	if d.Dialect() == db.Postgres {
		statements = append(statements, "ANALYZE job_execution, job_task, job_log")
	}
	err := d.Write(t.Context(), func(tx db.Tx) error {
		for _, s := range statements {
			if d.Dialect() == db.SQLite && strings.Contains(s, "WITH") { // where SQLite has it before INSERT's columns
				s = strings.Replace(s, numbers, "", 1)
				s = numbers + s
			}
			if _, err := tx.Exec(t.Context(), s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStatusFollowsFromCounts(t *testing.T) {
	for _, c := range []struct {
		counts Counts
		was    Status
		want   Status
	}{
		{Counts{}, Pending, Success},
		{Counts{Waiting: 2}, Pending, Pending},
		{Counts{Waiting: 2}, Running, Running}, // it has come back
		{Counts{Waiting: 2}, Error, Pending},   // it is tried again
		{Counts{Waiting: 1, Running: 1}, Pending, Running},
		{Counts{Waiting: 1, Succeeded: 1}, Pending, Running},
		{Counts{Succeeded: 3, Stopped: 1}, Running, Stopped},
		{Counts{Succeeded: 3, Stopped: 1, Failed: 1}, Running, Error},
		{Counts{Succeeded: 3}, Running, Success},
	} {
		if got := c.counts.status(c.was); got != c.want {
			t.Errorf("%+v after %s: %s, want %s", c.counts, c.was, got, c.want)
		}
	}
}

func TestTextsHoldNothingForTerminals(t *testing.T) {
	for text, want := range map[string]string{
		"plain\n\ttext": "plain\n\ttext", "a\x00b\r\n": "ab\n", "\x1b[2Jgone\u009b1m": "[2Jgone1m", "\xffé": "\uFFFDé", "äöüßäöüß": "äöüßäöüß", "äöüßäöüßä": "äöüßäö…",
	} {
		if got := bounded(text, 16); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestBackoff(t *testing.T) {
	w := Work{Backoff: time.Minute}.complete()
	var all []string
	for _, failures := range []int{1, 2, 3, 6, 7, 8, 100} {
		all = append(all, strconv.Itoa(int(w.pause(failures).Minutes())))
	}
	if got := strings.Join(all, " "); got != "1 2 4 32 60 60 60" {
		t.Errorf("the pauses are %s minutes", got)
	}
}
