package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
)

const (
	evaluatePath = "/api/haven/v1/evaluate"
	// maxQuestion is how many images Haven is asked about at once.
	maxQuestion = 100
	// maxVerdicts bounds Haven's answer, in bytes.
	maxVerdicts = 1 << 20
	maxReasons  = 16
	maxWord     = 64
	// maxCredential bounds a file with a name or a password.
	maxCredential = 4096
)

// verdict is what is said about one image.
type verdict struct {
	digest  oci.Digest // "" where the image isn't there
	allowed bool
	message string
	reasons []string
	until   time.Time // the end of what it rests on; zero for never
}

// trouble says why somebody could not be asked: of a fixed set, for metrics.
type trouble string

const (
	troubleTimeout    trouble = "timeout"
	troubleConnection trouble = "connection"
	troubleStatus     trouble = "status"
	troubleAnswer     trouble = "answer"
	troubleSettings   trouble = "settings"
)

func troubles() []trouble {
	return []trouble{troubleTimeout, troubleConnection, troubleStatus, troubleAnswer, troubleSettings}
}

// askError is an error in words for people.
type askError struct {
	trouble trouble
	words   string
}

func (e *askError) Error() string { return e.words }

// asker asks Haven's evaluation API.
type asker struct {
	haven Haven
	url   string
	http  *outbound.Client
}

func newAsker(h Haven) (*asker, error) {
	if h.URL == "" {
		return &asker{}, nil // the policy doesn't ask
	}
	u, err := url.Parse(h.URL)
	if err != nil {
		return nil, fmt.Errorf("haven.url: %w", err)
	}
	a := &asker{haven: h, url: u.JoinPath(evaluatePath).String(), http: outbound.New(outbound.Purpose{
		Reach: outbound.Administered(), Elsewhere: outbound.Nowhere(), Proxied: true, Timeout: -1, MaxBody: maxVerdicts,
	})}
	_, err = a.client()
	return a, err
}

// client trusts what the file of authorities says now.
func (a *asker) client() (*http.Client, error) {
	if a.haven.CAFile == "" {
		return a.http.Checking(true), nil
	}
	roots, err := os.ReadFile(a.haven.CAFile)
	if err != nil {
		return nil, fmt.Errorf("haven.ca_file: %w", err)
	}
	client, err := a.http.HTTP(outbound.Trust{Roots: roots})
	if err != nil {
		return nil, fmt.Errorf("haven.ca_file: %w", err)
	}
	return client, nil
}

// evaluate asks about at most maxQuestion images. The answer has a verdict for each of them. A connection that fails is
// tried once more. The error is an askError.
func (a *asker) evaluate(ctx context.Context, names []string) (map[string]verdict, error) {
	question, err := json.Marshal(map[string][]string{"images": names})
	if err != nil {
		return nil, &askError{troubleSettings, err.Error()}
	}
	answer, err := a.post(ctx, question)
	if failed, ok := errors.AsType[*askError](err); ok && failed.trouble == troubleConnection && ctx.Err() == nil {
		answer, err = a.post(ctx, question)
	}
	if err != nil {
		return nil, err
	}
	found, err := parseVerdicts(answer, names)
	if err != nil {
		return nil, unusable(err)
	}
	return found, nil
}

func (a *asker) post(ctx context.Context, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(a.haven.Timeout))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(question))
	if err != nil {
		return nil, &askError{troubleSettings, err.Error()}
	}
	r.Header.Set("Content-Type", "application/json")
	if err := a.sign(r); err != nil {
		return nil, &askError{troubleSettings, "what Haven is asked with can't be read: " + err.Error()}
	}
	client, err := a.client()
	if err != nil {
		return nil, &askError{troubleSettings, err.Error()}
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, noAnswer(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, &askError{troubleStatus, statusWords(response.StatusCode)}
	}
	text, err := io.ReadAll(response.Body) // bounded by the client
	if err != nil {
		return nil, noAnswer(ctx, err)
	}
	return text, nil
}

func noAnswer(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, outbound.ErrTooLarge):
		return unusable(err)
	case ctx.Err() != nil:
		return &askError{troubleTimeout, "Haven doesn't answer in time"}
	}
	return &askError{troubleConnection, "Haven doesn't answer: " + outbound.Reason(err)}
}

func unusable(err error) error {
	return &askError{troubleAnswer, "Haven's answer can't be used: " + err.Error()}
}

func statusWords(code int) string {
	switch code {
	case http.StatusUnauthorized:
		return "Haven doesn't accept the robot's name and password (401)"
	case http.StatusForbidden:
		return "Haven doesn't let the robot ask (403)"
	case http.StatusTooManyRequests:
		return "Haven is asked too often (429)"
	}
	return fmt.Sprintf("Haven answers %d", code)
}

// sign sends the robot's name and password, which are read each time: they are few bytes, and whoever renews them
// needn't restart anything.
func (a *asker) sign(r *http.Request) error {
	if a.haven.UsernameFile == "" {
		return nil
	}
	name, err := readLine(a.haven.UsernameFile)
	if err != nil {
		return err
	}
	password, err := readLine(a.haven.PasswordFile)
	if err != nil {
		return err
	}
	r.SetBasicAuth(name, password)
	return nil
}

func readLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCredential))
	if err != nil {
		return "", err
	}
	line := strings.TrimRight(string(text), "\r\n")
	if line == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return line, nil
}

// parseVerdicts reads an answer. It must have exactly one verdict for each name, and one about another digest than was
// asked about is none.
func parseVerdicts(text []byte, names []string) (map[string]verdict, error) {
	var answer struct {
		Verdicts []struct {
			Image   string   `json:"image"`
			Digest  string   `json:"digest"`
			Allowed *bool    `json:"allowed"`
			Message string   `json:"message"`
			Reasons []string `json:"reasons"`
		} `json:"verdicts"`
	}
	if err := unmarshal(text, &answer); err != nil {
		return nil, err
	}
	asked := make(map[string]bool, len(names))
	for _, name := range names {
		asked[name] = true
	}
	found := make(map[string]verdict, len(names))
	for _, v := range answer.Verdicts {
		if _, twice := found[v.Image]; twice || !asked[v.Image] || v.Allowed == nil {
			return nil, fmt.Errorf("the verdict about %q wasn't asked for, comes twice or doesn't decide", clean(v.Image, maxImage))
		}
		one := verdict{allowed: *v.Allowed, message: clean(v.Message, maxReason)}
		if v.Digest != "" {
			var err error
			if one.digest, err = oci.ParseDigest(v.Digest); err != nil {
				return nil, err
			}
		}
		if _, digest, named := strings.Cut(v.Image, "@"); named && one.allowed && digest != v.Digest {
			return nil, fmt.Errorf("the verdict about %s is about another digest", clean(v.Image, maxImage))
		}
		for _, reason := range v.Reasons[:min(len(v.Reasons), maxReasons)] {
			one.reasons = append(one.reasons, clean(reason, maxWord))
		}
		found[v.Image] = one
	}
	if len(found) != len(asked) {
		return nil, fmt.Errorf("%d verdicts about %d images", len(found), len(asked))
	}
	return found, nil
}
