package harborapi

import (
	"net/url"
	"strings"
)

// repositoryName decodes a repository's name from a path. Clients encode it twice (a%252Fb), so that the
// slash survives proxies; the router has taken one layer off already. A name that arrives with a single
// layer (a%2Fb) or none comes out the same, as names hold no percent sign.
func repositoryName(segment string) string {
	for range 2 {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return segment
		}
		segment = plain
	}
	return segment
}

// hrefName encodes a repository's name twice, as links show it.
func hrefName(name string) string { return strings.ReplaceAll(name, "/", "%252F") }
