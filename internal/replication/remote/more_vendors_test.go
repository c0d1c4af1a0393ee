package remote_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

// googleKey is the JSON of a service account's key.
func googleKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "project", "client_email": "haven@project.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGoogle(t *testing.T) {
	key := googleKey(t)
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "_json_key", Password: key}
	d := registry.Image("project/repo/app", "x", "v1", "v2")
	registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if tokens.Guard(w, r) {
			return true
		}
		repository, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v2/"), "/tags/list")
		if !ok {
			return false
		}
		below := map[string][]string{"project": {"repo"}, "project/repo": {"app"}}
		manifests := map[string]any{}
		for tag, digest := range registry.Tags(repository) {
			m, _ := manifests[digest].(map[string][]string)
			if m == nil {
				m = map[string][]string{}
			}
			m["tag"] = append(m["tag"], tag)
			manifests[digest] = m
		}
		remotetest.Answer(w, 200, map[string]any{"child": below[repository], "manifest": manifests, "tags": []string{}})
		return true
	}
	api := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/v1/projects/project/locations/europe-west3/repositories":
			remotetest.Answer(w, 200, map[string]any{"repositories": []any{
				map[string]string{"name": "projects/project/locations/europe-west3/repositories/repo", "format": "DOCKER"},
				map[string]string{"name": "projects/project/locations/europe-west3/repositories/python", "format": "PYTHON"},
			}})
		case "/v1/projects/project/locations/europe-west3/repositories/repo/packages":
			if r.URL.Query().Get("pageToken") == "" {
				remotetest.Answer(w, 200, map[string]any{"packages": []any{map[string]string{"name": "projects/project/locations/europe-west3/repositories/repo/packages/app"}}, "nextPageToken": "more"})
				return
			}
			remotetest.Answer(w, 200, map[string]any{"packages": []any{map[string]string{"name": "projects/project/locations/europe-west3/repositories/repo/packages/deep%2Fapp"}}})
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	oauth := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(r.PostFormValue("assertion"), ".") != 2 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		remotetest.Answer(w, 200, map[string]any{"access_token": "access", "expires_in": 3600})
	})
	w := newWorld(t, remote.GoogleGCR)
	w.at = map[string]string{
		"https://gcr.io": registry.URL, "https://europe-west3-docker.pkg.dev": registry.URL, "https://artifactregistry.googleapis.com": api, "https://oauth2.googleapis.com/token": oauth,
	}
	gcr := w.open("https://gcr.io", "_json_key", key)
	ping(t, gcr)
	content(t, gcr, "project/repo/app", "v1", d)
	listed(t, gcr, "", "[project/repo/app]")
	listed(t, gcr, "project/repo/", "[project/repo/app]")
	listed(t, gcr, "project/other", "[]")
	if all := remotetest.TagsOf(t, gcr, "project/repo/app"); len(all) != 2 || all["v2"] != d {
		t.Errorf("got %v", all)
	}
	artifacts := w.open("https://europe-west3-docker.pkg.dev", "", key) // the name that goes with a key is known
	listed(t, artifacts, "", "[project/repo/app project/repo/deep/app]")
	listed(t, artifacts, "project/repo/de", "[project/repo/deep/app]")
	w.env["GOOGLE_APPLICATION_CREDENTIALS"] = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(w.env["GOOGLE_APPLICATION_CREDENTIALS"], []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	listed(t, w.open("https://europe-west3-docker.pkg.dev", "", ""), "project/repo/", "[project/repo/app project/repo/deep/app]")
	if err := remote.Ping(t.Context(), w.open("https://gcr.io", "_json_key", "{canary")); !errors.Is(err, remote.ErrCredential) || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

// An external account's token, from the file of the cluster, is exchanged, and a service account taken on with what comes of it.
func TestGoogleWorkload(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "oauth2accesstoken", Password: "of the account"}
	d := registry.Image("project/app", "x", "v1")
	registry.Before = tokens.Guard
	dir := t.TempDir()
	files := map[string]string{
		"token": `{"value":"of the cluster"}`,
		"account": `{"type":"external_account","audience":"//iam/pool","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://elsewhere.example.com",
			"service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/haven@project.iam.gserviceaccount.com:generateAccessToken",
			"credential_source":{"file":"` + dir + `/token","format":{"type":"json","subject_token_field_name":"value"}}}`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sts := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("subject_token") != "of the cluster" || r.PostFormValue("audience") != "//iam/pool" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		remotetest.Answer(w, 200, map[string]any{"access_token": "federated", "expires_in": 3600})
	})
	iam := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/projects/-/serviceAccounts/haven@project.iam.gserviceaccount.com:generateAccessToken" || r.Header.Get("Authorization") != "Bearer federated" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		remotetest.Answer(w, 200, map[string]any{"accessToken": "of the account", "expireTime": "2026-11-29T13:00:00Z"})
	})
	w := newWorld(t, remote.GoogleGCR)
	w.env["GOOGLE_APPLICATION_CREDENTIALS"] = filepath.Join(dir, "account")
	w.at = map[string]string{
		"https://gcr.io": registry.URL, "https://artifactregistry.googleapis.com": sts, "https://sts.googleapis.com/v1/token": sts, "https://iamcredentials.googleapis.com": iam,
	}
	r := w.open("https://gcr.io", "", "")
	ping(t, r)
	content(t, r, "project/app", "v1", d)
}

