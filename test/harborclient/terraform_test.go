//go:build acceptance

package harborclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

// The Terraform provider compares status codes exactly: 201 with a Location for what it creates, whose
// path it keeps as the resource's id; 200 for reading, changing and destroying; 404 for what is gone. A
// plan that is applied twice must find nothing to do, so reading gives back what was sent.

// state is an API resource as Terraform keeps it.
type state struct {
	*testing.T
	door haventest.Door
	id   string // like /projects/5
}

var apiPrefix = regexp.MustCompile(`/api/v2\.0`)

// send is one request of the provider, which signs in by Basic and stops at any other status than want.
func (s *state) send(want int, method, path string, body any) haventest.Answer {
	s.Helper()
	return s.door.Admin(s, want, method, "/api/v2.0"+path, body)
}

// create makes the resource and keeps its id, which is a path: no host, one slash, a number at the end.
func create(t *testing.T, d haventest.Door, path string, body any) *state {
	t.Helper()
	s := &state{T: t, door: d}
	location := s.send(http.StatusCreated, http.MethodPost, path, body).Header.Get("Location")
	if !regexp.MustCompile(`^/api/v2\.0(/[a-z]+/[\w.-]+)+(/\d+)?$`).MatchString(location) {
		t.Fatalf("POST %s: Location %q can't be a resource's id", path, location)
	}
	s.id = apiPrefix.ReplaceAllString(location, "")
	return s
}

// adopt is the resource as `terraform import` takes it: all that is known of it is its id.
func (s *state) adopt() *state { return &state{T: s.T, door: s.door, id: s.id} }

func (s *state) update(body any) { s.Helper(); s.send(http.StatusOK, http.MethodPut, s.id, body) }

// plan reads the resource and names each field that isn't as wanted; a field that is wanted by a dotted path
// is inside another.
func (s *state) plan(want map[string]any) {
	s.Helper()
	var got any
	if err := json.Unmarshal(s.send(http.StatusOK, http.MethodGet, s.id, nil).Body, &got); err != nil {
		s.Fatalf("GET %s: %v", s.id, err)
	}
	differ(s.T, s.id, got, want)
}

func differ(t *testing.T, what string, got any, want map[string]any) {
	t.Helper()
	for path, v := range want {
		// The provider decodes into Go types: what is left out reads as their zero value.
		found, wanted := at(got, path), normal(t, v)
		if found == nil && wanted != nil && reflect.ValueOf(wanted).IsZero() {
			continue
		}
		if !reflect.DeepEqual(found, wanted) {
			t.Errorf("%s: %s is %#v, want %#v", what, path, found, v)
		}
	}
}

// at is the value behind a dotted path of keys.
func at(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[key]
	}
	return v
}

