package remote

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// googleKeys are what Google knows somebody by: the key of a service account (_json_key), an access token, or, without a credential,
// what GOOGLE_APPLICATION_CREDENTIALS names: such a key, or an external account, whose token is exchanged. The metadata server,
// which is at a link-local address, is never asked (S6).
type googleKeys struct {
	*client
	d      Deps
	given  Credential
	own    bool // the registry is Google's: it may be shown what the environment names
	tokens *fleeting[secret.Text]
}

// googleKey is a key of a service account, or what stands for one.
type googleKey struct {
	Type       string      `json:"type"`
	Project    string      `json:"project_id"`
	Email      string      `json:"client_email"`
	PrivateKey secret.Text `json:"private_key"`
	// Of an external account:
	Audience         string `json:"audience"`
	SubjectTokenType string `json:"subject_token_type"`
	Impersonation    string `json:"service_account_impersonation_url"`
	Source           struct {
		File   string `json:"file"`
		Format struct {
			Type  string `json:"type"`
			Field string `json:"subject_token_field_name"`
		} `json:"format"`
	} `json:"credential_source"`
}

func parseGoogleKey(text []byte) (googleKey, error) {
	var k googleKey
	if err := json.Unmarshal(text, &k); err != nil { // its words could show what is in it
		return k, fmt.Errorf("%w: expected the JSON of a service account's key", ErrCredential)
	}
	return k, nil
}

const (
	googleTokens   = "https://oauth2.googleapis.com/token" //nolint:gosec // an address
	googleExchange = "https://sts.googleapis.com/v1/token"
	googleLife     = time.Hour // of an access token
	googleScope    = "https://www.googleapis.com/auth/cloud-platform"
	jwtBearer      = "urn:ietf:params:oauth:grant-type:jwt-bearer"     //nolint:gosec // a name
	tokenExchange  = "urn:ietf:params:oauth:grant-type:token-exchange" //nolint:gosec // a name
	accessToken    = "urn:ietf:params:oauth:token-type:access_token"   //nolint:gosec // a name
)

func newGoogleKeys(c *client, d Deps, given Credential) *googleKeys {
	k := &googleKeys{client: c, d: d, given: given, own: c.base.Scheme == "https" && within(c.base.Hostname(), "gcr.io", "pkg.dev")}
	if strings.HasPrefix(strings.TrimSpace(given.Secret.Reveal()), "{") {
		k.given.AccessKey = "_json_key"
	}
	k.tokens = newFleeting(d.Clock, k.token)
	return k
}

// key is the key, or the external account; a zero one where there is neither.
func (k *googleKeys) key() (text string, key googleKey, err error) {
	text = k.given.Secret.Reveal()
	switch k.given.AccessKey {
	case "_json_key":
	case "_json_key_base64":
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", key, fmt.Errorf("%w: expected base64", ErrCredential)
		}
		text = string(plain)
	case "":
		file := k.d.Environ("GOOGLE_APPLICATION_CREDENTIALS")
		if file == "" || !k.own {
			return "", key, nil
		}
		plain, err := os.ReadFile(file)
		if err != nil {
			return "", key, fmt.Errorf("GOOGLE_APPLICATION_CREDENTIALS: %w", err)
		}
		text = string(plain)
	default:
		return "", key, nil
	}
	key, err = parseGoogleKey([]byte(text))
	return text, key, err
}

// login is what the registry is told.
func (k *googleKeys) login(ctx context.Context, fresh bool) (login, error) {
	text, key, err := k.key()
	switch {
	case err != nil:
		return login{}, err
	case key.Type == "external_account":
		token, err := k.tokens.get(ctx, fresh)
		return login{user: "oauth2accesstoken", password: token}, err
	case text != "" && key.Type != "":
		return login{user: "_json_key", password: secret.Text(text)}, nil
	}
	return login{user: k.given.AccessKey, password: k.given.Secret}, nil
}

// project is that of the key; "" where it isn't known.
func (k *googleKeys) project(context.Context) (string, error) {
	_, key, err := k.key()
	return key.Project, err
}

// access is a token for Google's APIs.
func (k *googleKeys) access(ctx context.Context) (string, error) {
	if k.given.AccessKey == "oauth2accesstoken" {
		return k.given.Secret.Reveal(), nil
	}
	token, err := k.tokens.get(ctx, false)
	return token.Reveal(), err
}

