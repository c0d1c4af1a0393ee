package vulndb

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// Source is where editions come from: file:///DIR-OR-ARCHIVE or oci://[USER:PASSWORD@]HOST/REPO:TAG[?realm=URL].
type Source struct {
	path string // of a file or folder

	host, repository, tag string
	user                  string
	password              secret.Text
	realm                 string // origin of the token service that may get them, beside the host
}

var errSource = errors.New("expected file:///DIR-OR-ARCHIVE or oci://HOST/REPO:TAG")

// ParseSource reads one. The error doesn't show the text: it may hold a password.
func ParseSource(text string) (Source, error) {
	u, err := url.Parse(text)
	if err != nil || u.Fragment != "" || u.Scheme != "oci" && u.RawQuery != "" {
		return Source{}, errSource
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" || !filepath.IsAbs(u.Path) {
			return Source{}, errSource
		}
		return Source{path: filepath.Clean(u.Path)}, nil
	case "oci":
		repository, tag, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), ":")
		if u.Host == "" || !ok || repository == "" || tag == "" || strings.Contains(repository, "@") || strings.ContainsAny(tag, "/:@") {
			return Source{}, errSource
		}
		realm, err := parseRealm(u.RawQuery)
		if err != nil {
			return Source{}, err
		}
		password, _ := u.User.Password()
		return Source{host: u.Host, repository: repository, tag: tag, user: u.User.Username(), password: secret.Text(password), realm: realm}, nil
	default:
		return Source{}, errSource
	}
}

// parseRealm reads what may stand behind a source's question mark.
func parseRealm(query string) (origin string, err error) {
	if query == "" {
		return "", nil
	}
	q, err := url.ParseQuery(query)
	if err != nil || len(q) != 1 || len(q["realm"]) != 1 {
		return "", errSource
	}
	u, err := url.Parse(q.Get("realm"))
	if err != nil || outbound.CheckURL(u) != nil {
		return "", errSource
	}
	return outbound.Origin(u), nil
}

// pinned is whether the operator said that an address may get the password.
func (s Source) pinned(u *url.URL) bool { return s.realm != "" && outbound.Origin(u) == s.realm }

// ParseSources reads a list. The error says which one is wrong by its place.
func ParseSources(texts []secret.Text) ([]Source, error) {
	var sources []Source
	for i, text := range texts {
		s, err := ParseSource(text.Reveal())
		if err != nil {
			return nil, fmt.Errorf("the %d. source: %w", i+1, err)
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// String is the source without its credentials.
func (s Source) String() string {
	if s.path != "" {
		return (&url.URL{Scheme: "file", Path: s.path}).String()
	}
	return "oci://" + s.host + "/" + s.repository + ":" + s.tag
}

// local is whether the host is this machine, which is spoken to without TLS.
func (s Source) local() bool {
	host := s.host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