func TestGitHub(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "ghp"}
	registry.Before = tokens.Guard
	d := registry.Image("acme/app", "x", "v1")
	other := registry.Image("acme/app", "y", "v2", "latest")
	api := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer ghp" {
			remotetest.Answer(w, 401, map[string]string{"message": "Bad credentials"})
			return
		}
		packages := func(owner string, names ...string) {
			rows := []any{}
			for _, name := range names {
				rows = append(rows, map[string]any{"name": name, "owner": map[string]string{"login": owner}})
			}
			remotetest.Answer(w, 200, rows)
		}
		switch version := r.URL.Path; version {
		case "/orgs/acme/packages":
			packages("Acme", "app", "deep/er")
		case "/users/someone/packages", "/user/packages":
			packages("someone", "mine")
		case "/orgs/acme/packages/container/app/versions":
			remotetest.Answer(w, 200, []any{
				map[string]any{"id": 7, "name": string(d), "metadata": map[string]any{"container": map[string]any{"tags": []string{"v1"}}}},
				map[string]any{"id": 8, "name": string(other), "metadata": map[string]any{"container": map[string]any{"tags": []string{"v2", "latest"}}}},
			})
		case "/orgs/acme/packages/container/app/versions/7":
			registry.DeleteManifest("acme/app", string(d))
			w.WriteHeader(http.StatusNoContent)
		default:
			remotetest.Answer(w, 404, map[string]string{"message": "Not Found"})
		}
	})
	w := newWorld(t, remote.GitHubGHCR)
	w.at = map[string]string{"https://ghcr.io": registry.URL, "https://api.github.com": api}
	r := w.open("https://ghcr.io", "someone", "ghp")
	ping(t, r)
	content(t, r, "acme/app", "v1", d)
	listed(t, r, "acme/", "[acme/app acme/deep/er]")
	listed(t, r, "someone/", "[someone/mine]")
	listed(t, r, "", "[someone/mine]")
	if err := r.DeleteTag(t.Context(), "acme/app", "v2"); !errors.Is(err, remote.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if err := r.DeleteTag(t.Context(), "acme/app", "v1"); err != nil || len(registry.Tags("acme/app")) != 2 {
		t.Errorf("got %v", err)
	}
	if err := r.DeleteManifest(t.Context(), "acme/app", oci.SHA256Of(nil)); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	tokens.User = ""
	unlisted(t, w.open("https://ghcr.io", "", ""), "acme/")
}

func TestGitLab(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "glpat"}
	d := registry.Image("group/project/app", "x", "v1")
	registry.Before = tokens.Guard
	gitlab := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			tokens.Serve(w, r)
			return
		}
		if r.Header.Get("Private-Token") != "glpat" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path + "#" + r.URL.Query().Get("page") {
		case "/api/v4/groups/group/registry/repositories#1":
			w.Header().Set("X-Next-Page", "2")
			remotetest.Answer(w, 200, []any{map[string]string{"path": "group/project/app"}})
		case "/api/v4/groups/group/registry/repositories#2", "/api/v4/projects/7/registry/repositories#1":
			remotetest.Answer(w, 200, []any{map[string]string{"path": "group/other"}})
		case "/api/v4/projects#1", "/api/v4/users/someone/projects#1":
			remotetest.Answer(w, 200, []any{map[string]any{"id": 7}, map[string]any{"id": 8}})
		default:
			remotetest.Answer(w, 404, map[string]string{"message": "404 Not found"})
		}
	})
	tokens.Realm = gitlab
	w := newWorld(t, remote.GitLab)
	w.at = map[string]string{"https://gitlab.com": gitlab, "https://registry.gitlab.com": registry.URL}
	r := w.open("https://registry.gitlab.com", "someone", "glpat")
	listed(t, r, "group/", "[group/other group/project/app]") // before anything else was asked
	ping(t, r)
	content(t, r, "group/project/app", "v1", d)
	listed(t, r, "group/p", "[group/project/app]")
	listed(t, r, "", "[group/other]")
	listed(t, r, "someone/", "[]")
	// One's own GitLab, whose tokens come from another host than its registry.
	tokens.Realm = strings.Replace(gitlab, "127.0.0.1", "localhost", 1)
	e := remote.Endpoint{Kind: remote.GitLab, URL: registry.URL, Credential: remote.Credential{AccessKey: "someone", Secret: "glpat"}}
	if led, ok := errors.AsType[*remote.RealmError](remote.Ping(t.Context(), w.with(e))); !ok || led.Origin != tokens.Realm {
		t.Errorf("got %v", led)
	}
	e.Realm = tokens.Realm
	own := w.with(e)
	ping(t, own)
	listed(t, own, "group/", "[group/other group/project/app]")
	// Who has no credential has none that could go to the wrong place.
	tokens.User, e.Realm, e.Credential = "", "", remote.Credential{}
	if err := w.with(e).Repositories(t.Context(), "group/", func(string) error { return nil }); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("as nobody: %v", err)
	}
}

