package harborapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/harborapi/gen"
)

// Callers, a letter each: system Administrator; in the project "perm": Project administrator, Maintainer,
// Developer, Guest, Limited guest, Robot (pull and push); Stranger; Foreign, who administers another
// project; Nobody.
const everybody = "APMDGLRSFN"

// may is a row of the table of who may do what: the letters of who may in the private project "perm", and
// in the public project "pub", in which nobody of them has a role. Outside of projects only private counts.
type may struct {
	operation       string
	private, public string
	query, body     string
	hidden          bool // 404 instead of 403: the object isn't there for who may not see it
}

const (
	signedInCallers = "APMDGLRSF"
	members         = "APMDGL"
)

// whoMay is written by hand, from the table of roles: a new operation needs a row here.
func whoMay() []may {
	return []may{
		{operation: "GetAPIVersion", private: everybody},
		{operation: "GetPing", private: everybody},
		{operation: "GetHealth", private: everybody},
		{operation: "GetSystemInfo", private: everybody},
		{operation: "GetCert", private: everybody},
		{operation: "GetIcon", private: everybody},
		{operation: "Search", private: everybody, query: "q=a"},
		{operation: "GetInternalconfig", private: ""},
		{operation: "GetStatistic", private: signedInCallers},
		{operation: "GetVolumes", private: "A"},
		{operation: "GetPermissions", private: "APF"},
		{operation: "GetConfigurations", private: "A"},
		{operation: "UpdateConfigurations", private: "A", body: `{}`},
		{operation: "PingOIDC", private: "A", body: `{"url":"http://127.0.0.1:1","verify_cert":true}`},
		{operation: "GetSystemCVEAllowlist", private: signedInCallers},
		{operation: "PutSystemCVEAllowlist", private: "A", body: `{"items":[]}`},
		{operation: "ListProviders", private: "A"},
		{operation: "PingInstances", private: "A", body: `{"vendor":"dragonfly","endpoint":"none"}`},
		{operation: "ListInstances", private: "A"},
		{operation: "CreateInstance", private: "A", body: `{"name":"-"}`},
		{operation: "GetInstance", private: "A"}, // {preheat_instance_name} doesn't exist
		{operation: "UpdateInstance", private: "A", body: `{}`},
		{operation: "DeleteInstance", private: "A"},
		{operation: "ListPolicies", private: "AP", public: "A"},
		{operation: "CreatePolicy", private: "AP", public: "A", body: `{"name":"-"}`},
		{operation: "GetPolicy", private: "AP", public: "A"}, // {preheat_policy_name} doesn't exist
		{operation: "UpdatePolicy", private: "AP", public: "A", body: `{}`},
		{operation: "DeletePolicy", private: "AP", public: "A"},
		{operation: "ManualPreheat", private: "AP", public: "A", body: `{}`},
		{operation: "ListExecutions", private: "AP", public: "A"},
		{operation: "GetExecution", private: "AP", public: "A"},
		{operation: "StopExecution", private: "AP", public: "A", body: `{"status":"Stopped"}`},
		{operation: "ListTasks", private: "AP", public: "A"},
		{operation: "GetPreheatLog", private: "AP", public: "A"},
		{operation: "ListProvidersUnderProject", private: "AP", public: "A"},
		{operation: "GetGCHistory", private: "A"},
		{operation: "GetGC", private: "A"}, // {gc_id} doesn't exist
		{operation: "GetGCLog", private: "A"},
		{operation: "StopGC", private: "A"},
		{operation: "GetGCSchedule", private: "A"},
		{operation: "CreateGCSchedule", private: "A", body: `{}`},
		{operation: "UpdateGCSchedule", private: "A", body: `{}`},
		{operation: "GetPurgeHistory", private: "A"},
		{operation: "GetPurgeJob", private: "A"}, // {purge_id} doesn't exist
		{operation: "GetPurgeJobLog", private: "A"},
		{operation: "StopPurge", private: "A"},
		{operation: "GetPurgeSchedule", private: "A"},
		{operation: "CreatePurgeSchedule", private: "A", body: `{}`},
		{operation: "UpdatePurgeSchedule", private: "A", body: `{}`},
		{operation: "GetWorkerPools", private: "A"},
		{operation: "GetWorkers", private: "A"},
		{operation: "ListJobQueues", private: "A"},
		{operation: "ActionGetJobLog", private: "A"}, // {job_id} doesn't exist
		{operation: "StopRunningJob", private: "A"},
		{operation: "ActionPendingJobs", private: "A", body: `{"action":"resume"}`},
		{operation: "ListSchedules", private: "A"},
		{operation: "GetSchedulePaused", private: signedInCallers},

		{operation: "PingLdap", private: "A", body: `{"ldap_url":"ldap://127.0.0.1:1","ldap_base_dn":"dc=x"}`},
		{operation: "SearchLdapUser", private: "A"}, // 400: no directory is configured
		{operation: "ImportLdapUser", private: "A", body: `{"ldap_uid_list":["a"]}`},
		{operation: "SearchLdapGroup", private: "A"},

		{operation: "ListUsers", private: "A"},
		{operation: "CreateUser", private: "A", body: `{}`},
		{operation: "GetCurrentUserInfo", private: signedInCallers},
		{operation: "GetCurrentUserPermissions", private: signedInCallers},
		{operation: "SearchUsers", private: signedInCallers, query: "username=a"},
		{operation: "GetUser", private: "AS"}, // {user_id} is the stranger
		{operation: "UpdateUserProfile", private: "AS", body: `{"email":"stranger@example.com","realname":"s"}`},
		{operation: "UpdateUserPassword", private: "A", body: `{"new_password":"short"}`}, // see TestOwnPassword
		{operation: "SetUserSysAdmin", private: "A", body: `{"sysadmin_flag":false}`},
		{operation: "SetCliSecret", private: "AS", body: `{}`}, // 412: sign-in by OpenID Connect is off
		{operation: "DeleteUser", private: "A"},                // {user_id} doesn't exist

		{operation: "ListUserGroups", private: "A"},
		{operation: "CreateUserGroup", private: "A", body: `{}`},
		{operation: "SearchUserGroups", private: signedInCallers, query: "groupname=a"},
		{operation: "GetUserGroup", private: "A"}, // {group_id} doesn't exist
		{operation: "UpdateUserGroup", private: "A", body: `{"group_name":"g"}`},
		{operation: "DeleteUserGroup", private: "A"},

		{operation: "ListProjects", private: everybody},
		{operation: "HeadProject", private: signedInCallers, query: "project_name=perm"},
		{operation: "CreateProject", private: "APMDGLSF", body: `{"project_name":"Bad Name"}`},
		{operation: "GetProject", private: members, public: everybody},
		{operation: "UpdateProject", private: "AP", public: "A", body: `{}`},
		{operation: "DeleteProject", private: "AP", public: "A"}, // 412: there are repositories
		{operation: "GetProjectDeletable", private: "AP", public: "A"},
		{operation: "GetProjectSummary", private: members, public: everybody},
		{operation: "ListProjectMetadatas", private: "APM", public: "A"},
		{operation: "AddProjectMetadatas", private: "AP", public: "A", body: `{}`},
		{operation: "GetProjectMetadata", private: "APM", public: "A"},
		{operation: "UpdateProjectMetadata", private: "AP", public: "A", body: `{}`},
		{operation: "DeleteProjectMetadata", private: "AP", public: "A"},

		{operation: "ListProjectMembers", private: "APMDG", public: "A"},
		{operation: "CreateProjectMember", private: "AP", public: "A", body: `{}`},
		{operation: "GetProjectMember", private: "APMDG", public: "A"},
		{operation: "UpdateProjectMember", private: "AP", public: "A", body: `{"role_id":3}`},
		{operation: "DeleteProjectMember", private: "AP", public: "A"},

		{operation: "ListAllRepositories", private: everybody},
		{operation: "ListRepositories", private: members, public: everybody},
		{operation: "GetRepository", private: members, public: "A"},
		{operation: "UpdateRepository", private: "APMD", public: "A", body: `{}`},
		{operation: "DeleteRepository", private: "APM", public: "A"},

		{operation: "ListArtifactsOfProject", private: members, public: signedInCallers},
		{operation: "ListArtifacts", private: members, public: everybody},
		{operation: "GetArtifact", private: members, public: everybody},
		{operation: "CopyArtifact", private: "APMD", public: "A", query: "from=pub/app:v1"},
		{operation: "DeleteArtifact", private: "APM", public: "A"},
		{operation: "ListTags", private: members, public: everybody},
		{operation: "CreateTag", private: "APMD", public: "A", body: `{"name":"t"}`},
		{operation: "DeleteTag", private: "APM", public: "A"},
		{operation: "ListAccessories", private: members, public: everybody},
		{operation: "GetAddition", private: members, public: everybody},

		{operation: "ListImmuRules", private: "APM", public: "A"},
		{operation: "CreateImmuRule", private: "APM", public: "A", body: `{}`},
		{operation: "UpdateImmuRule", private: "APM", public: "A", body: `{}`},
		{operation: "DeleteImmuRule", private: "APM", public: "A"},

		{operation: "GetRentenitionMetadata", private: signedInCallers},
		{operation: "CreateRetention", private: "APMD", body: `{"scope":{"level":"project","ref":{perm}},"algorithm":"and"}`}, // 400
		{operation: "GetRetention", private: "APMD", hidden: true},                                                            // {id} is perm's policy
		{operation: "UpdateRetention", private: "APMD", body: `{}`, hidden: true},
		{operation: "DeleteRetention", private: signedInCallers}, // it doesn't exist
		{operation: "TriggerRetentionExecution", private: "APMD", body: `{"dry_run":true}`, hidden: true},
		{operation: "ListRetentionExecutions", private: "APMD", hidden: true},
		{operation: "OperateRetentionExecution", private: "APMD", body: `{}`, hidden: true},
		{operation: "ListRetentionTasks", private: "APMD", hidden: true},
		{operation: "GetRetentionTaskLog", private: "APMD"},

		{operation: "ListRobotV1", private: "APMDG", public: "A"},
		{operation: "CreateRobotV1", private: "AP", public: "A", body: `{"name":"BAD"}`},
		{operation: "GetRobotByIDV1", private: "APMDG", public: "A"},
		{operation: "UpdateRobotV1", private: "AP", public: "A", body: `{}`},
		{operation: "DeleteRobotV1", private: "AP", public: "A"},

		{operation: "ListRobot", private: "A"},
		{operation: "ListRobot", private: "APMDG", query: "q=Level%3Dproject,ProjectID%3D{perm}"},
		{operation: "CreateRobot", private: "A", body: `{"level":"system"}`},
		{operation: "CreateRobot", private: "AP", body: `{"level":"project","permissions":[{"kind":"project","namespace":"perm"}]}`},
		{operation: "GetRobotByID", private: "APMDG", hidden: true}, // {robot_id} is a robot of perm
		{operation: "UpdateRobot", private: "AP", body: `{}`, hidden: true},
		{operation: "RefreshSec", private: "AP", body: `{"secret":"short"}`, hidden: true},
		{operation: "DeleteRobot", private: "AP", hidden: true},

		{operation: "ListLabels", private: everybody, query: "scope=g"},
		{operation: "ListLabels", private: "APMDG", query: "scope=p&project_id={perm}"},
		{operation: "CreateLabel", private: "A", body: `{"scope":"g"}`},
		{operation: "CreateLabel", private: "APM", body: `{"scope":"p","project_id":{perm}}`},
		{operation: "GetLabelByID", private: "APMDG", hidden: true}, // {label_id} is a label of perm
		{operation: "UpdateLabel", private: "APM", body: `{"name":"l"}`, hidden: true},
		{operation: "DeleteLabel", private: "APM", hidden: true},
		{operation: "AddLabel", private: "APMD", public: "A", body: `{"id":999999}`},
		{operation: "RemoveLabel", private: "APMD", public: "A"},

		{operation: "ListRegistries", private: "A"},
		{operation: "CreateRegistry", private: "A", body: `{"name":"r","type":"harbor","url":"http://127.0.0.1:1"}`}, // 400: it doesn't answer
		{operation: "PingRegistry", private: "A", body: `{"type":"harbor","url":"http://127.0.0.1:1"}`},
		{operation: "GetRegistry", private: "A"}, // {id} doesn't exist
		{operation: "UpdateRegistry", private: "A", body: `{"name":"r"}`},
		{operation: "DeleteRegistry", private: "A"},
		{operation: "GetRegistryInfo", private: "A"},
		{operation: "GetSupportedEventTypes", private: "APM", public: "A"},
		{operation: "LastTrigger", private: "APM", public: "A"},
		{operation: "ListWebhookJobs", private: "APM", public: "A", query: "policy_id=999999"},
		{operation: "ListWebhookPoliciesOfProject", private: "APM", public: "A"},
		{operation: "CreateWebhookPolicyOfProject", private: "AP", public: "A", body: `{}`},
		{operation: "GetWebhookPolicyOfProject", private: "APM", public: "A"}, // {webhook_policy_id} doesn't exist
		{operation: "UpdateWebhookPolicyOfProject", private: "AP", public: "A", body: `{}`},
		{operation: "DeleteWebhookPolicyOfProject", private: "AP", public: "A"},
		{operation: "ListExecutionsOfWebhookPolicy", private: "APM", public: "A"},
		{operation: "ListTasksOfWebhookExecution", private: "APM", public: "A"},
		{operation: "GetLogsOfWebhookTask", private: "APM", public: "A"},

		{operation: "ListReplicationPolicies", private: "A"},
		{operation: "CreateReplicationPolicy", private: "A", body: `{}`},
		{operation: "GetReplicationPolicy", private: "A"}, // {id} doesn't exist
		{operation: "UpdateReplicationPolicy", private: "A", body: `{}`},
		{operation: "DeleteReplicationPolicy", private: "A"},
		{operation: "ListReplicationExecutions", private: "A"},
		{operation: "StartReplication", private: "A", body: `{"policy_id":999}`},
		{operation: "GetReplicationExecution", private: "A"},
		{operation: "StopReplication", private: "A"},
		{operation: "ListReplicationTasks", private: "A"},
		{operation: "GetReplicationLog", private: "A"},
		{operation: "ListRegistryProviderTypes", private: "A"},
		{operation: "ListRegistryProviderInfos", private: "A"},

		{operation: "ListScanners", private: "A"},
		{operation: "CreateScanner", private: "A", body: `{"name":"s","url":"http://127.0.0.1:1"}`}, // 400: it doesn't answer
		{operation: "PingScanner", private: "A", body: `{"name":"s","url":"http://127.0.0.1:1"}`},
		{operation: "GetScanner", private: "A"}, // {registration_id} doesn't exist
		{operation: "UpdateScanner", private: "A", body: `{"name":"s","url":"http://127.0.0.1:1"}`},
		{operation: "DeleteScanner", private: "A"},
		{operation: "SetScannerAsDefault", private: "A", body: `{"is_default":true}`},
		{operation: "GetScannerMetadata", private: "A"},
		{operation: "GetScannerOfProject", private: members, public: signedInCallers},
		{operation: "SetScannerOfProject", private: "AP", public: "A", body: `{"uuid":"nosuch"}`},
		{operation: "ListScannerCandidatesOfProject", private: "AP", public: "A"},

		{operation: "GetVulnerabilitiesAddition", private: members, public: everybody},
		{operation: "ScanArtifact", private: "APM", public: "A"},
		{operation: "ScanArtifact", private: "APM", public: "A", body: `{"scan_type":"sbom"}`},
		{operation: "StopScanArtifact", private: "APM", public: "A", body: `{}`},
		{operation: "GetReportLog", private: members, public: everybody},
		{operation: "GetScanAllSchedule", private: "A"},
		{operation: "CreateScanAllSchedule", private: "A", body: `{}`},
		{operation: "UpdateScanAllSchedule", private: "A", body: `{}`},
		{operation: "StopScanAll", private: "A"},
		{operation: "GetLatestScanAllMetrics", private: "A"},
		{operation: "GetLatestScheduledScanAllMetrics", private: "A"},
		{operation: "GetSecuritySummary", private: "A"},
		{operation: "ListVulnerabilities", private: "A"},
		{operation: "ExportScanData", private: "APMD", body: `{"projects":[{perm}],"repositories":"a b"}`}, // 400
		{operation: "GetScanDataExportExecution", private: signedInCallers},                                // {execution_id} doesn't exist
		{operation: "GetScanDataExportExecutionList", private: signedInCallers},
		{operation: "DownloadScanData", private: signedInCallers},

		{operation: "ListQuotas", private: "A"},
		{operation: "GetQuota", private: "A"},
		{operation: "UpdateQuota", private: "A", body: `{}`},

		{operation: "ListAuditLogs", private: signedInCallers},
		{operation: "ListAuditLogExts", private: signedInCallers},
		{operation: "ListAuditLogEventTypes", private: "A"},
		{operation: "GetLogs", private: "AP", public: "A"},
		{operation: "GetLogExts", private: "AP", public: "A"},
	}
}

