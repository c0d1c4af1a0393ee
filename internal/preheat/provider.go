package preheat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// Image is what an instance is told of an image.
type Image struct {
	Repository    string // with its project
	Tag           string
	Digest        oci.Digest
	MediaType     string
	URL           string      // of its manifest, by the digest
	Authorization secret.Text // as the header of that name; "": it needs none
	Scope         string      // Dragonfly: how far it goes; "": as the instance likes
	Clusters      []int64     // Dragonfly: which; none: all
}

// provider speaks with the instances of one vendor.
type provider interface {
	// ping is nil for an instance that is well.
	ping(ctx context.Context, c conn) error
	// preheat hands an image over, and returns by what its progress is asked for; "": there is no progress to wait for.
	preheat(ctx context.Context, c conn, i Image) (id string, err error)
	// done reports whether an image has been fetched; a *job.Permanent error says that it won't be.
	done(ctx context.Context, c conn, id string) (bool, error)
}

// Vendor is a sort of instances, as Harbor shows it.
type Vendor struct {
	ID, Name, Source, Version, Icon string
	Maintainers                     []string
	provider                        provider
}

func vendors() map[string]Vendor {
	return map[string]Vendor{
		"dragonfly": {
			ID: "dragonfly", Name: "Dragonfly", Source: "https://github.com/dragonflyoss/Dragonfly2", Version: "2.1.59",
			Icon:        "https://raw.githubusercontent.com/dragonflyoss/Dragonfly2/master/docs/images/logo/dragonfly-linear.png",
			Maintainers: []string{"chlins.zhang@gmail.com", "gaius.qi@gmail.com"}, provider: dragonfly{},
		},
		"kraken": {
			ID: "kraken", Name: "Kraken", Source: "https://github.com/uber/kraken", Version: "0.1.3",
			Icon:        "https://github.com/uber/kraken/blob/master/assets/kraken-logo-color.svg",
			Maintainers: []string{"mmpei/peimingming@corp.netease.com"}, provider: kraken{},
		},
	}
}

// Vendors lists the sorts of instances.
func Vendors() (all []Vendor) {
	known := vendors()
	for _, id := range slices.Sorted(maps.Keys(known)) {
		all = append(all, known[id])
	}
	return all
}

// conn is a way to an instance.
type conn struct {
	http     *http.Client
	instance Instance
}

// maxAnswer bounds an answer, in bytes, and maxShown what of a refusal is shown.
const (
	maxAnswer = 1 << 20
	maxShown  = 300
)

// statusError is an answer other than the one that was hoped for.
type statusError struct {
	status int
	text   string
}

// Error implements error.
func (e *statusError) Error() string {
	return fmt.Sprintf("the instance answered %d: %s", e.status, e.text)
}

// call sends a request and reads the JSON of the answer into out, where it isn't nil.
func (c conn) call(ctx context.Context, method, path string, sent, out any) error {
	var body io.Reader
	if sent != nil {
		text, err := json.Marshal(sent)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.instance.Endpoint+path, body)
	if err != nil {
		return job.Permanent(err)
	}
	if sent != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	c.authorize(r)
	answer, err := c.http.Do(r)
	if err != nil {
		return fault.Invalidf("the instance doesn't answer: %s", outbound.Reason(err))
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fault.Invalidf("the instance doesn't answer: %s", outbound.Reason(err))
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return &statusError{answer.StatusCode, printable(text)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the instance answers no JSON: %s", printable(text))
	}
	return nil
}

func (c conn) authorize(r *http.Request) {
	switch c.instance.AuthMode {
	case Basic:
		r.SetBasicAuth(c.instance.basic())
	case OAuth:
		r.Header.Set("Authorization", "Bearer "+c.instance.AuthInfo["token"].Reveal())
	case Custom:
		name, value := c.instance.custom()
		r.Header.Set(name, value)
	}
}

// printable is the beginning of a text for people.
func printable(text []byte) string {
	shown := bytes.ToValidUTF8(text[:min(len(text), maxShown)], nil)
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, shown))
}
