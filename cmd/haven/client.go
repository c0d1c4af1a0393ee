package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/havenregistry/haven/internal/secret"
)

// client is the flags of commands that speak to a registry by its API.
type client struct {
	Server        string      `required:"" placeholder:"URL" env:"HAVEN_SERVER" help:"Address of the registry, such as https://registry.example.com."`
	Username      string      `required:"" placeholder:"NAME" env:"HAVEN_USERNAME" help:"User or robot."`
	Password      secret.Text `hidden:"" env:"HAVEN_PASSWORD"`
	PasswordStdin bool        `help:"Read the password from standard input; else it is HAVEN_PASSWORD."`

	read secret.Text // from standard input
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// credentials returns the password. Standard input is read once.
func (c *client) credentials() (string, error) {
	if !c.PasswordStdin {
		if c.Password == "" {
			return "", errors.New("password: expected HAVEN_PASSWORD or --password-stdin")
		}
		return c.Password.Reveal(), nil
	}
	if c.read != "" {
		return c.read.Reveal(), nil
	}
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("password: there is none on standard input")
	}
	c.read = secret.Text(line)
	return line, nil
}

// base is the registry's address.
func (c *client) base() (*url.URL, error) {
	base, err := url.Parse(c.Server)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("server: expected http://HOST or https://HOST")
	}
	return base, nil
}

// call asks /api/haven/v1 and decodes the answer. An error has the registry's words.
func (c *client) call(ctx context.Context, method, path string, body io.Reader, answer any) error {
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the registry's answer: %w", err)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the registry's answer is not valid: %w", err)
	}
	return nil
}

// send asks /api/haven/v1. The caller closes the answer's body; what is no success is an error, with the registry's words.
func (c *client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	password, err := c.credentials()
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(path, "?")
	address := base.JoinPath("/api/haven/v1", path)
	address.RawQuery = query
	r, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(c.Username, password)
	r.Header.Set("Content-Type", "application/octet-stream")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the registry's answer: %w", err)
	}
	return nil, refusal(response.Status, text)
}

// refusal is what a registry says when it doesn't do something.
func refusal(status string, text []byte) error {
	var body struct{ Errors []struct{ Message string } }
	if json.Unmarshal(text, &body) == nil && len(body.Errors) > 0 && body.Errors[0].Message != "" {
		return fmt.Errorf("the registry answered %s: %s", status, body.Errors[0].Message)
	}
	return fmt.Errorf("the registry answered %s", status)
}