// Each operation of the contract, asked by each kind of caller, on a private and a public project, with ids
// that belong to others. Who may gets an answer about the object, whatever it is; who may not gets 401 or 403
// (or a 404 as if the object weren't there), never anything else.
func TestWhoMay(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	callers, vars := peopled(f)
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
				ask(f, row, method, path, callers, vars)
			}
		}
	}
}

func peopled(f *fixture) (callers, vars map[string]string) {
	vars = map[string]string{}
	for _, name := range []string{"padmin", "maintainer", "developer", "guest", "limited", "foreign"} {
		f.user(name)
	}
	vars["user_id"] = f.user("stranger")
	vars["perm"] = f.project("admin", "perm", false)
	vars["pub"] = f.project("admin", "pub", true)
	f.project("foreign", "other", false)
	f.member("perm", "padmin", authz.ProjectAdmin)
	f.member("perm", "maintainer", authz.Maintainer)
	f.member("perm", "developer", authz.Developer)
	f.member("perm", "guest", authz.Guest)
	f.member("perm", "limited", authz.LimitedGuest)
	_, robot := f.robot("perm", "ci")
	vars["retention"] = lastSegment(f.must("admin", "POST", "/retentions", `{"scope":{"level":"project","ref":`+vars["perm"]+`}}`, 201, nil))
	vars["run"] = lastSegment(f.must("admin", "POST", "/retentions/"+vars["retention"]+"/executions", `{"dry_run":true}`, 201, nil))
	for _, p := range []string{"perm", "pub"} {
		f.push(p+"/app", "v1", p)
	}
	return map[string]string{
		"A": "admin", "P": "padmin", "M": "maintainer", "D": "developer", "G": "guest", "L": "limited",
		"R": robot, "S": "stranger", "F": "foreign", "N": "",
	}, vars
}