func TestQuay(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "acme+robot", Password: "canary-1"}
	d := registry.Image("acme/app", "x", "v1", "v2")
	var made []string
	registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
		path, ok := strings.CutPrefix(r.URL.Path, "/api/v1")
		if !ok {
			return tokens.Guard(w, r)
		}
		known := r.Header.Get("Authorization") == "Bearer oauth"
		switch {
		case path == "/user/" && known:
			remotetest.Answer(w, 200, map[string]any{"username": "someone", "organizations": []any{map[string]string{"name": "acme"}}})
		case path == "/repository" && r.Method == http.MethodPost && known:
			b := body(r)
			made = append(made, fmt.Sprint(b["namespace"], "/", b["repository"], " ", b["visibility"]))
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, "{}")
		case path == "/repository" && r.URL.Query().Get("namespace") == "acme" && r.URL.Query().Get("next_page") == "":
			remotetest.Answer(w, 200, map[string]any{"repositories": []any{map[string]string{"namespace": "acme", "name": "app"}}, "next_page": "more"})
		case path == "/repository":
			remotetest.Answer(w, 200, map[string]any{"repositories": []any{map[string]string{"namespace": r.URL.Query().Get("namespace"), "name": "last"}}})
		case path == "/repository/acme/app/tag/v2" && known:
			registry.DeleteTag("acme/app", "v2")
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
		return true
	}
	w := newWorld(t, remote.Quay)
	robot := w.open(registry.URL, "acme+robot", "canary-1")
	ping(t, robot)
	content(t, robot, "acme/app", "v1", d)
	listed(t, robot, "", "[acme/app acme/last]")
	both := w.open(registry.URL, "json_file", `{"account_name":"acme+robot","docker_cli_password":"canary-1","oauth2_token":"oauth"}`)
	ping(t, both)
	content(t, both, "acme/app", "v1", d)
	listed(t, both, "acme/a", "[acme/app]")
	if err := both.Prepare(t.Context(), "acme/new", true); err != nil || fmt.Sprint(made) != "[acme/new public]" {
		t.Errorf("made %v, %v", made, err)
	}
	if err := both.DeleteTag(t.Context(), "acme/app", "v2"); err != nil || len(registry.Tags("acme/app")) != 1 {
		t.Errorf("got %v", err)
	}
	tokens.User, tokens.Password = "$oauthtoken", "oauth"
	application := w.open(registry.URL, "json_file", `{"oauth2_token":"oauth"}`)
	ping(t, application)
	listed(t, application, "", "[acme/app acme/last someone/last]")
	tokens.User = ""
	unlisted(t, w.open(registry.URL, "", ""), "")
}

