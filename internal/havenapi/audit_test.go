package havenapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestAuditForwarding(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		var off map[string]any
		f.must("admin", http.MethodGet, "/audit/forwarding", "", http.StatusOK, &off)
		if off["state"] != "off" || off["pending_rows"] != 0.0 || off["last_sent_time"] != nil || off["endpoint"] != nil {
			t.Errorf("without a receiver: %v", off)
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		ok(t, d.Write(t.Context(), func(tx db.Tx) error {
			for _, row := range []struct {
				statement string
				args      []any
			}{
				{`INSERT INTO setting (name, value) VALUES ('audit_log_forward_endpoint', '"logs.example.com:6514"'), ('audit_log_forward_protocol', '"tls"')`, nil},
				{`INSERT INTO audit (username, event_type, operation, resource_type, resource, result, delivery, created_at)
					VALUES ('ann', 'pull_artifact', 'pull', 'artifact', 'p/r:1', TRUE, 1, $1), ('ann', 'pull_artifact', 'pull', 'artifact', 'p/r:2', TRUE, 1, $2)`,
					[]any{db.Micros(now.Add(-time.Hour)), db.Micros(now.Add(-30 * time.Minute))}},
				{`UPDATE audit_forward SET safe_id = (SELECT MIN(id) FROM audit WHERE delivery > 0), sent = 1, last_row_at = $1, confirmed_at = $2, failure = 'connection refused', failed_at = $3`,
					[]any{db.Micros(now.Add(-time.Hour)), db.Micros(now.Add(-time.Minute)), db.Micros(now)}},
			} {
				if _, err := tx.Exec(t.Context(), row.statement, row.args...); err != nil {
					return err
				}
			}
			return nil
		}))
		var on map[string]any
		for deadline := time.Now().Add(10 * time.Second); on["endpoint"] == nil && time.Now().Before(deadline); { // settings may be read a second late
			f.must("admin", http.MethodGet, "/audit/forwarding", "", http.StatusOK, &on)
		}
		lag, _ := on["lag_seconds"].(float64)
		if on["state"] != "failing" || on["endpoint"] != "logs.example.com:6514" || on["protocol"] != "tls" || on["pending_rows"] != 1.0 || on["sent_rows"] != 1.0 ||
			lag < 1800 || lag > 3000 || on["last_error"] != "connection refused" || on["last_error_time"] != now.Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("with a receiver: %v", on)
		}
	})
}