func ask(f *fixture, row may, method, path string, callers, vars map[string]string) {
	f.t.Helper()
	projects := []string{"perm"}
	if strings.Contains(path, "{project") {
		projects = append(projects, "pub")
	}
	for _, project := range projects {
		allowed := row.private
		if project == "pub" {
			allowed = row.public
		}
		for _, letter := range strings.Split(everybody, "") {
			target := targetOf(f, row, method, path, project, vars)
			w := f.do(callers[letter], method, target, strings.ReplaceAll(row.body, "{perm}", vars["perm"]))
			verdict(f.t, row, fmt.Sprintf("%s %s as %s", method, target, callers[letter]), strings.Contains(allowed, letter), w.Code)
		}
	}
}

func verdict(t testing.TB, row may, what string, allowed bool, status int) {
	t.Helper()
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden || row.hidden && status == http.StatusNotFound
	switch {
	case status >= 500 || status == http.StatusMethodNotAllowed || status == http.StatusUnprocessableEntity:
		t.Errorf("%s (%s): %d", what, row.operation, status)
	case allowed && refused:
		t.Errorf("%s (%s): refused with %d, but may", what, row.operation, status)
	case !allowed && !refused:
		t.Errorf("%s (%s): %d, but may not", what, row.operation, status)
	}
}

