package remote_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

// signed holds a signature against one that the test makes in another way, from the vendor's documentation.
func signed(t *testing.T, r *http.Request, want string) {
	t.Helper()
	if got := r.Header.Get("Authorization"); !strings.HasPrefix(got, want) {
		t.Errorf("signed as %q, want %q…", got, want)
	}
}

func TestAli(t *testing.T) {
	for _, c := range []struct{ name, address string }{
		{"enterprise", "https://acme-registry.cn-hangzhou.cr.aliyuncs.com"}, {"personal", "https://registry.cn-hangzhou.aliyuncs.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			registry := remotetest.New(t)
			tokens := &remotetest.Tokens{User: "cr_temp_user", Password: "canary-1"}
			registry.Before = tokens.Guard
			auth := fake(t, tokens.Serve)
			tokens.Realm = auth
			d := registry.Image("team/app", "x", "v1")
			api := fake(t, func(w http.ResponseWriter, r *http.Request) {
				signed(t, r, "ACS3-HMAC-SHA256 Credential=LTAIgood,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=")
				ends := time.Date(2026, 11, 29, 13, 0, 0, 0, time.UTC).UnixMilli()
				switch q := r.URL.Query(); r.Header.Get("X-Acs-Action") + " " + r.URL.Path {
				case "ListInstance /":
					remotetest.Answer(w, 200, map[string]any{"Instances": []any{map[string]string{"InstanceId": "cri-1", "InstanceName": q.Get("InstanceName")}}})
				case "GetAuthorizationToken /":
					remotetest.Answer(w, 200, map[string]any{"TempUsername": "cr_temp_user", "AuthorizationToken": "canary-1", "ExpireTime": ends})
				case "GetAuthorizationToken /tokens":
					remotetest.Answer(w, 200, map[string]any{"data": map[string]any{"tempUserName": "cr_temp_user", "authorizationToken": "canary-1", "expireDate": ends}})
				case "ListRepository /":
					remotetest.Answer(w, 200, map[string]any{"Repositories": []any{map[string]string{"RepoNamespaceName": "team", "RepoName": "app"}}})
				case "GetRepoList /repos":
					remotetest.Answer(w, 200, map[string]any{"data": map[string]any{"repos": []any{map[string]string{"repoNamespace": "team", "repoName": "app"}}}})
				case "CreateNamespace /", "CreateNamespace /namespace":
					remotetest.Answer(w, 400, map[string]string{"Code": "NAMESPACE_EXIST", "message": "namespace is exist"})
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			})
			w := newWorld(t, remote.AliACR)
			w.at = map[string]string{c.address: registry.URL, "https://cr.cn-hangzhou.aliyuncs.com": api}
			for _, name := range []string{"dockerauth", "dockerauth-vpc", "dockerauth-internal", "dockerauth-ee", "dockerauth-ee-vpc"} {
				w.at["https://"+name+".cn-hangzhou.aliyuncs.com"] = auth
			}
			r := w.open(c.address, "LTAIgood", "secret")
			ping(t, r)
			content(t, r, "team/app", "v1", d)
			listed(t, r, "team/", "[team/app]")
			if err := r.Prepare(t.Context(), "team/new", false); err != nil {
				t.Error(err)
			}
			plain := w.open(c.address, "cr_temp_user", "canary-1")
			content(t, plain, "team/app", "v1", d)
			unlisted(t, plain, "team/")
		})
	}
}

