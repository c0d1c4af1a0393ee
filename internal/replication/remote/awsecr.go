package remote

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/secret"
)

// ecr is Amazon's Elastic Container Registry: content by distribution, with a password of twelve hours that the API gives; lists,
// repositories and deletions by the API.
type ecr struct {
	late
	*awsKeys
	address  string // of the API
	target   string // prefix of X-Amz-Target
	service  string
	account  string // of the registry, "" for the caller's own
	alias    func(ctx context.Context) (string, error)
	password *fleeting[ecrPassword]
}

// ecrPassword is what the API gives: a login, and where the registry is.
type ecrPassword struct {
	login login
	proxy string
}

const (
	ecrPublicHost    = "public.ecr.aws"
	ecrPublicRegion  = "us-east-1" // the only one that answers for it
	ecrPublicAddress = "https://api.ecr-public.us-east-1.amazonaws.com"
)

var (
	ecrAPI      = regexp.MustCompile(`^(?:api\.)?ecr(-fips)?\.([a-z0-9-]+)\.([a-z0-9.-]+)$`)
	ecrRegistry = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.([a-z0-9.-]+)$`)
)

func newECR(c *client, e Endpoint, d Deps) (Registry, error) {
	host := c.base.Hostname()
	if host == ecrPublicHost {
		return newPublicECR(c, e, d), nil
	}
	var account, fips, region, domain string
	if m := ecrRegistry.FindStringSubmatch(host); m != nil {
		account, fips, region, domain = m[1], m[2], m[3], m[4]
	} else if m := ecrAPI.FindStringSubmatch(host); m != nil {
		fips, region, domain = m[1], m[2], m[3]
	}
	if c.base.Scheme != "https" || !within(domain, "amazonaws.com", "amazonaws.com.cn", "on.aws", "amazonaws.eu", "c2s.ic.gov", "sc2s.sgov.gov") {
		return nil, errors.New("url: expected https://api.ecr.REGION.amazonaws.com, https://ACCOUNT.dkr.ecr.REGION.amazonaws.com or https://public.ecr.aws")
	}
	if domain == "on.aws" {
		domain = awsDomain(region)
	}
	r := &ecr{
		awsKeys: newAWSKeys(c, d, e.Credential, region, domain), target: "AmazonEC2ContainerRegistry_V20150921.", service: "ecr", account: account,
		address: d.at("https://api.ecr" + "." + region + "." + domain),
	}
	if fips != "" {
		r.address = d.at("https://ecr-fips." + region + "." + domain)
	}
	r.password = newFleeting(d.Clock, r.makePassword)
	c.auth.login, c.expired = r.login, loginEnded
	c.auth.challenge = &challenge{scheme: "basic"} // it is known, and saves a request
	if account != "" {
		c.move(parsed(d.at(e.URL), c.base))
		r.find = func(context.Context) (*client, error) { return c, nil }
	} else {
		found := newFleeting(d.Clock, r.locate)
		r.find = func(ctx context.Context) (*client, error) { return found.get(ctx, false) }
	}
	return r, nil
}

func parsed(address string, otherwise *url.URL) *url.URL {
	if u, err := url.Parse(address); err == nil {
		return u
	}
	return otherwise
}

// newPublicECR is the public registry, where everybody may pull, and tokens are asked for as elsewhere.
func newPublicECR(c *client, e Endpoint, d Deps) Registry {
	r := &ecr{
		awsKeys: newAWSKeys(c, d, e.Credential, ecrPublicRegion, "amazonaws.com"), target: "SpencerFrontendService.", service: "ecr-public",
		address: d.at(ecrPublicAddress),
	}
	r.password = newFleeting(d.Clock, r.makePassword)
	c.move(parsed(d.at(e.URL), c.base))
	c.auth.login = func(ctx context.Context, fresh bool) (login, error) {
		if !r.given() {
			return login{}, nil
		}
		return r.login(ctx, fresh)
	}
	names := newFleeting(d.Clock, r.firstAlias)
	r.alias = func(ctx context.Context) (string, error) { return names.get(ctx, false) }
	r.find = func(context.Context) (*client, error) { return c, nil }
	return r
}

// loginEnded says whether an answer of 403 is, or may be, about a password that has ended.
func loginEnded(answer *http.Response) bool {
	if answer.StatusCode != http.StatusForbidden {
		return false
	}
	if answer.Request.Method == http.MethodHead {
		return true
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	answer.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(text), answer.Body}
	return bytes.Contains(text, []byte("authorization token has expired"))
}

// ask calls the API. What it means is said in its own codes, with 400 for nearly all.
func (r *ecr) ask(ctx context.Context, action string, body, into any) error {
	_, _, err := r.call(ctx, call{
		method: http.MethodPost, url: r.address + "/", body: body,
		header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {r.target + action}},
		sign: func(ctx context.Context, req *http.Request, text []byte) error {
			k, err := r.current(ctx)
			if err != nil {
				return err
			}
			signAWS(req, text, k, r.region, r.service, r.clock())
			return nil
		},
	}, into)
	answer, ok := errors.AsType[*AnswerError](err)
	if !ok {
		return err
	}
	switch code := answer.Code[strings.LastIndex(answer.Code, "#")+1:]; {
	case strings.HasSuffix(code, "NotFoundException"):
		answer.means = ErrNotFound
	case strings.HasPrefix(code, "Throttling"), strings.HasPrefix(code, "LimitExceeded"), code == "TooManyRequestsException":
		return &LimitError{}
	case code == "UnrecognizedClientException", code == "InvalidSignatureException", code == "InvalidClientTokenId", code == "MissingAuthenticationTokenException":
		answer.means = ErrCredential
	case strings.HasPrefix(code, "AccessDenied"), strings.HasPrefix(code, "ExpiredToken"):
		answer.means = ErrDenied
	}
	return answer
}

// registryID names the registry of another account than the caller's.
func (r *ecr) with(body map[string]any) map[string]any {
	if r.account != "" {
		body["registryId"] = r.account
	}
	return body
}

// login is the one of the moment.
func (r *ecr) login(ctx context.Context, fresh bool) (login, error) {
	p, err := r.password.get(ctx, fresh)
	return p.login, err
}

func (r *ecr) makePassword(ctx context.Context) (ecrPassword, time.Time, error) {
	type data struct {
		Token string  `json:"authorizationToken"`
		Ends  float64 `json:"expiresAt"`
		Proxy string  `json:"proxyEndpoint"`
	}
	var private struct {
		Data []data `json:"authorizationData"`
	}
	var public struct {
		Data data `json:"authorizationData"`
	}
	into := any(&private)
	if r.alias != nil {
		into = &public
	}
	if err := r.ask(ctx, "GetAuthorizationToken", map[string]any{}, into); err != nil {
		return ecrPassword{}, time.Time{}, fmt.Errorf("ask for a password: %w", err)
	}
	found := append(private.Data, public.Data)[0]
	text, err := base64.StdEncoding.DecodeString(found.Token)
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok {
		return ecrPassword{}, time.Time{}, fmt.Errorf("%w: the API gives no password", ErrNoRegistry)
	}
	return ecrPassword{login{user: user, password: secret.Text(password)}, found.Proxy}, time.Unix(int64(found.Ends), 0), nil
}

// locate finds the registry's own address.
func (r *ecr) locate(ctx context.Context) (*client, time.Time, error) {
	password, err := r.password.get(ctx, false)
	if err != nil {
		return nil, time.Time{}, err
	}
	at, err := url.Parse(r.d.at(password.proxy))
	if err != nil || at.Host == "" {
		return nil, time.Time{}, fmt.Errorf("%w: the API doesn't say where the registry is", ErrNoRegistry)
	}
	c := *r.client
	c.auth = newAuthority(at, r.http, r.clock, r.login)
	c.auth.challenge = &challenge{scheme: "basic"}
	c.base = at
	return &c, r.clock().Add(100 * 365 * 24 * time.Hour), nil
}

// firstAlias is the first part of all names of one's own repositories in the public registry.
func (r *ecr) firstAlias(ctx context.Context) (string, time.Time, error) {
	var found struct {
		Registries []struct {
			Aliases []struct {
				Name string `json:"name"`
			} `json:"aliases"`
		} `json:"registries"`
	}
	if err := r.ask(ctx, "DescribeRegistries", map[string]any{}, &found); err != nil {
		return "", time.Time{}, err
	}
	for _, each := range found.Registries {
		if len(each.Aliases) > 0 {
			return each.Aliases[0].Name, r.clock().Add(time.Hour), nil
		}
	}
	return "", time.Time{}, fmt.Errorf("%w: the account has no public registry", ErrNotFound)
}

// Repositories implements Registry: those of the account.
func (r *ecr) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	front := ""
	if r.alias != nil {
		if !r.given() {
			return fmt.Errorf("%w: list repositories of the public registry without an access key", ErrUnsupported)
		}
		alias, err := r.alias(ctx)
		if err != nil {
			return err
		}
		front = alias + "/"
	}
	return r.paged(ctx, "DescribeRepositories", map[string]any{}, func(decode func(any) error) (string, error) {
		var page struct {
			Repositories []struct {
				Name string `json:"repositoryName"`
			} `json:"repositories"`
			Next string `json:"nextToken"`
		}
		if err := decode(&page); err != nil {
			return "", err
		}
		for _, each := range page.Repositories {
			if name := front + each.Name; r.wanted(name, prefix) {
				if err := yield(name); err != nil {
					return "", err
				}
			}
		}
		return page.Next, nil
	})
}

// paged asks for all pages of a list. A page says how the next is asked for.
func (r *ecr) paged(ctx context.Context, action string, body map[string]any, page func(decode func(any) error) (next string, err error)) error {
	body["maxResults"] = 1000
	r.with(body)
	return byMark(func(mark string) (string, error) {
		if mark != "" {
			body["nextToken"] = mark
		}
		return page(func(into any) error { return r.ask(ctx, action, body, into) })
	})
}

// Tags implements Registry, with digests.
func (r *ecr) Tags(ctx context.Context, repository string, yield func(Tag) error) error {
	if r.alias != nil { // of others' repositories, which the API doesn't know
		return r.client.Tags(ctx, repository, yield)
	}
	body := map[string]any{"repositoryName": repository, "filter": map[string]string{"tagStatus": "TAGGED"}}
	return r.paged(ctx, "ListImages", body, func(decode func(any) error) (string, error) {
		var page struct {
			Images []struct {
				Digest string `json:"imageDigest"`
				Tag    string `json:"imageTag"`
			} `json:"imageIds"`
			Next string `json:"nextToken"`
		}
		if err := decode(&page); err != nil {
			return "", err
		}
		for _, each := range page.Images {
			digest, err := oci.ParseDigest(each.Digest)
			if err != nil || each.Tag == "" {
				continue
			}
			if err := yield(Tag{Name: each.Tag, Digest: digest}); err != nil {
				return "", err
			}
		}
		return page.Next, nil
	})
}

// Prepare implements Registry: pushing makes no repository.
func (r *ecr) Prepare(ctx context.Context, repository string, public bool) error {
	name := repository
	if r.alias != nil {
		_, rest, ok := strings.Cut(repository, "/")
		if !ok {
			return fmt.Errorf("%w: %s has no alias in front", ErrUnsupported, repository)
		}
		name = rest
	} else if public {
		r.d.Log.InfoContext(ctx, "a repository of Amazon's private registry is for nobody else, whatever its source was", "repository", repository)
	}
	body := map[string]any{"repositoryName": name}
	if r.alias == nil {
		r.with(body)
	}
	err := r.ask(ctx, "CreateRepository", body, nil)
	if answer, ok := errors.AsType[*AnswerError](err); ok && strings.HasSuffix(answer.Code, "RepositoryAlreadyExistsException") {
		return nil
	}
	if errors.Is(err, ErrDenied) && !errors.Is(err, ErrCredential) {
		return nil // the keys may be good for pushing alone, which tells whether the repository is there
	}
	return err
}

// DeleteTag implements Registry.
func (r *ecr) DeleteTag(ctx context.Context, repository, tag string) error {
	return r.remove(ctx, repository, map[string]string{"imageTag": tag})
}

// DeleteManifest implements Registry.
func (r *ecr) DeleteManifest(ctx context.Context, repository string, d oci.Digest) error {
	return r.remove(ctx, repository, map[string]string{"imageDigest": d.String()})
}

func (r *ecr) remove(ctx context.Context, repository string, image map[string]string) error {
	body := map[string]any{"repositoryName": repository, "imageIds": []any{image}}
	if r.alias != nil {
		_, rest, _ := strings.Cut(repository, "/")
		body["repositoryName"] = rest
	} else {
		r.with(body)
	}
	var answer struct {
		Failures []struct {
			Code   string `json:"failureCode"`
			Reason string `json:"failureReason"`
		} `json:"failures"`
	}
	if err := r.ask(ctx, "BatchDeleteImage", body, &answer); err != nil {
		return err
	}
	if len(answer.Failures) == 0 {
		return nil
	}
	if answer.Failures[0].Code == "ImageNotFound" {
		return ErrNotFound
	}
	return fmt.Errorf("%w: %s", ErrUnsupported, tidy(answer.Failures[0].Code+": "+answer.Failures[0].Reason, maxWords))
}

// Ping implements Pinger.
func (r *ecr) Ping(ctx context.Context) error {
	c, err := r.find(ctx)
	if err != nil {
		return err
	}
	return c.Ping(ctx)
}

// awsDomain is that of a region's services.
func awsDomain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
