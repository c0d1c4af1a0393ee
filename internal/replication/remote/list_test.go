package remote

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"testing"
)

// A list that is cut off isn't all there is: who deletes what isn't on it must hear of that.
func TestListsWithoutAnEnd(t *testing.T) {
	for name, list := range map[string]func() error{
		"by number": func() error { return byNumber(1, func(int) (int, error) { return 1, nil }) },
		"by marks": func() error {
			return byMark(func(mark string) (string, error) {
				n, _ := strconv.Atoi(mark)
				return strconv.Itoa(n + 1), nil
			})
		},
		"by links": func() error {
			n := 0
			return new(client).pages(t.Context(), &url.URL{Path: "/"}, nil, func(request) (http.Header, int, error) {
				n++
				return http.Header{"Link": {"</?n=" + strconv.Itoa(n) + `>; rel="next"`}}, 1, nil
			})
		},
	} {
		if err := list(); !errors.Is(err, ErrTooMany) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, c := range []struct {
		next map[string]string
		want string
	}{
		{map[string]string{"": "a", "a": "b"}, " a b"},
		{map[string]string{"": "a", "a": "a"}, " a"}, // one that doesn't know pages
		{nil, ""},
	} {
		asked := ""
		if err := byMark(func(mark string) (string, error) {
			if mark != "" {
				asked += " " + mark
			}
			return c.next[mark], nil
		}); err != nil || asked != c.want {
			t.Errorf("%v: asked %q, %v", c.next, asked, err)
		}
	}
}
