package db_test

import (
	"context"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// The table of members is made anew: who was a member stays one by the same id, and an id that was given
// away before doesn't come again.
func TestMembersKeepTheirIDs(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL, "postgres": dbtest.PostgresURL} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			d, err := db.Open(ctx, url(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			to := func(version int64) {
				t.Helper()
				if err := d.MigrateTo(ctx, version); err != nil {
					t.Fatal(err)
				}
			}
			to(5)
			exec(t, d, `INSERT INTO account (username, email, created_at, updated_at) VALUES ('a', 'a', 1, 1), ('b', 'b', 1, 1), ('c', 'c', 1, 1)`)
			exec(t, d, `INSERT INTO project (name, owner_id, created_at, updated_at) SELECT 'p', id, 1, 1 FROM account WHERE username = 'a'`)
			join := `INSERT INTO project_member (project_id, account_id, role_id, created_at, updated_at)
				SELECT p.id, a.id, 1, 1, 1 FROM project p, account a WHERE a.username = '`
			exec(t, d, join+`a'`)
			exec(t, d, join+`b'`)
			exec(t, d, join+`c'`)
			exec(t, d, `DELETE FROM project_member WHERE account_id = (SELECT id FROM account WHERE username = 'c')`)
			before := ids(t, d, `SELECT id FROM project_member ORDER BY id`)
			used := before[len(before)-1] + 1
			for _, version := range []int64{6, 5, 6} {
				to(version)
				if got := ids(t, d, `SELECT id FROM project_member ORDER BY id`); !slices.Equal(got, before) {
					t.Fatalf("version %d: members %v, want %v", version, got, before)
				}
			}
			exec(t, d, join+`c'`)
			if got := ids(t, d, `SELECT MAX(id) FROM project_member`)[0]; got <= used {
				t.Errorf("the id %d came again, after %d", got, used)
			}
			exec(t, d, `INSERT INTO user_group (name, type, key, created_at, updated_at) VALUES ('g', 3, 'g', 1, 1)`)
			exec(t, d, `INSERT INTO project_member (project_id, group_id, role_id, created_at, updated_at) SELECT p.id, g.id, 1, 1, 1 FROM project p, user_group g`)
			to(5)
			if got := ids(t, d, `SELECT id FROM project_member`); len(got) != 3 {
				t.Errorf("%d members without groups", len(got))
			}
		})
	}
}

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	err := d.Write(context.Background(), func(tx db.Tx) error {
		_, err := tx.Exec(context.Background(), query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, d *db.DB, query string) []int64 {
	t.Helper()
	all, err := db.Collect(context.Background(), d.Auto(), db.ScanInt, query)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