// normal is v as JSON decodes it.
func normal(t *testing.T, v any) (out any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// destroy deletes the resource and finds it gone.
func (s *state) destroy() {
	s.Helper()
	s.send(http.StatusOK, http.MethodDelete, s.id, nil)
	s.send(http.StatusNotFound, http.MethodGet, s.id, nil)
}

func TestTerraform(t *testing.T) {
	d := haventest.Start(t, haventest.Options{}).Door
	for name, resource := range map[string]func(*testing.T, haventest.Door){
		"project": terraformProject, "member": terraformMember, "robot": terraformRobot, "system robot": terraformSystemRobot,
		"user": terraformUser, "group": terraformGroup, "label": terraformLabel, "configuration": terraformConfiguration,
		"purge schedule": terraformPurge, "webhook": terraformWebhook,
		"garbage collection": terraformGarbageCollection,
		"immutable tag rule": terraformImmutable, "retention policy": terraformRetention,
		"lists end": listsEnd,
	} {
		t.Run(name, func(t *testing.T) { resource(t, d) })
	}
}

func terraformWebhook(t *testing.T, d haventest.Door) {
	project := create(t, d, "/projects", map[string]any{"project_name": "tf-webhook", "metadata": map[string]any{"public": "false"}})
	target := map[string]any{"type": "http", "address": "https://ci.example.com/hook", "auth_header": "Bearer tf", "skip_cert_verify": true}
	sent := map[string]any{"name": "tf", "description": "", "enabled": true, "event_types": []any{"PUSH_ARTIFACT", "SCANNING_FAILED"}, "targets": []any{target}}
	want := func() map[string]any {
		return map[string]any{"name": "tf", "enabled": sent["enabled"], "description": sent["description"], "event_types": sent["event_types"]}
	}
	w := create(t, d, project.id+"/webhook/policies", sent)
	planned := func(w *state) {
		t.Helper()
		w.plan(want())
		var got struct{ Targets []any }
		if err := json.Unmarshal(w.send(http.StatusOK, http.MethodGet, w.id, nil).Body, &got); err != nil || len(got.Targets) != 1 {
			t.Fatalf("targets %v, %v", got.Targets, err)
		}
		differ(t, "target", got.Targets[0], target) // the provider compares auth_header with what it sent
	}
	planned(w)
	planned(w.adopt())
	sent["enabled"], sent["description"] = false, "off"
	target["address"], target["auth_header"], target["skip_cert_verify"] = "https://other.example.com/", "Bearer other", false
	w.update(sent)
	planned(w)
	delete(target, "auth_header")
	w.update(sent)
	target["auth_header"] = ""
	planned(w)
	w.destroy()
	project.destroy()
}

func terraformProject(t *testing.T, d haventest.Door) {
	sent := map[string]any{
		"project_name": "tf-project", "registry_id": nil, "storage_limit": 10 << 30,
		"cve_allowlist": map[string]any{"items": []any{map[string]any{"cve_id": "CVE-2026-1"}}},
		"metadata": map[string]any{
			"public": "true", "auto_scan": "true", "enable_content_trust": "false", "enable_content_trust_cosign": "true",
			"prevent_vul": "true", "severity": "high", "proxy_speed_kb": "-1", "auto_sbom_generation": "false",
		},
	}
	p := create(t, d, "/projects", sent)
	want := map[string]any{
		"name": "tf-project", "metadata.public": "true", "metadata.auto_scan": "true", "metadata.enable_content_trust_cosign": "true",
		"metadata.prevent_vul": "true", "metadata.severity": "high", "cve_allowlist.items": []any{map[string]any{"cve_id": "CVE-2026-1"}},
	}
	p.plan(want)
	p.adopt().plan(want)

	// The storage limit is read and changed as a quota, found among all of them.
	quota := quotaOf(t, d, "tf-project")
	differ(t, "quota", quota, map[string]any{"hard.storage": 10 << 30})
	id := fmt.Sprintf("/quotas/%v", quota["id"])
	d.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0"+id, map[string]any{"hard": map[string]any{"storage": -1}})
	differ(t, "quota", quotaOf(t, d, "tf-project"), map[string]any{"hard.storage": -1})

	metadata := sent["metadata"].(map[string]any)
	metadata["public"], metadata["severity"] = "false", "low"
	sent["cve_allowlist"] = map[string]any{"items": []any{}}
	p.update(sent)
	want["metadata.public"], want["metadata.severity"], want["cve_allowlist.items"] = "false", "low", []any{}
	p.plan(want)
	p.destroy()
}

// quotaOf looks for a project's quota as the provider does: page by page, with a slash after the path.
func quotaOf(t *testing.T, d haventest.Door, project string) map[string]any {
	t.Helper()
	for page := 1; ; page++ {
		var rows []map[string]any
		a := d.Admin(t, http.StatusOK, http.MethodGet, fmt.Sprintf("/api/v2.0/quotas/?page=%d&page_size=100", page), nil)
		if err := json.Unmarshal(a.Body, &rows); err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			t.Fatalf("no quota of %s", project)
		}
		for _, row := range rows {
			if at(row, "ref.name") == project {
				return row
			}
		}
	}
}