func (k *googleKeys) token(ctx context.Context) (secret.Text, time.Time, error) {
	_, key, err := k.key()
	if err != nil {
		return "", time.Time{}, err
	}
	switch key.Type {
	case "service_account":
		return k.byKey(ctx, key)
	case "external_account":
		return k.byExchange(ctx, key)
	}
	return "", time.Time{}, fmt.Errorf("%w: there is no key of a service account", ErrDenied)
}

// google's answer with a token.
type googleToken struct {
	Token   secret.Text `json:"access_token"`
	Seconds int64       `json:"expires_in"`
}

func (k *googleKeys) exchange(ctx context.Context, address string, values url.Values) (secret.Text, time.Time, error) {
	var found googleToken
	if err := k.form(ctx, address, values, nil, func(text []byte) error { return json.Unmarshal(text, &found) }); err != nil {
		return "", time.Time{}, fmt.Errorf("ask Google for a token: %w", err)
	}
	life := time.Duration(min(max(found.Seconds, 60), 12*3600)) * time.Second
	return found.Token, k.clock().Add(life), nil
}

// byKey signs what the key says of itself (RFC 7523).
func (k *googleKeys) byKey(ctx context.Context, key googleKey) (secret.Text, time.Time, error) {
	block, _ := pem.Decode([]byte(key.PrivateKey.Reveal()))
	if block == nil {
		return "", time.Time{}, fmt.Errorf("%w: the key's private_key is no PEM", ErrCredential)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	signer, ok := private.(*rsa.PrivateKey)
	if err != nil || !ok {
		return "", time.Time{}, fmt.Errorf("%w: the key's private_key is no RSA key", ErrCredential)
	}
	now := k.clock()
	claims, err := json.Marshal(map[string]any{"iss": key.Email, "scope": googleScope, "aud": googleTokens, "iat": now.Unix(), "exp": now.Add(googleLife).Unix()})
	if err != nil {
		return "", time.Time{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, signer, crypto.SHA256, sum[:])
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign with the service account's key: %w", err)
	}
	return k.exchange(ctx, k.d.at(googleTokens), url.Values{"grant_type": {jwtBearer}, "assertion": {text + "." + encode(signature)}})
}

// byExchange exchanges the token of an external account, which lies in a file (RFC 8693), and takes on a service account with
// what it gets, where the account says so. Addresses are Google's own, whatever the file says.
func (k *googleKeys) byExchange(ctx context.Context, key googleKey) (secret.Text, time.Time, error) {
	if key.Source.File == "" {
		return "", time.Time{}, fmt.Errorf("%w: of external accounts those are known whose credential_source is a file", ErrUnsupported)
	}
	subject, err := readToken(key.Source.File)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("credential_source: %w", err)
	}
	if key.Source.Format.Type == "json" {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(subject), &fields); err != nil {
			return "", time.Time{}, fmt.Errorf("%w: credential_source is no JSON", ErrCredential)
		}
		subject, _ = fields[key.Source.Format.Field].(string)
	}
	token, ends, err := k.exchange(ctx, k.d.at(googleExchange), url.Values{
		"grant_type": {tokenExchange}, "audience": {key.Audience}, "scope": {googleScope}, "requested_token_type": {accessToken},
		"subject_token": {subject}, "subject_token_type": {key.SubjectTokenType},
	})
	if err != nil || key.Impersonation == "" {
		return token, ends, err
	}
	account, known := strings.CutPrefix(key.Impersonation, "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/")
	account, whole := strings.CutSuffix(account, ":generateAccessToken")
	if !known || !whole {
		return "", time.Time{}, fmt.Errorf("%w: service_account_impersonation_url isn't Google's", ErrCredential)
	}
	var found struct {
		Token secret.Text `json:"accessToken"`
		Ends  time.Time   `json:"expireTime"`
	}
	_, _, err = k.call(ctx, call{
		method: http.MethodPost, url: k.d.at("https://iamcredentials.googleapis.com") + "/v1/projects/-/serviceAccounts" + path(account) + ":generateAccessToken",
		body: map[string]any{"scope": []string{googleScope}}, sign: byToken(func(context.Context) (string, error) { return token.Reveal(), nil }),
	}, &found)
	return found.Token, found.Ends, err
}
