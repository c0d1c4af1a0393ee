package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// told is what a body is made of.
type told struct {
	UUID       string
	EventType  EventType
	Operator   string
	OccurredAt time.Time
	Data       json.RawMessage
}

// envelope is Harbor's default body.
type envelope struct {
	Type       EventType       `json:"type"`
	OccurredAt int64           `json:"occur_at"`
	Operator   string          `json:"operator"`
	Data       json.RawMessage `json:"event_data,omitempty"`
}

// cloudEvent is the body by CloudEvents 1.0, as Harbor fills it.
type cloudEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	RequestID   string          `json:"requestid"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	ContentType string          `json:"datacontenttype"`
	Time        string          `json:"time"`
	Operator    string          `json:"operator"`
	Data        json.RawMessage `json:"data"`
}

// source is where CloudEvents come from.
func source(p Policy) string {
	if p.ProjectID == Whole {
		return fmt.Sprintf("/webhook/policies/%d", p.ID)
	}
	return fmt.Sprintf("/projects/%d/webhook/policies/%d", p.ProjectID, p.ID)
}

// body is what a target is sent. The same delivery makes the same body each time.
func (v told) body(p Policy, t Target) (text []byte, contentType string, err error) {
	const plain = "application/json"
	switch {
	case t.Type == Slack:
		text, err = encode(v.slack())
		return text, plain, err
	case t.Type == Teams:
		text, err = encode(v.teams())
		return text, plain, err
	case t.Format == CloudEvents:
		text, err = encode(cloudEvent{
			SpecVersion: "1.0", ID: v.UUID, RequestID: v.UUID, Source: source(p), Type: v.EventType.cloudType(), ContentType: plain,
			Time: v.OccurredAt.UTC().Format(time.RFC3339), Operator: v.Operator, Data: v.Data,
		})
		return text, "application/cloudevents+json", err
	}
	text, err = encode(envelope{Type: v.EventType, OccurredAt: v.OccurredAt.Unix(), Operator: v.Operator, Data: v.Data})
	return text, plain, err
}

// encode is JSON without escapes for pages.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a webhook's body: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// sign adds the headers of Standard Webhooks: an id that stays the same in each try, the time, and the HMAC of both with the
// body. Receivers check it with any of that standard's libraries.
func sign(h http.Header, key secret.Text, id string, at time.Time, body []byte) error {
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	if key == "" {
		return nil
	}
	raw, err := signingKey(key)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, raw)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}
