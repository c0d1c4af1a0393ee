package rest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Contract checks requests against the OpenAPI document before they are decoded: ranges, lengths, enums
// and required fields, which the generated code doesn't look at.
type Contract struct {
	routes func() (map[string]*routers.Route, error) // by the pattern of the router
}

// NewContract returns the Contract of a document. It is read when the first request needs it: that takes a
// third of the time of a start, and more memory than all the rest of a registry that is only pushed to and
// pulled from.
func NewContract(read func() (*openapi3.T, error)) *Contract {
	return &Contract{routes: sync.OnceValues(func() (map[string]*routers.Route, error) {
		doc, err := read()
		if err != nil {
			return nil, fmt.Errorf("read the API's contract: %w", err)
		}
		return routesOf(doc), nil
	})}
}

// routesOf names each route as package net/http does.
func routesOf(doc *openapi3.T) map[string]*routers.Route {
	routes := map[string]*routers.Route{}
	doc.Security = nil // who asks is found out before; the filter would read each body to ask again
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			pattern := method + " " + path
			if strings.HasSuffix(path, "/") {
				pattern += "{$}"
			}
			routes[pattern] = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation}
		}
	}
	return routes
}

// Check validates r, which the router has matched. Its answer is a problem for the client.
func (c *Contract) Check(r *http.Request) error {
	routes, err := c.routes()
	if err != nil {
		return err
	}
	route, ok := routes[r.Pattern]
	if !ok {
		return fmt.Errorf("route %q is not in the contract", r.Pattern)
	}
	if r.Header.Get("Content-Type") == "" && route.Operation.RequestBody != nil {
		r.Header.Set("Content-Type", "application/json") // some scripts send none
	}
	if streams(route.Operation) {
		r.Header.Set("Content-Type", octets) // whatever it says: the handler looks at the bytes
	}
	params := map[string]string{}
	for _, list := range []openapi3.Parameters{route.PathItem.Parameters, route.Operation.Parameters} {
		for _, p := range list {
			if p.Value.In == openapi3.ParameterInPath {
				params[p.Value.Name] = r.PathValue(p.Value.Name)
			}
		}
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, ExcludeRequestBody: streams(route.Operation),
		},
	})
	if err == nil {
		return checkTexts(r)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Problem{http.StatusRequestEntityTooLarge, "REQUEST_ENTITY_TOO_LARGE", "request body is too large", err}
	}
	return invalid(err)
}

// checkTexts refuses U+0000 in a body that was read, which PostgreSQL doesn't keep and SQLite does.
func checkTexts(r *http.Request) error {
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return fmt.Errorf("read the body again: %w", err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read the body again: %w", err)
	}
	if holdsNUL(text) {
		return Problem{http.StatusBadRequest, "BAD_REQUEST", "a text in the body has the character U+0000: leave it out", nil}
	}
	return nil
}

// holdsNUL reports whether a text in JSON has U+0000. It can only stand there as an escape, whose backslash is not escaped itself.
func holdsNUL(text []byte) bool {
	escape := []byte(`\u0000`)
	for {
		at := bytes.Index(text, escape)
		if at < 0 {
			return false
		}
		if before := bytes.TrimRight(text[:at], `\`); (at-len(before))%2 == 0 {
			return true
		}
		text = text[at+len(escape):]
	}
}

const octets = "application/octet-stream"

// streams is whether a request's body is bytes that the handler reads as they come: they aren't checked, and may be
// more than fit into memory.
func streams(o *openapi3.Operation) bool {
	return o.RequestBody != nil && o.RequestBody.Value.Content.Get(octets) != nil
}

// invalid is the answer to a request that doesn't fit the contract, in Harbor's words.
func invalid(err error) error {
	return Problem{http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", "validation failure list:\n" + complaint(err), err}
}

func complaint(err error) string {
	r, ok := errors.AsType[*openapi3filter.RequestError](err)
	if !ok {
		return Printable(err.Error())
	}
	schema, isSchema := errors.AsType[*openapi3.SchemaError](r.Err)
	switch {
	case r.Parameter != nil && isSchema && schema.SchemaField == "maximum":
		return fmt.Sprintf("%s in %s should be less than or equal to %g", r.Parameter.Name, r.Parameter.In, *schema.Schema.Max)
	case r.Parameter != nil && isSchema:
		return fmt.Sprintf("%s in %s %s", r.Parameter.Name, r.Parameter.In, Printable(schema.Reason))
	case r.Parameter != nil && errors.Is(r.Err, openapi3filter.ErrInvalidRequired):
		return fmt.Sprintf("%s in %s is required", r.Parameter.Name, r.Parameter.In)
	case r.Parameter != nil:
		return fmt.Sprintf("%s in %s has an invalid value", r.Parameter.Name, r.Parameter.In)
	case isSchema:
		return fmt.Sprintf("%s in body %s", strings.Join(schema.JSONPointer(), "."), Printable(schema.Reason))
	default:
		return "parsing the body failed, because " + Printable(r.Error())
	}
}
