package audit

import "github.com/havenregistry/haven/internal/db"

const (
	oneSchedule = `SELECT id, type, cron, parameters, due_at, created_at, updated_at FROM audit_purge_schedule WHERE id = 1`
	putSchedule = `INSERT INTO audit_purge_schedule (id, type, cron, parameters, due_at, created_at, updated_at) VALUES (1, $1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET type = excluded.type, cron = excluded.cron, parameters = excluded.parameters, due_at = excluded.due_at, updated_at = excluded.updated_at`
	dropSchedule = `DELETE FROM audit_purge_schedule WHERE id = 1`
	moveSchedule = `UPDATE audit_purge_schedule SET due_at = $1 WHERE id = 1 AND due_at = $2`
)

func scanSchedule(r db.Row) (s Schedule, err error) {
	err = r.Scan(&s.ID, &s.Type, &s.Cron, &s.Parameters, db.ScanTime(&s.Next), db.ScanTime(&s.CreatedAt), db.ScanTime(&s.UpdatedAt))
	return s, err
}

const (
	executionFields = `x.id, x.trigger_type, x.status, x.parameters, x.purged, x.created_at, x.updated_at`
	oneExecution    = `SELECT ` + executionFields + ` FROM audit_purge x WHERE x.id = $1`
	executionLog    = `SELECT log FROM audit_purge WHERE id = $1`
	insertExecution = `INSERT INTO audit_purge (trigger_type, status, parameters, created_at, updated_at) VALUES ($1, $2, $3, $4, $5) RETURNING id`
	dropExecutions  = `DELETE FROM audit_purge WHERE status NOT IN ('Pending', 'Running')
		AND id <= COALESCE((SELECT y.id FROM audit_purge y ORDER BY y.id DESC LIMIT 1 OFFSET $1), 0)`
	endExecution = `UPDATE audit_purge SET status = $1, log = log || $2, lease_until = 0, updated_at = $3 WHERE id = $4 AND status IN ('Pending', 'Running')`

	anyOpen   = `SELECT EXISTS (SELECT 1 FROM audit_purge WHERE status IN ('Pending', 'Running'))`
	beingDone = `SELECT EXISTS (SELECT 1 FROM audit_purge WHERE status IN ('Pending', 'Running') AND lease_until >= $1)`
	nextOpen  = `SELECT ` + executionFields + ` FROM audit_purge x WHERE x.status IN ('Pending', 'Running') ORDER BY x.id LIMIT 1`
	takeUp    = `UPDATE audit_purge SET status = 'Running', holder = $1, lease_until = $2, log = log || $3, updated_at = $4 WHERE id = $5`
	advance   = `UPDATE audit_purge SET purged = purged + $1, lease_until = $2, updated_at = $3 WHERE id = $4 AND holder = $5 AND status = 'Running'`
	conclude  = `UPDATE audit_purge SET status = $1, log = log || $2, lease_until = 0, updated_at = $3 WHERE id = $4 AND holder = $5 AND status = 'Running'`
	giveBack  = `UPDATE audit_purge SET lease_until = 0 WHERE id = $1 AND holder = $2 AND status = 'Running'`

	// The pair is compared as one value, which the index on both serves.
	oldRows = `SELECT id, created_at, event_type, operation, delivery FROM audit WHERE created_at < $1 AND (created_at, id) > ($2, $3)
		ORDER BY created_at, id LIMIT $4`
)

func executions() db.Listing {
	return db.Listing{
		Fields: executionFields,
		From:   "audit_purge x",
		Columns: map[string]db.Column{
			"id":            {Expr: "x.id", Kind: db.Int},
			"status":        {Expr: "x.status"},
			"job_status":    {Expr: "x.status"},
			"trigger":       {Expr: "x.trigger_type"},
			"job_kind":      {Expr: "x.trigger_type"},
			"creation_time": {Expr: "x.created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "x.updated_at", Kind: db.Timestamp},
		},
		Default: "x.id DESC",
		Tie:     "x.id DESC",
	}
}

func scanExecution(r db.Row) (e Execution, err error) {
	err = r.Scan(&e.ID, &e.Trigger, &e.Status, &e.Parameters, &e.Purged, db.ScanTime(&e.CreatedAt), db.ScanTime(&e.UpdatedAt))
	return e, err
}

// oldRow is what a purge looks at of a row.
type oldRow struct {
	id, at          int64
	kind, operation string
	delivery        delivery
}

func scanOldRow(r db.Row) (v oldRow, err error) {
	err = r.Scan(&v.id, &v.at, &v.kind, &v.operation, &v.delivery)
	return v, err
}