func TestArtifactory(t *testing.T) {
	registry := remotetest.New(t)
	d := registry.Image("docker-local/team/app", "x", "v1", "v2")
	var made []string
	registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if !basicAuth(r, "someone", "canary-1") {
			w.Header().Set("WWW-Authenticate", `Basic realm="Artifactory Realm"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		path, ok := strings.CutPrefix(r.URL.Path, "/artifactory")
		if !ok {
			return false
		}
		switch r.Method + " " + path {
		case "GET /api/repositories":
			remotetest.Answer(w, 200, []any{map[string]string{"key": "docker-local", "type": "LOCAL"}, map[string]string{"key": "docker-cache", "type": "REMOTE"}, map[string]string{"key": "docker", "type": "VIRTUAL"}})
		case "GET /api/docker/docker-local/v2/_catalog":
			remotetest.Answer(w, 200, map[string]any{"repositories": []string{"team/app"}})
		case "GET /api/docker/docker-cache/v2/_catalog":
			remotetest.Answer(w, 200, map[string]any{"repositories": []string{"library/nginx"}})
		case "GET /api/repositories/docker-local":
			remotetest.Answer(w, 200, map[string]string{"key": "docker-local"})
		case "PUT /api/repositories/new":
			b := body(r)
			made = append(made, fmt.Sprint(b["key"], b["rclass"], b["packageType"]))
			fmt.Fprint(w, "Successfully created repository 'new'")
		case "DELETE /docker-local/team/app/v2":
			registry.DeleteTag("docker-local/team/app", "v2")
			w.WriteHeader(http.StatusNoContent)
		default:
			remotetest.Answer(w, 400, map[string]any{"errors": []any{map[string]any{"status": 400, "message": "Bad Request"}}})
		}
		return true
	}
	w := newWorld(t, remote.Artifactory)
	for _, address := range []string{registry.URL, registry.URL + "/artifactory"} {
		r := w.open(address, "someone", "canary-1")
		ping(t, r)
		content(t, r, "docker-local/team/app", "v1", d)
		listed(t, r, "", "[docker-cache/library/nginx docker-local/team/app]")
		listed(t, r, "docker-local/", "[docker-local/team/app]")
		listed(t, r, "docker-l", "[docker-local/team/app]")
	}
	r := w.open(registry.URL, "someone", "canary-1")
	for _, name := range []string{"docker-local/x", "new/x"} {
		if err := r.Prepare(t.Context(), name, false); err != nil {
			t.Error(err)
		}
	}
	if fmt.Sprint(made) != "[newlocaldocker]" {
		t.Errorf("made %v", made)
	}
	if err := r.DeleteTag(t.Context(), "docker-local/team/app", "v2"); err != nil || len(registry.Tags("docker-local/team/app")) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestDTR(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "canary-1"}
	d := registry.Image("acme/app", "x", "v1", "v2")
	var made []string
	registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
		path, ok := strings.CutPrefix(r.URL.Path, "/api/v0/repositories")
		if !ok {
			return tokens.Guard(w, r)
		}
		switch {
		case !basicAuth(r, "someone", "canary-1"):
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost:
			b := body(r)
			made = append(made, fmt.Sprint(path, " ", b["name"], " ", b["visibility"]))
			remotetest.Fail(w, 400, "REPOSITORY_EXISTS", "A repository with the same name already exists.")
		case r.Method == http.MethodDelete:
			registry.DeleteTag("acme/app", "v2")
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Query().Get("pageStart") == "":
			w.Header().Set("X-Next-Page-Start", "17")
			remotetest.Answer(w, 200, map[string]any{"repositories": []any{map[string]string{"namespace": "acme", "name": "app"}}})
		default:
			remotetest.Answer(w, 200, map[string]any{"repositories": []any{map[string]string{"namespace": "acme", "name": "last"}}})
		}
		return true
	}
	r := newWorld(t, remote.DTR).open(registry.URL, "someone", "canary-1")
	ping(t, r)
	content(t, r, "acme/app", "v1", d)
	listed(t, r, "", "[acme/app acme/last]")
	if err := r.Prepare(t.Context(), "acme/app", true); err != nil || fmt.Sprint(made) != "[/acme app public]" {
		t.Errorf("made %v, %v", made, err)
	}
	if err := r.DeleteTag(t.Context(), "acme/app", "v2"); err != nil || len(registry.Tags("acme/app")) != 1 {
		t.Errorf("got %v", err)
	}
}

// The identity of the workload is shown to its vendor alone, whatever address was entered.
func TestWorkloadStaysWithItsVendor(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	if err := os.WriteFile(file, []byte(googleKey(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for kind, env := range map[remote.Kind]map[string]string{
		remote.GoogleGCR: {"GOOGLE_APPLICATION_CREDENTIALS": file},
		remote.AzureACR:  {"AZURE_FEDERATED_TOKEN_FILE": file, "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client"},
	} {
		registry := remotetest.New(t)
		var told []string
		registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" || r.Header.Get("Authorization") != "" || r.Method == http.MethodPost {
				told = append(told, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		w := newWorld(t, kind)
		w.env, w.at = env, map[string]string{registry.URL: registry.URL, "https://artifactregistry.googleapis.com": registry.URL}
		if err := remote.Ping(t.Context(), w.open(registry.URL, "", "")); !errors.Is(err, remote.ErrDenied) || len(told) > 0 {
			t.Errorf("%s: %v, told %v", kind, err, told)
		}
	}
	for _, url := range []string{"https://api.ecr.us-east-1.example.com", "https://123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com", "http://api.ecr.us-east-1.amazonaws.com"} {
		if _, err := remote.New(remote.Endpoint{Kind: remote.AWSECR, URL: url}, remote.Deps{HTTP: remote.NewHTTP()}); err == nil {
			t.Errorf("%s is taken for a registry of Amazon's", url)
		}
	}
}
