package main

import (
	"os"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// A pipeline tells by the status of a plan whether something differs, and whether it went wrong.
func TestConfigStatus(t *testing.T) {
	s := apptest.Start(t, dbtest.SQLiteURL(t))
	t.Setenv("HAVEN_SERVER", s.URL)
	t.Setenv("HAVEN_USERNAME", "admin")
	t.Setenv("HAVEN_PASSWORD", apptest.AdminPassword)
	document := file(t, "version: 1\nlabels: [{name: here}]\n")
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"plan " + document, 2, "+ create labels/here"},
		{"plan --json " + document, 2, `"object": "labels/here"`},
		{"apply " + document, 0, "created labels/here"},
		{"plan " + document, 0, "Nothing differs."},
		{"plan --json " + document, 0, `"steps": []`},
		{"apply " + document, 0, "Nothing differs."},
		{"export", 0, "labels:\n  - name: here\n"},
		{"plan --prune " + file(t, "version: 1\nlabels: []\n"), 2, "- delete labels/here"},
		{"plan --nosuch " + document, 1, "--nosuch"},
		{"plan " + file(t, "version: 1\nlables: []\n"), 1, "near it is labels"},
		{"plan nowhere.yaml", 1, "no such file"},
		{"apply --nosuch " + document, 2, "--nosuch"},
	} {
		if status, said := haven(t, append([]string{"config"}, strings.Fields(c.args)...)...); status != c.status || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d, %s", c.args, status, said)
		}
	}
	if err := os.Unsetenv("HAVEN_PASSWORD"); err != nil {
		t.Fatal(err)
	}
	if status, said := haven(t, "config", "plan", document); status != 1 || !strings.Contains(said, "HAVEN_PASSWORD") {
		t.Errorf("without a password: %d, %s", status, said)
	}
}
