package rest

import (
	"math"
	"net/url"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
)

func TestPageLinks(t *testing.T) {
	for _, c := range []struct {
		name, url         string
		page, size, total int64
		want              string
	}{
		{"one page", "/api/v2.0/projects", 1, 10, 10, ""},
		{"first of two", "/api/v2.0/projects", 1, 10, 11, `</api/v2.0/projects?page=2&page_size=10>; rel="next"`},
		{"middle, previous first", "/p?page=2&page_size=1", 2, 1, 3, `</p?page=1&page_size=1>; rel="prev" , </p?page=3&page_size=1>; rel="next"`},
		{"keys sorted and unescaped", "/api/v2.0/projects?q=name%3D~o&sort=-name&page_size=1&page=2", 2, 1, 2, `</api/v2.0/projects?page=1&page_size=1&q=name=~o&sort=-name>; rel="prev"`},
		{"past the end", "/p", 5, 10, 12, ""},
		{"just past the end", "/p", 3, 10, 21, `</p?page=2&page_size=10>; rel="prev"`},
		{"everything", "/p", 1, 0, 5000, ""},
		{"repository stays encoded twice", "/r/a%252Fb", 1, 1, 2, `</r/a%252Fb?page=2&page_size=1>; rel="next"`},
		{"no header is split", "/p?q=a%3D%0d%0aX:1", 1, 1, 2, `</p?page=2&page_size=1&q=a%3D%0D%0AX%3A1>; rel="next"`},
		{"no link is closed", "/p?q=a%3D%3Eb", 1, 1, 2, `</p?page=2&page_size=1&q=a%3D%3Eb>; rel="next"`},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := pageLinks(*u, c.page, c.size, c.total); got != c.want {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
	}
}

func TestPageOf(t *testing.T) {
	all := []int{1, 2, 3, 4, 5}
	for name, test := range map[string]struct {
		page, size int
		want       []int
	}{
		"first":        {1, 2, []int{1, 2}},
		"last":         {3, 2, []int{5}},
		"past the end": {4, 2, []int{}},
		"far past":     {math.MaxInt, 100, []int{}},
		"all":          {1, 0, all},
		"one of many":  {1, 100, all},
	} {
		if got := PageOf(db.List{Page: test.page, Size: test.size}, all); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
