package remote

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// awsKeys are the keys that Amazon's API is asked with: those of the endpoint; without, those of the workload; with a role in place
// of an access key, the role's, which the workload takes on.
//
// The workload's are what the environment says, as for Amazon's own programs: keys, or a role with a file that holds a token of
// the cluster. Instance metadata, which is at a link-local address, is never asked (S6).
type awsKeys struct {
	*client
	d      Deps
	region string
	domain string
	role   string
	static keys

	ofWorkload, ofRole *fleeting[keys]
}

// errNoKeys: there is no access key, and the environment has no identity either.
var errNoKeys = fmt.Errorf("%w: there is no access key, and the environment names no identity of the workload (AWS_ACCESS_KEY_ID, or AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE)", ErrDenied)

func newAWSKeys(c *client, d Deps, credential Credential, region, domain string) *awsKeys {
	a := &awsKeys{client: c, d: d, region: region, domain: domain}
	switch {
	case strings.HasPrefix(credential.AccessKey, "arn:"):
		a.role = credential.AccessKey
	case credential.AccessKey != "":
		a.static = keys{id: credential.AccessKey, secret: credential.Secret}
	}
	a.ofWorkload = newFleeting(d.Clock, a.byWebIdentity)
	a.ofRole = newFleeting(d.Clock, a.byRole)
	return a
}

// given reports whether there are any.
func (a *awsKeys) given() bool {
	return a.static.id != "" || a.role != "" || a.d.Environ("AWS_ACCESS_KEY_ID") != "" || a.d.Environ("AWS_WEB_IDENTITY_TOKEN_FILE") != ""
}

func (a *awsKeys) current(ctx context.Context) (keys, error) {
	switch {
	case a.static.id != "":
		return a.static, nil
	case a.role != "":
		return a.ofRole.get(ctx, false)
	}
	return a.workload(ctx)
}

func (a *awsKeys) workload(ctx context.Context) (keys, error) {
	if id := a.d.Environ("AWS_ACCESS_KEY_ID"); id != "" {
		return keys{id, secret.Text(a.d.Environ("AWS_SECRET_ACCESS_KEY")), secret.Text(a.d.Environ("AWS_SESSION_TOKEN"))}, nil
	}
	return a.ofWorkload.get(ctx, false)
}

// assumed are the keys in an answer of the token service (STS).
type assumed struct {
	ID      string      `xml:"AccessKeyId"`
	Secret  secret.Text `xml:"SecretAccessKey"`
	Session secret.Text `xml:"SessionToken"`
	Ends    time.Time   `xml:"Expiration"`
}

// byWebIdentity exchanges the token of the cluster.
func (a *awsKeys) byWebIdentity(ctx context.Context) (keys, time.Time, error) {
	role, file := a.d.Environ("AWS_ROLE_ARN"), a.d.Environ("AWS_WEB_IDENTITY_TOKEN_FILE")
	if role == "" || file == "" {
		return keys{}, time.Time{}, errNoKeys
	}
	token, err := readToken(file)
	if err != nil {
		return keys{}, time.Time{}, fmt.Errorf("AWS_WEB_IDENTITY_TOKEN_FILE: %w", err)
	}
	return a.assume(ctx, url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "RoleArn": {role}, "WebIdentityToken": {token}}, nil)
}

// byRole takes on the endpoint's role.
func (a *awsKeys) byRole(ctx context.Context) (keys, time.Time, error) {
	own, err := a.workload(ctx)
	if err != nil {
		return keys{}, time.Time{}, err
	}
	return a.assume(ctx, url.Values{"Action": {"AssumeRole"}, "RoleArn": {a.role}}, func(_ context.Context, r *http.Request, body []byte) error {
		signAWS(r, body, own, a.region, "sts", a.clock())
		return nil
	})
}

func (a *awsKeys) assume(ctx context.Context, values url.Values, sign func(context.Context, *http.Request, []byte) error) (keys, time.Time, error) {
	values.Set("Version", "2011-06-15")
	values.Set("RoleSessionName", "haven")
	var found struct {
		ByIdentity assumed `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
		ByKeys     assumed `xml:"AssumeRoleResult>Credentials"`
	}
	err := a.form(ctx, a.d.at("https://sts."+a.region+"."+a.domain)+"/", values, sign, func(text []byte) error { return xml.Unmarshal(text, &found) }) //nolint:gosec // into three fields of text
	k := found.ByIdentity
	if k.ID == "" {
		k = found.ByKeys
	}
	if err == nil && k.ID == "" {
		err = errors.New("no keys in the answer")
	}
	if err != nil {
		return keys{}, time.Time{}, fmt.Errorf("take on the role %s: %w", values.Get("RoleArn"), err)
	}
	return keys{k.ID, k.Secret, k.Session}, k.Ends, nil
}