func terraformMember(t *testing.T, d haventest.Door) {
	p := create(t, d, "/projects", map[string]any{"project_name": "tf-members", "metadata": map[string]any{"public": "false"}})
	u := create(t, d, "/users", userBody("tf-member"))
	m := create(t, d, p.id+"/members", map[string]any{"role_id": 2, "member_user": map[string]any{"username": "tf-member"}})
	m.plan(map[string]any{"role_id": 2, "entity_name": "tf-member", "entity_type": "u"})
	m.update(map[string]any{"role_id": 4, "member_user": map[string]any{"username": "tf-member"}})
	m.adopt().plan(map[string]any{"role_id": 4, "role_name": "maintainer"})

	group := map[string]any{"group_name": "tf-crew", "group_type": 3}
	g := create(t, d, p.id+"/members", map[string]any{"role_id": 3, "member_group": group})
	g.plan(map[string]any{"role_id": 3, "entity_name": "tf-crew", "entity_type": "g"})
	g.update(map[string]any{"role_id": 5, "member_group": group})
	g.plan(map[string]any{"role_id": 5})
	g.destroy()
	m.destroy()
	u.destroy()
	p.destroy()
}

func terraformRobot(t *testing.T, d haventest.Door) {
	p := create(t, d, "/projects", map[string]any{"project_name": "tf-robots", "metadata": map[string]any{"public": "false"}})
	access := []any{map[string]any{"action": "pull", "resource": "repository"}, map[string]any{"action": "push", "resource": "repository"}}
	robot(t, d, map[string]any{
		"name": "ci", "description": "builds", "disable": false, "duration": -1, "level": "project",
		"permissions": []any{map[string]any{"kind": "project", "namespace": "tf-robots", "access": access}},
	}, "robot$tf-robots+ci")
	p.destroy()
}

func terraformSystemRobot(t *testing.T, d haventest.Door) {
	robot(t, d, map[string]any{
		"name": "everywhere", "description": "", "disable": false, "duration": 30, "level": "system",
		"permissions": []any{
			map[string]any{"kind": "project", "namespace": "*", "access": []any{map[string]any{"action": "pull", "resource": "repository"}}},
			map[string]any{"kind": "system", "namespace": "/", "access": []any{map[string]any{"action": "create", "resource": "project"}}},
		},
	}, "robot$everywhere")
}

// robot takes a robot through its life: made, given a chosen secret by PATCH, changed under the name as it is read.
func robot(t *testing.T, d haventest.Door, sent map[string]any, fullName string) {
	r := create(t, d, "/robots", sent)
	const secret = "Chosen-secret-1"
	r.send(http.StatusOK, http.MethodPatch, r.id, map[string]any{"secret": secret})
	want := map[string]any{
		"name": fullName, "description": sent["description"], "disable": false, "duration": sent["duration"], "level": sent["level"], "editable": true,
	}
	r.plan(want)
	r.adopt().plan(want)
	if a := d.Call(t, fullName, secret, http.MethodGet, "/api/v2.0/projects", nil); a.Status != http.StatusOK {
		t.Errorf("%s with the chosen secret: %d", fullName, a.Status)
	}
	var read struct{ Permissions []map[string]any }
	if err := json.Unmarshal(r.send(http.StatusOK, http.MethodGet, r.id, nil).Body, &read); err != nil {
		t.Fatal(err)
	}
	for _, p := range sent["permissions"].([]any) {
		found := false
		for _, got := range read.Permissions {
			found = found || got["namespace"] == p.(map[string]any)["namespace"] && len(got["access"].([]any)) == len(p.(map[string]any)["access"].([]any))
		}
		if !found {
			t.Errorf("permission %v is not among %v", p, read.Permissions)
		}
	}
	sent["name"], sent["description"] = fullName, "changed"
	r.update(sent)
	want["description"] = "changed"
	r.plan(want)
	r.destroy()
}

// userBody is what the provider sends to every endpoint of a user.
func userBody(name string) map[string]any {
	return map[string]any{
		"username": name, "password": "Password-1", "new_password": "Password-1", "email": name + "@example.com", "realname": "R " + name,
		"comment": "", "sysadmin_flag": true,
	}
}

