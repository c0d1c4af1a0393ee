package remote_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

// What stands for the vendors' services in these tests are fakes, written from their public documentation.

// fake runs a vendor's API until the test ends, and returns its address.
func fake(t *testing.T, serve http.HandlerFunc) string {
	s := httptest.NewServer(serve)
	t.Cleanup(s.Close)
	return s.URL
}

// body is what a request sends as JSON.
func body(r *http.Request) map[string]any {
	v := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&v)
	return v
}

func basicAuth(r *http.Request, user, password string) bool {
	u, p, ok := r.BasicAuth()
	return ok && u == user && p == password
}

// content holds a registry against what it should have.
func content(t *testing.T, r remote.Registry, repository, tag string, want oci.Digest) {
	t.Helper()
	if d, err := r.Head(t.Context(), repository, oci.TagReference(tag)); err != nil || d.Digest != want {
		t.Errorf("%s:%s is %v, %v", repository, tag, d.Digest, err)
	}
	d, b := remotetest.Random(100)
	if err := r.PutBlob(t.Context(), repository, d, remotetest.From(b), remote.PutOptions{}); err != nil {
		t.Error(err)
	}
}

func listed(t *testing.T, r remote.Registry, prefix, want string) {
	t.Helper()
	if all := fmt.Sprint(remotetest.Repositories(t, r, prefix)); all != want {
		t.Errorf("%q lists %s, want %s", prefix, all, want)
	}
}

func unlisted(t *testing.T, r remote.Registry, prefix string) {
	t.Helper()
	if err := r.Repositories(t.Context(), prefix, func(string) error { return nil }); !errors.Is(err, remote.ErrUnsupported) {
		t.Errorf("%q: %v", prefix, err)
	}
}

func TestDockerHub(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "canary-1"}
	registry.Before = tokens.Guard
	d := registry.Image("library/nginx", "x", "latest", "1.27")
	registry.Image("someone/app", "y", "v1")
	auth := fake(t, tokens.Serve)
	tokens.Realm = auth
	const page = 100
	api := fake(t, func(w http.ResponseWriter, r *http.Request) {
		signedIn := r.Header.Get("Authorization") == "Bearer jwt"
		n, _ := strconv.Atoi(r.URL.Query().Get("page"))
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/v2/auth/token":
			if b := body(r); b["identifier"] != "someone" || b["secret"] != "canary-1" {
				remotetest.Answer(w, 401, map[string]string{"detail": "Incorrect authentication credentials"})
				return
			}
			remotetest.Answer(w, 200, map[string]string{"access_token": "jwt"})
		case r.URL.Path == "/v2/repositories/namespaces/" && signedIn:
			remotetest.Answer(w, 200, map[string]any{"namespaces": []string{"someone"}})
		case r.URL.Path == "/v2/namespaces/someone/repositories" && n == 1:
			rows := []any{}
			for i := range page {
				rows = append(rows, map[string]string{"name": fmt.Sprintf("r%03d", i)})
			}
			remotetest.Answer(w, 200, map[string]any{"next": "http://elsewhere/?page=2", "results": rows})
		case r.URL.Path == "/v2/namespaces/someone/repositories" && n == 2:
			remotetest.Answer(w, 200, map[string]any{"next": nil, "results": []any{map[string]string{"name": "app"}}})
		case r.URL.Path == "/v2/namespaces/library/repositories" && !signedIn:
			remotetest.Answer(w, 403, map[string]any{"message": "pagination offset too large for anonymous requests; sign in to page further"})
		case r.Method == http.MethodDelete && r.URL.Path == "/v2/repositories/library/nginx/tags/1.27/" && signedIn:
			registry.DeleteTag("library/nginx", "1.27")
			w.WriteHeader(http.StatusNoContent)
		default:
			remotetest.Answer(w, 404, map[string]string{"message": "object not found"})
		}
	})
	w := newWorld(t, remote.DockerHub)
	w.at = map[string]string{"https://hub.docker.com": api, "https://registry-1.docker.io": registry.URL, "https://auth.docker.io": auth}
	r := w.open("https://hub.docker.com", "someone", "canary-1")
	ping(t, r)
	content(t, r, "nginx", "latest", d) // library/ is what it leaves out
	content(t, r, "library/nginx", "latest", d)
	listed(t, r, "someone/a", "[someone/app]")
	if all := remotetest.Repositories(t, r, ""); len(all) != page+1 {
		t.Errorf("got %d", len(all))
	}
	if all := remotetest.TagsOf(t, r, "nginx"); len(all) != 2 {
		t.Errorf("got %v", all)
	}
	if err := r.Prepare(t.Context(), "a/b/c", false); !errors.Is(err, remote.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if err := r.DeleteTag(t.Context(), "nginx", "1.27"); err != nil || len(registry.Tags("library/nginx")) != 1 {
		t.Errorf("got %v", err)
	}
	if err := remote.Ping(t.Context(), w.open("https://hub.docker.com", "someone", "canary-2")); !errors.Is(err, remote.ErrCredential) {
		t.Errorf("got %v", err)
	}
	tokens.User = ""
	nobody := w.open("https://hub.docker.com", "", "")
	ping(t, nobody)
	unlisted(t, nobody, "")
	if err := nobody.Repositories(t.Context(), "library/", func(string) error { return nil }); !errors.Is(err, remote.ErrDenied) || !strings.Contains(err.Error(), "sign in") {
		t.Errorf("got %v", err)
	}
}

