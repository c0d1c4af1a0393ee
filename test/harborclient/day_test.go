//go:build acceptance

package harborclient

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/haventest"
)

// notOfTheDay says of operations of the contract why the day's work doesn't call them with success.
func notOfTheDay() map[string]string {
	return map[string]string{
		"GetAPIVersion":              "the client has no such operation",
		"GetInternalconfig":          "refused to everybody, as the day finds",
		"GetCert":                    "there is no certificate here",
		"SetCliSecret":               "accounts of an OpenID provider only, as the day finds",
		"SearchLdapUser":             "needs a directory",
		"ImportLdapUser":             "needs a directory",
		"SearchLdapGroup":            "needs a directory",
		"PingLdap":                   "needs a directory",
		"GetVulnerabilitiesAddition": "the client expects a text where Harbor and we answer JSON, and reads neither: test/scanning",
		"PingOIDC":                   "needs a provider",
		"CreateRobotV1":              "the client has no such operation",
		"ListRobotV1":                "the client has no such operation",
		"GetRobotByIDV1":             "the client has no such operation",
		"UpdateRobotV1":              "the client has no such operation",
		"DeleteRobotV1":              "the client has no such operation",
	}
}

// Harbor's Go client does a day's work, and it calls with success every operation that the registry has.
func TestDaysWork(t *testing.T) {
	database := t.TempDir()
	if err := scantest.WriteDatabase(database, 1); err != nil {
		t.Fatal(err)
	}
	s := haventest.Start(t, haventest.Options{Env: []string{"HAVEN_VULNDB_SOURCE=file://" + database, "HAVEN_WEBHOOK_NETWORKS=127.0.0.0/8"}})
	noted := filepath.Join(t.TempDir(), "calls")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./...")
	cmd.Dir = filepath.Join(haventest.Root(t), "test", "harborclient", "day")
	cmd.Env = append(os.Environ(), "HAVEN_URL="+s.URL, "HAVEN_PASSWORD="+haventest.AdminPassword, "HAVEN_CALLS="+noted, "GOFLAGS=-mod=readonly")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the day's work: %v\n%s", err, out)
	}
	calls, err := os.ReadFile(noted)
	if err != nil {
		t.Fatal(err)
	}
	called := operations(t, string(calls))
	doc, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			_, excused := notOfTheDay()[op.OperationID]
			switch {
			case excused && called[op.OperationID]:
				t.Errorf("%s was called: take it off the list", op.OperationID)
			case !excused && !called[op.OperationID]:
				t.Errorf("%s (%s %s) wasn't called with success", op.OperationID, method, path)
			}
		}
	}
}

// operations are the operations of the contract that were answered with success.
func operations(t *testing.T, calls string) map[string]bool {
	t.Helper()
	doc, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for line := range strings.Lines(calls) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2][0] != '2' {
			continue
		}
		for path, item := range doc.Paths.Map() {
			op := item.GetOperation(f[0])
			// /users/current is also a /users/{user_id}; what is spelled out wins.
			if op != nil && matches(path, f[1]) && (!strings.HasSuffix(path, "}") || doc.Paths.Find(f[1]) == nil) {
				called[op.OperationID] = true
			}
		}
	}
	return called
}

// matches reports whether an escaped path is one of the template's.
func matches(template, path string) bool {
	want, got := strings.Split(strings.TrimRight(template, "/"), "/"), strings.Split(strings.TrimRight(path, "/"), "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
