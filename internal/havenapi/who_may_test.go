package havenapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
)

// Callers, a letter each: system Administrator; in the project "perm": Project administrator, Maintainer,
// Developer, Guest, Limited guest, Robot (pull and push); Stranger; Foreign, who administers another
// project; Nobody.
const everybody = "APMDGLRSFN"

const signedInCallers = "APMDGLRSF"

const members = "APMDGL"

const usersInPerson = "APMDGLSF"

// may is a row of the table of who may do what: the letters of those whom the operation answers.
type may struct {
	operation string
	who       string
	query     string            // of the request
	body      string            // of the request, one that fails after the caller was let in
	path      map[string]string // values of the path, where they aren't those of pathValues
	hidden    bool              // 404 instead of 403: the object isn't there for who may not see it
}

// whoMay is written by hand: a new operation needs a row here.
func whoMay() []may {
	return []may{
		{operation: "SearchEverywhere", who: everybody, query: "q=perm"},
		{operation: "TakeProfile", who: "A"},
		{operation: "ListTrends", who: "A"},
		{operation: "GetAuditForwarding", who: "A"},
		{operation: "ListJobExecutions", who: "A"},
		{operation: "GetJobExecution", who: "A"}, // {execution_id} and {task_id} don't exist
		{operation: "WatchJobExecution", who: "A"},
		{operation: "ListJobsUnderway", who: signedInCallers},
		{operation: "ListJobExecutionTasks", who: "A"},
		{operation: "StopJobExecution", who: "A"},
		{operation: "RetryJobExecution", who: "A"},
		{operation: "ListJobTasks", who: "A"},
		{operation: "GetJobTask", who: "A"},
		{operation: "StopJobTask", who: "A"},
		{operation: "RetryJobTask", who: "A"},
		{operation: "GetJobTaskLog", who: "A"},
		{operation: "GetArtifactSBOM", who: members}, // {reference} doesn't exist
		{operation: "ListArtifactChanges", who: members},
		{operation: "ListArtifactLayers", who: members},
		{operation: "ListStatements", who: members},
		{operation: "CreateStatement", who: "AP", body: `{}`},
		{operation: "DeleteStatement", who: "AP"},
		{operation: "GetVulnerabilityDatabase", who: "A"},
		{operation: "ExportVulnerabilityDatabase", who: "A"}, // without one
		{operation: "ImportVulnerabilityDatabase", who: "A", body: "no archive"},
		{operation: "RefreshVulnerabilityDatabase", who: "A"}, // without a source
		{operation: "ExplainAccess", who: signedInCallers, query: "resource=repository&action=pull&project=perm"},
		{operation: "ExplainAccess", who: signedInCallers, query: "resource=project&action=create"},
		{operation: "ExplainAccess", who: "APD", query: "resource=repository&action=pull&project=perm&user=developer"},
		{operation: "ExplainAccess", who: "APR", query: "resource=repository&action=pull&project=perm&robot=robot$perm%2Bci"},
		{operation: "ExplainAccess", who: "AP", query: "resource=repository&action=pull&project=perm&anonymous=true"},
		{operation: "ExplainAccess", who: "AFD", query: "resource=repository&action=pull&project=other&user=developer"},
		{operation: "ExplainAccess", who: "AD", query: "resource=project&action=create&user=developer"},

		{operation: "GetProjectSpace", who: members},
		{operation: "GetRepositorySpace", who: members}, // {repository_name} doesn't exist
		{operation: "ListTagHistory", who: members},     // {repository_name} doesn't exist
		{operation: "GetTagAt", who: members, query: "time=2026-11-29T12:00:00Z"},
		{operation: "GetManifestAt", who: members + "R", query: "time=2026-11-29T12:00:00Z"},
		{operation: "GetProjectGate", who: "APM"},
		{operation: "UpdateProjectGate", who: "AP", body: `{"never_scanned":"block","pending":"block","failed":"block","not_evaluated":"block"}`},
		{operation: "JudgeArtifact", who: "APMDGL"},

		{operation: "ListTrash", who: "APM"},
		{operation: "ListDeletedArtifacts", who: "APM"}, // {deletion_id} doesn't exist
		{operation: "UndoDeletion", who: "APM"},         // {deletion_id} doesn't exist
		{operation: "UndoRetentionRun", who: "APM"},
		{operation: "PurgeDeletion", who: "AP"},
		{operation: "EmptyProjectTrash", who: "AP"},
		{operation: "EmptyTrash", who: "A"},
		{operation: "ListDeletedProjects", who: "A"},
		{operation: "RestoreProject", who: "A"},

		{operation: "ListTagRules", who: "APM"},
		{operation: "GetTagRule", who: "APM"}, // {rule_id} doesn't exist
		{operation: "CreateTagRule", who: "APM", body: `{"repositories":"**","tags":"**","no_move":false,"no_delete":false}`},
		{operation: "UpdateTagRule", who: "APM", body: `{"repositories":"**","tags":"**","no_move":true,"no_delete":false}`},
		{operation: "DeleteTagRule", who: "APM"},
		{operation: "ReleaseHold", who: "A", body: `{"reason":"x"}`},

		{operation: "GetDefaultRetention", who: "A"}, // there is none
		{operation: "UpdateDefaultRetention", who: "A", body: `{"rules":[{}]}`},
		{operation: "DeleteDefaultRetention", who: "A"},
		{operation: "GetProjectRetention", who: "APMD"},
		{operation: "UpdateProjectRetention", who: "APMD", body: `{"default":"never"}`},
		{operation: "PreviewRetention", who: "APMD", body: `{"rules":[]}`},

		{operation: "GetSignaturePolicy", who: "APM"},
		{operation: "UpdateSignaturePolicy", who: "AP", body: `{"signers":[{"name":"no one"}]}`},
		{operation: "DeleteSignaturePolicy", who: "AP"},
		{operation: "ExportSignaturePolicy", who: "APM", query: "kind=ClusterPolicy"},
		{operation: "ListSignatures", who: "APMDGL"},
		{operation: "EvaluateImages", who: signedInCallers, body: `{"images":["perm/app:v1"]}`},
		{operation: "ListSigningKeys", who: signedInCallers},
		{operation: "PreviewReplication", who: "A"}, // {id} doesn't exist
		{operation: "NotifyReplication", who: "A"},
		{operation: "RotateSigningKey", who: "A", body: `{"format":"cosign"}`},
		{operation: "GetSigningPolicy", who: "APM"},
		{operation: "UpdateSigningPolicy", who: "AP", body: `{"enabled":true,"formats":[],"attest":false,"require_trust":false}`},
		{operation: "GetProxyPolicy", who: "APM"}, // perm is no cache
		{operation: "UpdateProxyPolicy", who: "AP", body: `{"freshness":"always","max_age_seconds":0,"minimum_age_seconds":0,"scan_before_serve":false,"keep_days":7}`},
		{operation: "GetProxyStatus", who: "APM"},
		{operation: "GetMirrorConfiguration", who: "APMDGL"},
		{operation: "ListMirrors", who: "A"},
		{operation: "CreateMirror", who: "A", body: `{"kind":"host","name":"mirror.example.com","project":"nosuch"}`},
		{operation: "DeleteMirror", who: "A"},
		{operation: "GetSystemSignaturePolicy", who: "A"},
		{operation: "UpdateSystemSignaturePolicy", who: "A", body: `{"signers":[{"name":"no one"}]}`},
		{operation: "DeleteSystemSignaturePolicy", who: "A"},

		{operation: "ListWebhooks", who: "A"},
		{operation: "CreateWebhook", who: "A", body: `{}`},
		{operation: "GetWebhook", who: "APM", hidden: true}, // {webhook_policy_id} is a policy of perm
		{operation: "UpdateWebhook", who: "AP", body: `{}`, hidden: true},
		{operation: "DeleteWebhook", who: "AP", hidden: true},
		{operation: "TestWebhook", who: "AP", hidden: true},
		{operation: "RedeliverWebhook", who: "AP", hidden: true},
		{operation: "ListWebhookDeliveries", who: "APM", hidden: true},
		{operation: "GetWebhookDelivery", who: "APM", hidden: true}, // {delivery_id} is one of its deliveries
		{operation: "RedeliverWebhookDelivery", who: "AP", hidden: true},
		{operation: "CancelWebhookDelivery", who: "AP", hidden: true},

		{operation: "EndPreviousSecret", who: "AP", hidden: true}, // {robot_id} is a robot of perm

		{operation: "ListTrustPolicies", who: "A"},
		{operation: "ListTrustPolicies", who: "APMDG", query: "project=perm"},
		{operation: "CreateTrustPolicy", who: "A", body: emptyPolicy("")},
		{operation: "CreateTrustPolicy", who: "AP", body: emptyPolicy("perm")},
		{operation: "CreateTrustPolicy", who: "AF", body: emptyPolicy("other")},
		{operation: "GetTrustPolicy", who: "APMDG", hidden: true}, // {policy_id} is a policy of perm
		{operation: "UpdateTrustPolicy", who: "AP", body: emptyPolicy("perm"), hidden: true},
		{operation: "DeleteTrustPolicy", who: "AP", hidden: true},
		{operation: "TryTrustPolicies", who: "A", body: `{"claims":{}}`},
		{operation: "TryTrustPolicies", who: "APMDG", body: `{"claims":{},"project":"perm"}`},
		{operation: "ExchangeWorkloadToken", who: "", body: `{"token":"x"}`}, // which is no token

		// {token_id}, {session_id} and the user 4 are the developer's. Robots have neither tokens nor sessions.
		{operation: "ListPersonalTokens", who: usersInPerson},
		{operation: "ListPersonalTokens", who: "AD", query: "user_id=4"},
		{operation: "CreatePersonalToken", who: usersInPerson,
			body: `{"name":"x","permissions":[{"kind":"project","namespace":"nosuch","access":[{"resource":"repository","action":"pull"}]}]}`},
		{operation: "GetPersonalToken", who: "AD", hidden: true},
		{operation: "DeletePersonalToken", who: "AD", hidden: true},
		{operation: "ListSessions", who: usersInPerson},
		{operation: "ListSessions", who: "AD", query: "user_id=4"},
		{operation: "EndOtherSessions", who: usersInPerson},
		{operation: "EndOtherSessions", who: "AD", query: "user_id=4"},
		{operation: "EndSession", who: "AD", hidden: true},
	}
}