// aws is a fake of Amazon's APIs for one registry. It takes who signs with the right key's name; the signature itself has a test of its own.
func aws(t *testing.T, registry *remotetest.Registry, target, proxy string) (*httptest.Server, *[]string) {
	asked := &[]string{}
	passwords := 0
	failed := func(w http.ResponseWriter, code string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":"words"}`, code)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
		*asked = append(*asked, action)
		credential, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), ", ")
		if parts := strings.Split(credential, "/"); len(parts) != 5 || parts[0] != "AKIAGOOD" || parts[2] != "us-east-1" || !strings.HasPrefix(parts[3], "ecr") {
			failed(w, "UnrecognizedClientException")
			return
		}
		b := body(r)
		name, _ := b["repositoryName"].(string)
		switch action {
		case "GetAuthorizationToken":
			passwords++
			password := fmt.Sprintf("AWS:canary-password-%d", passwords)
			if target == "SpencerFrontendService." {
				password = "AWS:canary-password"
			}
			data := map[string]any{"authorizationToken": base64.StdEncoding.EncodeToString([]byte(password)), "expiresAt": 1.7959536e9 + 12*3600*float64(passwords) + 0.5, "proxyEndpoint": proxy}
			if target == "SpencerFrontendService." {
				remotetest.Answer(w, 200, map[string]any{"authorizationData": data})
				return
			}
			remotetest.Answer(w, 200, map[string]any{"authorizationData": []any{data}})
		case "DescribeRegistries":
			remotetest.Answer(w, 200, map[string]any{"registries": []any{map[string]any{"aliases": []any{map[string]string{"name": "alias"}}}}})
		case "DescribeRepositories":
			if b["nextToken"] == nil {
				remotetest.Answer(w, 200, map[string]any{"repositories": []any{map[string]string{"repositoryName": "team/a"}}, "nextToken": "more"})
				return
			}
			remotetest.Answer(w, 200, map[string]any{"repositories": []any{map[string]string{"repositoryName": "team/b"}}})
		case "ListImages":
			tags := registry.Tags(name)
			if len(tags) == 0 {
				failed(w, "RepositoryNotFoundException")
				return
			}
			rows := []any{}
			for tag, digest := range tags {
				rows = append(rows, map[string]string{"imageTag": tag, "imageDigest": digest})
			}
			remotetest.Answer(w, 200, map[string]any{"imageIds": rows})
		case "CreateRepository":
			if name == "team/a" {
				failed(w, "RepositoryAlreadyExistsException")
				return
			}
			remotetest.Answer(w, 200, map[string]any{})
		case "BatchDeleteImage":
			image := b["imageIds"].([]any)[0].(map[string]any)
			if tag, _ := image["imageTag"].(string); !registry.DeleteTag(name, tag) {
				remotetest.Answer(w, 200, map[string]any{"failures": []any{map[string]string{"failureCode": "ImageNotFound"}}})
				return
			}
			remotetest.Answer(w, 200, map[string]any{})
		default:
			failed(w, "UnknownOperationException")
		}
	}))
	t.Cleanup(s.Close)
	return s, asked
}

