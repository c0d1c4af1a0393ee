package webhook

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
)

// A queue is read by an index, however many deliveries others have.
func TestPlans(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for i := range 40 {
			w.tell(fmt.Sprint("p", i), "http://127.0.0.1:9/")
		}
		for i := range 20 {
			some := make([]event.Event, 10)
			for j := range some {
				some[j] = pushed(fmt.Sprintf("app%d", j), fmt.Sprintf("%d-%d", i, j))
			}
			w.happen(some...)
		}
		if d.Dialect() == db.Postgres {
			if err := d.Write(w.ctx, func(tx db.Tx) error {
				_, err := tx.Exec(w.ctx, "ANALYZE webhook_delivery, webhook_target")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		due, _ := dueOf(deliveryFields, 1, nil, pageSize)
		without, _ := dueOf(deliveryFields, 1, []string{"a", "b"}, pageSize)
		for name, query := range map[string]string{
			"due": due, "due but for the held": without, "held": heldSubjects, "next": nextDue, "expire": expire, "old": oldOnes, "by id": note,
			"list": deliveries().Query("policy_id = $1", nil) + " LIMIT 10", "targets": anyDue, "sent again": againMany, "too many": tooMany, "a target's": removeSome, "lengths of queues": queueLengths,
		} {
			p := dbtest.PlanOf(t, d, query, false)
			// These are a few rows of a queue, found by an index.
			if p.Scans = slices.DeleteFunc(p.Scans, func(table string) bool { return slices.Contains([]string{"first", "waiting", "ended"}, table) }); len(p.Scans) > 0 {
				t.Errorf("%s:\n%s", name, p.Text)
			}
			if name == "held" && !strings.Contains(p.Text, "webhook_delivery_held") {
				t.Errorf("what is held up is looked for in all that waits:\n%s", p.Text)
			}
		}
	})
}