// targetOf fills a path. What a permitted call would destroy doesn't exist, or is made for it.
func targetOf(f *fixture, row may, method, path, project string, vars map[string]string) string {
	values := map[string]string{
		"{project_name_or_id}": project, "{project_name}": project, "{repository_name}": "app", "{reference}": "v1",
		"{tag_name}": "nosuch", "{addition}": "build_history", "{mid}": "999999", "{meta_name}": "auto_scan",
		"{user_id}": vars["user_id"], "{digest}": "sha256:nosuch", "{perm}": vars["perm"], "{id}": "999999", "{purge_id}": "999999", "{gc_id}": "999999", "{preheat_instance_name}": "nosuch", "{preheat_policy_name}": "nosuch", "{job_id}": "999999", "{pool_id}": "all", "{job_type}": "all", "{group_id}": "999999",
		"{registration_id}": "nosuch", "{report_id}": "nosuch", "{immutable_rule_id}": "999999", "{eid}": vars["run"], "{tid}": "999999", "{execution_id}": "999999", "{webhook_policy_id}": "999999", "{task_id}": "999999",
	}
	if method != http.MethodGet && method != http.MethodHead {
		values["{repository_name}"], values["{reference}"], values["{meta_name}"] = "nosuch", "nosuch", "nosuch"
	}
	if policy := vars["webhook_policy_id"]; policy != "" && strings.Contains(path, "/webhook/") {
		values["{webhook_policy_id}"], values["{execution_id}"] = policy, vars["webhook_execution_id"]
	}
	if policy := vars["preheat_policy_name"]; policy != "" && strings.Contains(path, "/preheat/") {
		values["{preheat_policy_name}"], values["{execution_id}"] = policy, vars["preheat_execution_id"]
	}
	if row.operation == "DeleteUser" {
		values["{user_id}"] = "999999"
	}
	if strings.Contains(path, "{robot_id}") {
		values["{robot_id}"] = alive(f, vars, "robot", func(n string) string {
			id, _ := f.robot("perm", "victim"+n)
			return id
		})
	}
	if strings.Contains(path, "/retentions/{id}") && row.operation != "DeleteRetention" {
		values["{id}"] = vars["retention"]
	}
	if strings.Contains(path, "/labels/{label_id}") {
		values["{label_id}"] = alive(f, vars, "label", func(n string) string {
			return lastSegment(f.must("admin", "POST", "/labels", `{"scope":"p","project_id":`+vars["perm"]+`,"name":"l`+n+`"}`, 201, nil))
		})
	}
	target := strings.TrimPrefix(path, "/api/v2.0")
	if row.query != "" {
		target += "?" + row.query
	}
	for name, value := range values {
		target = strings.ReplaceAll(target, name, value)
	}
	return target
}