// emptyPolicy is a draft that is refused when it is looked at.
func emptyPolicy(project string) string {
	return `{"project":"` + project + `","name":"NO","issuer":"","audience":"","condition":"","permissions":[]}`
}

// pathValues fill the paths of the contract.
func pathValues() map[string]string {
	return map[string]string{"id": "999999", "rule_id": "999999", "execution_id": "999999", "task_id": "999999", "project_name": "perm", "repository_name": "app", "reference": "nosuch", "tag_name": "nosuch", "statement_id": "999999", "mirror_id": "999999", "deletion_id": "999999", "project_id": "999999", "profile": "goroutine"}
}

// Each operation of the contract, asked by each kind of caller. Who may gets an answer about the object,
// whatever it is; who may not gets 401 or 403 (or a 404 as if the object weren't there), never anything else.
func TestWhoMay(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	callers := peopled(f)
	doc, err := gen.GetSpec()
	ok(t, err)
	rows := map[string][]may{}
	for _, row := range whoMay() {
		rows[row.operation] = append(rows[row.operation], row)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if len(rows[op.OperationID]) == 0 {
				t.Errorf("%s %s (%s): the table doesn't say who may", method, path, op.OperationID)
			}
			for _, row := range rows[op.OperationID] {
				for _, letter := range strings.Split(everybody, "") {
					target := targetOf(f, row, path)
					w := f.do(callers[letter], method, target, row.body)
					verdict(t, row, method+" "+target+" as "+callers[letter], letter, w.Code)
				}
			}
		}
	}
}

