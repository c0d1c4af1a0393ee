package kube

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Meta is the part of an object's metadata that is used here.
type Meta struct {
	Name            string            `json:"name,omitempty"`
	GenerateName    string            `json:"generateName,omitempty"`
	Namespace       string            `json:"namespace,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
}

// Labels are those of a namespace.
func (c *Client) Labels(ctx context.Context, namespace string) (map[string]string, error) {
	var found struct {
		Metadata Meta `json:"metadata"`
	}
	err := c.do(ctx, http.MethodGet, "/api/v1/namespaces/"+url.PathEscape(namespace), "", nil, &found)
	if err != nil {
		return nil, fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return found.Metadata.Labels, nil
}

// Secret is a Secret's name, version and content.
type Secret struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   Meta              `json:"metadata"`
	Type       string            `json:"type,omitempty"`
	Data       map[string][]byte `json:"data"`
}

func secrets(namespace string) string {
	return "/api/v1/namespaces/" + url.PathEscape(namespace) + "/secrets"
}

// Secret gets a Secret. One that isn't there is an Error with 404.
func (c *Client) Secret(ctx context.Context, namespace, name string) (Secret, error) {
	var s Secret
	if err := c.do(ctx, http.MethodGet, secrets(namespace)+"/"+url.PathEscape(name), "", nil, &s); err != nil {
		return Secret{}, fmt.Errorf("secret %s/%s: %w", namespace, name, err)
	}
	return s, nil
}

// PutSecret creates a Secret without a resource version, and replaces one that still has its version. Somebody else's
// change meanwhile is an Error with 409.
func (c *Client) PutSecret(ctx context.Context, s Secret) (Secret, error) {
	s.APIVersion, s.Kind = "v1", "Secret"
	method, path := http.MethodPost, secrets(s.Metadata.Namespace)
	if s.Metadata.ResourceVersion != "" {
		method, path = http.MethodPut, path+"/"+url.PathEscape(s.Metadata.Name)
	}
	var put Secret
	if err := c.do(ctx, method, path, typeJSON, s, &put); err != nil {
		return Secret{}, fmt.Errorf("secret %s/%s: %w", s.Metadata.Namespace, s.Metadata.Name, err)
	}
	return put, nil
}

// WebhookKind is one of the two kinds of configurations of webhooks.
type WebhookKind string

// The two kinds, as they stand in the API's paths.
const (
	Validating WebhookKind = "validatingwebhookconfigurations"
	Mutating   WebhookKind = "mutatingwebhookconfigurations"
)

type webhooks struct {
	Metadata Meta `json:"metadata"`
	Webhooks []struct {
		ClientConfig struct {
			CABundle []byte `json:"caBundle"`
		} `json:"clientConfig"`
	} `json:"webhooks"`
}

type patchStep struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Inject has all webhooks of a configuration trust the bundle, and reports whether that changed anything. A configuration
// that isn't there is an Error with 404.
func (c *Client) Inject(ctx context.Context, kind WebhookKind, name string, bundle []byte) (bool, error) {
	path := "/apis/admissionregistration.k8s.io/v1/" + string(kind) + "/" + url.PathEscape(name)
	var found webhooks
	if err := c.do(ctx, http.MethodGet, path, "", nil, &found); err != nil {
		return false, fmt.Errorf("%s %s: %w", kind, name, err)
	}
	// The first step fails when somebody changed the configuration meanwhile, as webhooks are known by their place.
	steps := []patchStep{{"test", "/metadata/resourceVersion", found.Metadata.ResourceVersion}}
	for i, w := range found.Webhooks {
		if !bytes.Equal(w.ClientConfig.CABundle, bundle) {
			steps = append(steps, patchStep{"add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), bundle})
		}
	}
	if len(steps) == 1 {
		return false, nil
	}
	if err := c.do(ctx, http.MethodPatch, path, typePatch, steps, nil); err != nil {
		return false, fmt.Errorf("%s %s: %w", kind, name, err)
	}
	return true, nil
}

// Reference says what an event is about.
type Reference struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
	UID        string `json:"uid,omitempty"`
}

// Event is a warning for people, about an object.
type Event struct {
	About     Reference
	Reason    string // one word in CamelCase
	Message   string // at most 1,024 bytes
	Component string
	At        time.Time
}

type event struct {
	APIVersion         string    `json:"apiVersion"`
	Kind               string    `json:"kind"`
	Metadata           Meta      `json:"metadata"`
	InvolvedObject     Reference `json:"involvedObject"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	Type               string    `json:"type"`
	Source             component `json:"source"`
	FirstTimestamp     string    `json:"firstTimestamp"`
	LastTimestamp      string    `json:"lastTimestamp"`
	Count              int       `json:"count"`
	ReportingComponent string    `json:"reportingComponent"`
	ReportingInstance  string    `json:"reportingInstance"`
}

type component struct {
	Component string `json:"component"`
}

// Tell writes an event (v1) into the namespace of what it is about.
func (c *Client) Tell(ctx context.Context, e Event) error {
	at := e.At.UTC().Format(time.RFC3339)
	sent := event{
		APIVersion: "v1", Kind: "Event", Metadata: Meta{GenerateName: e.Component + "-", Namespace: e.About.Namespace},
		InvolvedObject: e.About, Reason: e.Reason, Message: e.Message, Type: "Warning", Source: component{e.Component},
		FirstTimestamp: at, LastTimestamp: at, Count: 1, ReportingComponent: e.Component, ReportingInstance: e.Component,
	}
	return c.do(ctx, http.MethodPost, "/api/v1/namespaces/"+url.PathEscape(e.About.Namespace)+"/events", typeJSON, sent, nil)
}