// alive is the id of an object that is there, made anew when the last call deleted it.
func alive(f *fixture, vars map[string]string, kind string, create func(n string) string) string {
	f.t.Helper()
	if id := vars[kind]; id != "" && f.do("admin", "GET", "/"+kind+"s/"+id, "").Code == http.StatusOK {
		return id
	}
	vars[kind+"s"] += "x"
	vars[kind] = create(vars[kind+"s"])
	return vars[kind]
}

// What belongs to one project isn't there through another, whoever asks.
func TestForeignIDs(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.user("foreign")
	f.user("guest")
	f.project("admin", "perm", false)
	f.project("foreign", "other", false)
	mid := f.member("perm", "guest", authz.Guest)
	robot, _ := f.robot("perm", "ci")
	f.push("perm/app", "v1", "a")
	f.push("other/app", "v2", "b")
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/projects/other/members/" + mid, "", 404},
		{"PUT", "/projects/other/members/" + mid, `{"role_id":1}`, 404},
		{"DELETE", "/projects/other/members/" + mid, "", 404},
		{"GET", "/projects/other/repositories/app/artifacts/v1", "", 404},
		{"DELETE", "/projects/other/repositories/app/artifacts/v1", "", 404},
		{"POST", "/projects/other/repositories/app/artifacts?from=perm/app:v1", "", 400}, // as if it weren't there
		{"GET", "/robots/" + robot, "", 404},
		{"PATCH", "/robots/" + robot, `{"secret":"Longenough123"}`, 404},
		{"PUT", "/robots/" + robot, `{"name":"ci","level":"project"}`, 404},
		{"DELETE", "/robots/" + robot, "", 404},
		{"GET", "/projects/perm", "", 403},
		{"GET", "/projects/nosuch", "", 403}, // absent and forbidden look alike
	} {
		if w := f.do("foreign", c.method, c.path, c.body); w.Code != c.want {
			t.Errorf("%s %s: %d %s; want %d", c.method, c.path, w.Code, w.Body, c.want)
		}
	}
	f.must("admin", "GET", "/projects/perm/members/"+mid, "", 200, nil)
	f.must("admin", "GET", "/robots/"+robot, "", 200, nil)
}

func TestOwnPassword(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	id := f.user("alice")
	other := f.user("bob")
	path := "/users/" + id + "/password"
	f.must("bob", "PUT", path, `{"new_password":"Other-12345"}`, 403, nil)
	f.must("alice", "PUT", "/users/"+other+"/password", `{"old_password":"Test-12345","new_password":"Other-12345"}`, 403, nil)
	f.must("alice", "PUT", path, `{"new_password":"Other-12345"}`, 403, nil)
	f.must("alice", "PUT", path, `{"old_password":"Test-12345","new_password":"Other-12345"}`, 200, nil)
	f.logins["alice"] = "Other-12345"
	f.must("alice", "GET", "/users/current", "", 200, nil)
	f.must("admin", "PUT", path, `{"new_password":"Third-12345"}`, 200, nil)
	f.must("alice", "GET", "/users/current", "", 401, nil)
}