func terraformUser(t *testing.T, d haventest.Door) {
	u := create(t, d, "/users", userBody("tf-user"))
	u.plan(map[string]any{"username": "tf-user", "email": "tf-user@example.com", "realname": "R tf-user", "sysadmin_flag": false})
	sent := userBody("tf-user")
	sent["realname"], sent["new_password"] = "Other", "Password-2"
	u.update(sent)
	u.send(http.StatusOK, http.MethodPut, u.id+"/sysadmin", sent)
	u.send(http.StatusOK, http.MethodPut, u.id+"/password", sent)
	u.adopt().plan(map[string]any{"realname": "Other", "sysadmin_flag": true})
	if a := d.Call(t, "tf-user", "Password-2", http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusOK {
		t.Errorf("log-in with the new password: %d", a.Status)
	}
	u.destroy()
}

func terraformGroup(t *testing.T, d haventest.Door) {
	g := create(t, d, "/usergroups", map[string]any{"group_name": "tf-group", "group_type": 3, "ldap_group_dn": ""})
	g.plan(map[string]any{"group_name": "tf-group", "group_type": 3})
	g.update(map[string]any{"group_name": "tf-renamed", "group_type": 3})
	g.adopt().plan(map[string]any{"group_name": "tf-renamed", "group_type": 3})
	g.destroy()
}

func terraformLabel(t *testing.T, d haventest.Door) {
	p := create(t, d, "/projects", map[string]any{"project_name": "tf-labels", "metadata": map[string]any{"public": "false"}})
	var read map[string]any
	if err := json.Unmarshal(p.send(http.StatusOK, http.MethodGet, p.id, nil).Body, &read); err != nil {
		t.Fatal(err)
	}
	for _, sent := range []map[string]any{
		{"name": "tf-global", "color": "#FF0000", "description": "d", "scope": "g"},
		{"name": "tf-own", "color": "#00FF00", "description": "", "scope": "p", "project_id": read["project_id"]},
	} {
		l := create(t, d, "/labels", sent)
		l.plan(sent)
		sent["name"], sent["color"], sent["description"] = sent["name"].(string)+"2", "#0000FF", "changed"
		l.update(sent)
		l.adopt().plan(sent)
		l.destroy()
	}
	p.destroy()
}

// The provider always sends scan_all_policy, and keys of all kinds at once.
func terraformConfiguration(t *testing.T, d haventest.Door) {
	s := &state{T: t, door: d, id: "/configurations"}
	sent := map[string]any{
		"project_creation_restriction": "adminonly", "robot_token_duration": 14, "robot_name_prefix": "robot$", "token_expiration": 60,
		"self_registration": false, "session_timeout": 45, "storage_per_project": -1, "notification_enable": false,
		"banner_message":               `{"closable":true,"fromDate":"01/01/2026","message":"m","toDate":"02/01/2026","type":"info"}`,
		"scanner_skip_update_pulltime": true, "primary_auth_mode": false, "quota_per_project_enable": true,
		"oidc_name": "sso", "oidc_endpoint": "https://sso.example.com", "oidc_client_id": "haven", "oidc_client_secret": "not-to-be-seen",
		"oidc_groups_claim": "groups", "oidc_scope": "openid,email", "oidc_verify_cert": true, "oidc_auto_onboard": true, "oidc_user_claim": "name",
		"oidc_admin_group": "admins", "ldap_url": "ldaps://ldap.example.com", "ldap_base_dn": "dc=example", "ldap_search_dn": "cn=reader",
		"ldap_search_password": "not-to-be-seen", "ldap_uid": "uid", "ldap_scope": 2, "ldap_verify_cert": true, "ldap_filter": "(objectClass=person)",
	}
	body := map[string]any{"scan_all_policy": map[string]any{}, "additionalProp1": "x"}
	for k, v := range sent {
		body[k] = v
	}
	s.update(body)
	want := map[string]any{}
	for k, v := range sent {
		if k != "oidc_client_secret" && k != "ldap_search_password" {
			want[k+".value"], want[k+".editable"] = v, true
		}
	}
	s.plan(want)
	s.update(body) // the second apply
	s.plan(want)
	if a := s.send(http.StatusOK, http.MethodGet, s.id, nil); strings.Contains(string(a.Body), "not-to-be-seen") {
		t.Error("a secret came back")
	}
	s.update(map[string]any{"banner_message": "", "project_creation_restriction": "everyone", "notification_enable": true})
	s.plan(map[string]any{"banner_message.value": "", "project_creation_restriction.value": "everyone", "token_expiration.value": 60})
}

// The provider reads the schedule first: no body means that it is to be created, any other that it is to be
// changed. What it sends has keys that nobody asked for.
func terraformPurge(t *testing.T, d haventest.Door) {
	terraformSchedule(t, d, "/system/purgeaudit/schedule", map[string]any{"audit_retention_hour": 24, "include_event_types": "create_artifact,pull_artifact", "dry_run": false, "additionalProp1": true},
		`{"audit_retention_hour":24,"dry_run":false,"include_event_types":"create_artifact,pull_artifact"}`)
}

func terraformGarbageCollection(t *testing.T, d haventest.Door) {
	terraformSchedule(t, d, "/system/gc/schedule", map[string]any{"delete_untagged": true, "workers": 4, "additionalProp1": true},
		`{"delete_tag":false,"delete_untagged":true,"workers":4}`)
}

// terraformSchedule is a resource that is a schedule: its id is its path, and it is gone when the body is empty.
func terraformSchedule(t *testing.T, d haventest.Door, path string, parameters map[string]any, kept string) {
	s := &state{T: t, door: d, id: path}
	if a := s.send(http.StatusOK, http.MethodGet, s.id, nil); len(a.Body) != 0 {
		t.Fatalf("a schedule that isn't there: %q", a.Body)
	}
	body := func(kind, cron string) map[string]any {
		return map[string]any{
			"id": 0, "creation_time": "0001-01-01T00:00:00Z", "schedule": map[string]any{"type": kind, "cron": cron, "additionalProp1": "x"},
			"parameters": parameters,
		}
	}
	s.send(http.StatusCreated, http.MethodPost, s.id, body("Daily", "0 0 0 * * *"))
	s.plan(map[string]any{"schedule.type": "Daily", "schedule.cron": "0 0 0 * * *", "job_parameters": kept})
	s.adopt().plan(map[string]any{"schedule.type": "Daily", "schedule.cron": "0 0 0 * * *", "job_parameters": kept})
	s.update(body("Custom", "0 15 3 * * *"))
	s.plan(map[string]any{"schedule.type": "Custom", "schedule.cron": "0 15 3 * * *", "job_parameters": kept})
	s.update(body("None", ""))
	if a := s.send(http.StatusOK, http.MethodGet, s.id, nil); len(a.Body) != 0 {
		t.Errorf("after it was destroyed: %q", a.Body)
	}
}

// The provider reads pages until one is empty.
func listsEnd(t *testing.T, d haventest.Door) {
	for _, path := range []string{
		"/projects", "/users", "/robots", "/labels?scope=g", "/quotas", "/repositories", "/usergroups", "/auditlog-exts", "/schedules", "/system/purgeaudit",
		"/projects/library/members", "/projects/library/repositories", "/projects/library/artifacts",
	} {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		a := d.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0"+path+separator+"page=1000", nil)
		if got := strings.TrimSpace(string(a.Body)); got != "[]" || a.Header.Get("X-Total-Count") == "" {
			t.Errorf("page 1000 of %s: %s, X-Total-Count %q", path, got, a.Header.Get("X-Total-Count"))
		}
	}
}

// Of an immutable tag rule the provider reads the list, and looks for the id in it.
func terraformImmutable(t *testing.T, d haventest.Door) {
	p := create(t, d, "/projects", map[string]any{"project_name": "tf-immutable", "metadata": map[string]any{"public": "false"}})
	body := func(repositories, tags string, disabled bool) map[string]any {
		return map[string]any{
			"disabled": disabled, "action": "immutable", "template": "immutable_template",
			"tag_selectors":   []any{map[string]any{"kind": "doublestar", "decoration": "matches", "pattern": tags}},
			"scope_selectors": map[string]any{"repository": []any{map[string]any{"kind": "doublestar", "decoration": "repoExcludes", "pattern": repositories}}},
		}
	}
	rule := create(t, d, p.id+"/immutabletagrules", body("**", "v2.*", false))
	id := ruleID(t, rule.id)
	plan := func(want map[string]any) {
		t.Helper()
		var list []map[string]any
		if err := json.Unmarshal(p.send(http.StatusOK, http.MethodGet, p.id+"/immutabletagrules?page_size=-1", nil).Body, &list); err != nil || len(list) != 1 {
			t.Fatalf("list %v, %v", list, err)
		}
		want["id"] = id
		differ(t, "rule", list[0], want)
	}
	plan(body("**", "v2.*", false))
	changed := body("app/**", "v3", false)
	changed["id"] = id
	rule.update(changed)
	plan(body("app/**", "v3", false))
	off := body("app/**", "v3", true)
	off["id"] = id
	rule.update(off)
	plan(body("app/**", "v3", true))
	rule.send(http.StatusOK, http.MethodDelete, rule.id, nil)
	if list := p.send(http.StatusOK, http.MethodGet, p.id+"/immutabletagrules", nil).Body; strings.TrimSpace(string(list)) != "[]" {
		t.Errorf("after destroying: %s", list)
	}
	p.destroy()
}

func terraformRetention(t *testing.T, d haventest.Door) {
	p := create(t, d, "/projects", map[string]any{"project_name": "tf-retention", "metadata": map[string]any{"public": "false"}})
	selector := func(decoration, pattern string) map[string]any {
		return map[string]any{"kind": "doublestar", "decoration": decoration, "pattern": pattern}
	}
	body := func(cron string, days int) map[string]any {
		tags := selector("excludes", "latest")
		tags["extras"] = `{"untagged":false}`
		return map[string]any{
			"algorithm": "or", "scope": map[string]any{"level": "project", "ref": ruleID(t, p.id)},
			"trigger": map[string]any{"kind": "Schedule", "settings": map[string]any{"cron": cron}, "references": map[string]any{}},
			"rules": []any{
				map[string]any{"action": "retain", "template": "nDaysSinceLastPull", "params": map[string]any{"nDaysSinceLastPull": days},
					"tag_selectors": []any{tags}, "scope_selectors": map[string]any{"repository": []any{selector("repoMatches", "**")}}},
				map[string]any{"action": "retain", "template": "always", "disabled": true,
					"tag_selectors": []any{tags}, "scope_selectors": map[string]any{"repository": []any{selector("repoExcludes", "app")}}},
			},
		}
	}
	want := func(cron string, days int) map[string]any {
		sent := body(cron, days)
		sent["rules"].([]any)[1].(map[string]any)["id"] = 1
		return map[string]any{"algorithm": "or", "scope": sent["scope"], "rules": sent["rules"], "trigger.kind": "Schedule", "trigger.settings.cron": cron}
	}
	policy := create(t, d, "/retentions", body("", 7))
	policy.plan(want("", 7))
	policy.adopt().plan(want("", 7))
	policy.update(body("0 0 0 * * *", 9))
	policy.plan(want("0 0 0 * * *", 9))
	p.plan(map[string]any{"metadata.retention_id": fmt.Sprint(ruleID(t, policy.id))})
	p.update(map[string]any{"project_name": "tf-retention", "metadata": map[string]any{"public": "true"}}) // which changes nothing of the policy
	policy.plan(want("0 0 0 * * *", 9))
	policy.destroy()
	p.destroy()
}

// ruleID is the number that a resource's id ends in.
func ruleID(t *testing.T, path string) int64 {
	t.Helper()
	id, err := strconv.ParseInt(path[strings.LastIndexByte(path, '/')+1:], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
