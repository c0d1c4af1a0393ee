package record

import (
	"fmt"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What each batch asks about places, and what looks for them, is found by an index.
func TestPlans(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		err := d.Write(ctx, func(tx db.Tx) error {
			var packed []place
			var outdated []string
			for i := range 2000 {
				packed = append(packed, place{fmt.Sprintf("manifests/p/a%04d/_m/sha256/00", i), fmt.Sprintf("record-segments/a/%d/1", i)})
				outdated = append(outdated, fmt.Sprintf("record-segments/b/%d/1", i))
			}
			if err := put(ctx, tx, packed); err != nil {
				return err
			}
			if err := throwAway(ctx, tx, outdated); err != nil || d.Dialect() != db.Postgres {
				return err
			}
			_, err := tx.Exec(ctx, "ANALYZE record_place, record_discarded")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		const in = "($1, $2, $3)"
		for name, query := range map[string]string{
			"place": placeOf, "places": placesOf + in, "page": placed, "drop": dropPlaces + in, "discard": discardPlaces + in + onceOnly, "forget": forgetDiscarded + in,
			"discarded": isDiscarded,
		} {
			if p := dbtest.PlanOf(t, d, query, false); len(p.Scans) > 0 {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}