func peopled(f *fixture) (callers map[string]string) {
	for _, name := range []string{"padmin", "maintainer", "developer", "guest", "limited", "foreign", "stranger"} {
		f.user(name)
	}
	perm, other := f.project("perm", false), f.project("other", false)
	f.member(perm, "padmin", authz.ProjectAdmin)
	f.member(perm, "maintainer", authz.Maintainer)
	f.member(perm, "developer", authz.Developer)
	f.member(perm, "guest", authz.Guest)
	f.member(perm, "limited", authz.LimitedGuest)
	f.member(other, "foreign", authz.ProjectAdmin)
	robot := f.robot("ci", "project", in("perm", identity.Access{Resource: "repository", Action: "pull"}, identity.Access{Resource: "repository", Action: "push"}))
	return map[string]string{
		"A": "admin", "P": "padmin", "M": "maintainer", "D": "developer", "G": "guest", "L": "limited",
		"R": robot, "S": "stranger", "F": "foreign", "N": "",
	}
}

func targetOf(f *fixture, row may, path string) string {
	target := strings.NewReplacer(f.fresh(path)...).Replace(strings.TrimPrefix(path, "/api/haven/v1"))
	for name, value := range pathValues() {
		if own, given := row.path[name]; given {
			value = own
		}
		target = strings.ReplaceAll(target, "{"+name+"}", value)
	}
	if row.query != "" {
		target += "?" + row.query
	}
	return target
}

func verdict(t testing.TB, row may, what, letter string, status int) {
	t.Helper()
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden || row.hidden && status == http.StatusNotFound
	allowed := strings.Contains(row.who, letter)
	switch {
	case status >= 500 || status == http.StatusMethodNotAllowed || status == http.StatusUnprocessableEntity:
		t.Errorf("%s (%s): %d", what, row.operation, status)
	case allowed && refused:
		t.Errorf("%s (%s): refused with %d, but may", what, row.operation, status)
	case !allowed && !refused:
		t.Errorf("%s (%s): %d, but may not", what, row.operation, status)
	}
}

// Every operation of the contract says who may use it, and nothing else is in the table.
func TestEveryOperationDeclaresItsAccess(t *testing.T) {
	doc, err := gen.GetSpec()
	ok(t, err)
	table, seen := accesses(), map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if !table[op.OperationID].Declared() {
				t.Errorf("%s %s (%s) has no access class, or names no permission", method, path, op.OperationID)
			}
			seen[op.OperationID] = true
		}
	}
	for name := range table {
		if !seen[name] {
			t.Errorf("%s is in the table but not in the contract", name)
		}
	}
}