func TestECR(t *testing.T) {
	const proxy = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"
	for _, address := range []string{"https://api.ecr.us-east-1.amazonaws.com", proxy} {
		t.Run(address, func(t *testing.T) {
			registry := remotetest.New(t)
			d := registry.Image("team/a", "x", "v1", "v2")
			ended, first := false, ""
			registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
				if user, password, _ := r.BasicAuth(); user != "AWS" || !strings.HasPrefix(password, "canary-password-") {
					w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return true
				}
				if ended && strings.HasSuffix(r.Header.Get("Authorization"), first) {
					remotetest.Fail(w, 403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
					return true
				}
				return false
			}
			api, asked := aws(t, registry, "AmazonEC2ContainerRegistry_V20150921.", proxy)
			w := newWorld(t, remote.AWSECR)
			w.at = map[string]string{"https://api.ecr.us-east-1.amazonaws.com": api.URL, proxy: registry.URL}
			r := w.open(address, "AKIAGOOD", "secret")
			ping(t, r)
			content(t, r, "team/a", "v1", d)
			listed(t, r, "team/", "[team/a team/b]")
			if all := remotetest.TagsOf(t, r, "team/a"); len(all) != 2 || all["v1"] != d {
				t.Errorf("got %v", all)
			}
			if err := r.Tags(t.Context(), "team/none", func(remote.Tag) error { return nil }); !errors.Is(err, remote.ErrNotFound) {
				t.Errorf("got %v", err)
			}
			for _, name := range []string{"team/a", "team/new"} {
				if err := r.Prepare(t.Context(), name, false); err != nil {
					t.Error(err)
				}
			}
			if err := r.DeleteTag(t.Context(), "team/a", "v2"); err != nil || len(registry.Tags("team/a")) != 1 {
				t.Errorf("got %v", err)
			}
			if err := r.DeleteTag(t.Context(), "team/a", "v2"); !errors.Is(err, remote.ErrNotFound) {
				t.Errorf("got %v", err)
			}
			ask := func() int {
				n := 0
				for _, each := range *asked {
					if each == "GetAuthorizationToken" {
						n++
					}
				}
				return n
			}
			if n := ask(); n != 1 {
				t.Errorf("asked %d times for the password of twelve hours", n)
			}
			w.now = time.Unix(1795996800, 0).Add(-time.Minute) // shortly before its end
			content(t, r, "team/a", "v1", d)
			if n := ask(); n != 2 {
				t.Errorf("asked %d times after it had ended nearly", n)
			}
			w.now = w.now.Add(2 * time.Minute)
			ended, first = true, base64.StdEncoding.EncodeToString([]byte("AWS:canary-password-2"))
			content(t, r, "team/a", "v1", d)
			if _, ok := r.(remote.Metered); !ok {
				t.Error("it hears of no limits")
			}
			if err := remote.Ping(t.Context(), w.open(address, "AKIABAD", "secret")); !errors.Is(err, remote.ErrCredential) {
				t.Errorf("got %v", err)
			}
			if err := remote.Ping(t.Context(), w.open(address, "", "")); !errors.Is(err, remote.ErrDenied) {
				t.Errorf("without keys: %v", err)
			}
		})
	}
}

func TestPublicECR(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{}
	registry.Before = tokens.Guard
	d := registry.Image("alias/team/a", "x", "v1")
	api, _ := aws(t, registry, "SpencerFrontendService.", "")
	w := newWorld(t, remote.AWSECR)
	w.at = map[string]string{"https://api.ecr-public.us-east-1.amazonaws.com": api.URL, "https://public.ecr.aws": registry.URL}
	nobody := w.open("https://public.ecr.aws", "", "")
	ping(t, nobody)
	if got, err := nobody.Head(t.Context(), "alias/team/a", oci.TagReference("v1")); err != nil || got.Digest != d {
		t.Errorf("got %v, %v", got, err)
	}
	unlisted(t, nobody, "")
	tokens.User, tokens.Password = "AWS", "canary-password"
	r := w.open("https://public.ecr.aws", "AKIAGOOD", "secret")
	ping(t, r)
	content(t, r, "alias/team/a", "v1", d)
	listed(t, r, "alias/", "[alias/team/a alias/team/b]")
	if err := r.Prepare(t.Context(), "alias/team/a", true); err != nil {
		t.Error(err)
	}
}

// Keys of a workload: a role, for the token that the cluster wrote into a file; and a role of the endpoint's, taken on with them.
func TestAWSWorkload(t *testing.T) {
	registry := remotetest.New(t)
	registry.Image("team/a", "x", "v1")
	const proxy = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"
	api, _ := aws(t, registry, "AmazonEC2ContainerRegistry_V20150921.", proxy)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of the cluster\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var actions []string
	sts := fake(t, func(w http.ResponseWriter, r *http.Request) {
		action := r.PostFormValue("Action")
		actions = append(actions, action+" "+r.PostFormValue("RoleArn"))
		id := "AKIAGOOD"
		switch {
		case action == "AssumeRoleWithWebIdentity" && r.PostFormValue("WebIdentityToken") == "of the cluster":
		case action == "AssumeRole" && strings.Contains(r.Header.Get("Authorization"), "Credential=AKIAGOOD/") && r.Header.Get("X-Amz-Security-Token") == "session":
		default:
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>%[2]s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken><Expiration>2026-11-29T13:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action, id)
	})
	w := newWorld(t, remote.AWSECR)
	w.at = map[string]string{"https://api.ecr.us-east-1.amazonaws.com": api.URL, proxy: registry.URL, "https://sts.us-east-1.amazonaws.com": sts}
	w.env = map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::1:role/haven", "AWS_WEB_IDENTITY_TOKEN_FILE": file}
	ping(t, w.open(proxy, "", ""))
	ping(t, w.open(proxy, "arn:aws:iam::2:role/other", ""))
	if got := fmt.Sprint(actions); got != "[AssumeRoleWithWebIdentity arn:aws:iam::1:role/haven AssumeRoleWithWebIdentity arn:aws:iam::1:role/haven AssumeRole arn:aws:iam::2:role/other]" {
		t.Errorf("got %s", got)
	}
	for _, url := range []string{"https://registry.example.com", "https://evil.amazonaws.com"} {
		if _, err := remote.New(remote.Endpoint{Kind: remote.AWSECR, URL: url}, remote.Deps{HTTP: remote.NewHTTP()}); err == nil {
			t.Errorf("%s is taken for a registry of Amazon's", url)
		}
	}
}