func TestHuawei(t *testing.T) {
	const address = "https://swr.cn-north-4.myhuaweicloud.com"
	registry := remotetest.New(t)
	// printf AKgood | openssl dgst -sha256 -hmac secret, as the documentation has it
	tokens := &remotetest.Tokens{User: "cn-north-4@AKgood", Password: "13c8fe3a5b7d"}
	d := registry.Image("team/deep/app", "x", "v1", "v2")
	api := fake(t, func(w http.ResponseWriter, r *http.Request) {
		signed(t, r, "SDK-HMAC-SHA256 Access=AKgood, SignedHeaders=host;x-sdk-date, Signature=")
		switch r.Method + " " + r.URL.Path {
		case "GET /v2/manage/repos":
			if filter := r.URL.Query().Get("filter"); filter != "namespace::team|offset::0|limit::100" {
				t.Errorf("filter %q", filter)
			}
			remotetest.Answer(w, 200, []any{map[string]string{"namespace": "team", "name": "deep/app"}})
		case "POST /v2/manage/namespaces":
			remotetest.Answer(w, 409, map[string]any{"errors": []any{map[string]string{"errorCode": "SVCSTG.SWR.4090000"}}})
		case "DELETE /v2/manage/namespaces/team/repos/deep$app/tags/v2":
			registry.DeleteTag("team/deep/app", "v2")
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	password := ""
	registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			_, password, _ = r.BasicAuth()
			tokens.Password = password
		}
		return tokens.Guard(w, r)
	}
	w := newWorld(t, remote.HuaweiSWR)
	w.at = map[string]string{address: registry.URL, "https://swr-api.cn-north-4.myhuaweicloud.com": api}
	r := w.open(address, "AKgood", "secret")
	ping(t, r)
	if len(password) != 64 || strings.Contains(password, "secret") {
		t.Errorf("the password is %q", password)
	}
	content(t, r, "team/deep/app", "v1", d)
	listed(t, r, "team/", "[team/deep/app]")
	if err := r.Prepare(t.Context(), "team/new", false); err != nil {
		t.Error(err)
	}
	if err := r.DeleteTag(t.Context(), "team/deep/app", "v2"); err != nil || len(registry.Tags("team/deep/app")) != 1 {
		t.Errorf("got %v", err)
	}
	plain := w.open(address, "cn-north-4@AKgood", password)
	content(t, plain, "team/deep/app", "v1", d)
	unlisted(t, plain, "team/")
}

func TestTencent(t *testing.T) {
	const address = "https://acme.tencentcloudcr.com"
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "100001", Password: "canary-1"}
	registry.Before = tokens.Guard
	d := registry.Image("team/app", "x", "v1", "v2")
	api := fake(t, func(w http.ResponseWriter, r *http.Request) {
		signed(t, r, "TC3-HMAC-SHA256 Credential=AKIDgood/2026-11-29/tcr/tc3_request, SignedHeaders=content-type;host, Signature=")
		b := body(r)
		respond := func(v map[string]any) { remotetest.Answer(w, 200, map[string]any{"Response": v}) }
		action := r.Header.Get("X-Tc-Action")
		if action != "DescribeInstances" && (b["RegistryId"] != "tcr-1" || r.Header.Get("X-Tc-Region") != "ap-guangzhou") {
			respond(map[string]any{"Error": map[string]string{"Code": "ResourceNotFound", "Message": "x"}})
			return
		}
		switch action {
		case "DescribeInstances":
			respond(map[string]any{"Registries": []any{map[string]string{"RegistryId": "tcr-1", "RegistryName": "acme", "RegionName": "ap-guangzhou"}}})
		case "CreateInstanceToken":
			respond(map[string]any{"Username": "100001", "Token": "canary-1", "ExpTime": time.Date(2026, 11, 29, 13, 0, 0, 0, time.UTC).UnixMilli()})
		case "DescribeRepositories":
			respond(map[string]any{"RepositoryList": []any{map[string]string{"Name": "team/app", "Namespace": "team"}}, "TotalCount": 1})
		case "CreateNamespace":
			respond(map[string]any{"Error": map[string]string{"Code": "FailedOperation.ErrorNamespaceExist", "Message": "x"}})
		case "DeleteImage":
			registry.DeleteTag(fmt.Sprint(b["NamespaceName"], "/", b["RepositoryName"]), fmt.Sprint(b["ImageVersion"]))
			respond(map[string]any{})
		}
	})
	w := newWorld(t, remote.TencentTCR)
	w.at = map[string]string{address: registry.URL, "https://tcr.tencentcloudapi.com": api}
	r := w.open(address, "AKIDgood", "secret")
	ping(t, r)
	content(t, r, "team/app", "v1", d)
	listed(t, r, "", "[team/app]")
	if err := r.Prepare(t.Context(), "team/new", false); err != nil {
		t.Error(err)
	}
	if err := r.DeleteTag(t.Context(), "team/app", "v2"); err != nil || len(registry.Tags("team/app")) != 1 {
		t.Errorf("got %v", err)
	}
	unlisted(t, w.open(address, "100001", "canary-1"), "")
}

func TestVolcengine(t *testing.T) {
	const address = "https://acme-cn-beijing.cr.volces.com"
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "account@1", Password: "canary-1"}
	registry.Before = tokens.Guard
	d := registry.Image("team/app", "x", "v1", "v2")
	var made []string
	api := fake(t, func(w http.ResponseWriter, r *http.Request) {
		signed(t, r, "HMAC-SHA256 Credential=AKLTgood/20261129/cn-beijing/cr/request, SignedHeaders=content-type;host;x-content-sha256;x-date, Signature=")
		b := body(r)
		if b["Registry"] != "acme" || r.URL.Query().Get("Version") != "2022-05-12" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		switch action := r.URL.Query().Get("Action"); action {
		case "GetAuthorizationToken":
			remotetest.Answer(w, 200, map[string]any{"Result": map[string]string{"Username": "account@1", "Token": "canary-1", "ExpireTime": "2026-11-29T13:00:00Z"}})
		case "ListRepositories":
			remotetest.Answer(w, 200, map[string]any{"Result": map[string]any{"Items": []any{map[string]string{"Namespace": "team", "Name": "app"}}}})
		case "CreateNamespace":
			remotetest.Answer(w, 409, map[string]any{"ResponseMetadata": map[string]any{"Error": map[string]string{"Code": "AlreadyExists.Namespace", "Message": "x"}}})
		case "CreateRepository":
			made = append(made, fmt.Sprint(b["Namespace"], "/", b["Name"], " ", b["AccessLevel"]))
			remotetest.Answer(w, 200, map[string]any{})
		case "DeleteTags":
			registry.DeleteTag("team/app", "v2")
			remotetest.Answer(w, 200, map[string]any{})
		}
	})
	w := newWorld(t, remote.VolcengineCR)
	w.at = map[string]string{address: registry.URL, "https://open.volcengineapi.com": api}
	r := w.open(address, "AKLTgood", "secret")
	ping(t, r)
	content(t, r, "team/app", "v1", d)
	listed(t, r, "team/", "[team/app]")
	if err := r.Prepare(t.Context(), "team/new", true); err != nil || fmt.Sprint(made) != "[team/new Public]" {
		t.Errorf("made %v, %v", made, err)
	}
	if err := r.DeleteTag(t.Context(), "team/app", "v2"); err != nil || len(registry.Tags("team/app")) != 1 {
		t.Errorf("got %v", err)
	}
	unlisted(t, w.open(address, "account@1", "canary-1"), "")
}
