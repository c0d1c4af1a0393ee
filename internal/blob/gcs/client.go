package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/object"
)

// maxAnswer bounds what is read of an answer that isn't an object's content, in bytes.
const maxAnswer = 16 << 20

// call is a request to the API.
type call struct {
	method      string
	path        string // escaped
	query       url.Values
	header      http.Header
	contentType string
	body        *io.SectionReader // nil for none
}

// statusError is an answer that is no success.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("google cloud storage answered %d: %s", e.status, e.message)
}

// Unwrap makes it one of package blob's, where it is.
func (e *statusError) Unwrap() error {
	switch e.status {
	case http.StatusNotFound, http.StatusPreconditionFailed:
		return blob.ErrNotFound
	case http.StatusInsufficientStorage:
		return blob.ErrNoSpace
	}
	return nil
}

// send makes the request and returns a successful answer, whose body the caller closes.
func (b *bucket) send(ctx context.Context, c call) (*http.Response, error) {
	address := b.endpoint + c.path
	if len(c.query) > 0 {
		address += "?" + c.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, c.method, address, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	if c.body != nil {
		request.Header.Set("Content-Type", c.contentType)
		request.ContentLength = c.body.Size()
		request.GetBody = func() (io.ReadCloser, error) {
			if c.body.Size() == 0 {
				return http.NoBody, nil
			}
			return io.NopCloser(io.NewSectionReader(c.body, 0, c.body.Size())), nil
		}
		request.Body, _ = request.GetBody() // never fails
	}
	answer, err := b.http.Do(request)
	if err != nil {
		return nil, object.Retry(object.WithoutAddress(err))
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, object.RetryStatus(answer.StatusCode, refusal(answer))
}

// refusal reads what went wrong.
func refusal(answer *http.Response) error {
	var told struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	refused := &statusError{status: answer.StatusCode, message: http.StatusText(answer.StatusCode)}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err == nil && json.Unmarshal(text, &told) == nil && told.Error.Message != "" {
		refused.message = told.Error.Message[:min(len(told.Error.Message), 200)]
	}
	return refused
}

// read makes the request and decodes the answer's JSON into v, unless that is nil.
func (b *bucket) read(ctx context.Context, c call, v any) error {
	answer, err := b.send(ctx, c)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return object.Retry(fmt.Errorf("read the answer of google cloud storage: %w", err))
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(text, v); err != nil {
		return object.Retry(errors.New("google cloud storage answered something else than JSON"))
	}
	return nil
}

// resource is what the API tells about an object.
type resource struct {
	Name       string `json:"name"`
	Size       int64  `json:"size,string"`
	Generation string `json:"generation"`
	CRC32C     string `json:"crc32c"`
	Updated    string `json:"updated"`
}
