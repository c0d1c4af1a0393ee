package rest

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havenregistry/haven/internal/db"
)

func TestParseQ(t *testing.T) {
	for _, c := range []struct {
		q    string
		want []db.Filter
	}{
		{"", nil},
		{"name=app", []db.Filter{{Key: "name", Op: db.Equal, Values: []string{"app"}}}},
		{`name=\~app`, []db.Filter{{Key: "name", Op: db.Equal, Values: []string{"~app"}}}},
		{"name=~app", []db.Filter{{Key: "name", Op: db.Contains, Values: []string{"app"}}}},
		{"name=a%2Bb", []db.Filter{{Key: "name", Op: db.Equal, Values: []string{"a+b"}}}},
		{"name=a+b", []db.Filter{{Key: "name", Op: db.Equal, Values: []string{"a b"}}}},
		{"id=[1~5]", []db.Filter{{Key: "id", Op: db.Between, Values: []string{"1", "5"}}}},
		{"id=[~5]", []db.Filter{{Key: "id", Op: db.Between, Values: []string{"", "5"}}}},
		{`n=["a"~'b']`, []db.Filter{{Key: "n", Op: db.Between, Values: []string{"a", "b"}}}},
		{"id={1 2}", []db.Filter{{Key: "id", Op: db.AnyOf, Values: []string{"1", "2"}}}},
		{"labels=(1 2)", []db.Filter{{Key: "labels", Op: db.AllOf, Values: []string{"1", "2"}}}},
		{"a=1,b=~2", []db.Filter{{Key: "a", Op: db.Equal, Values: []string{"1"}}, {Key: "b", Op: db.Contains, Values: []string{"2"}}}},
		{"op=a=b", []db.Filter{{Key: "op", Op: db.Equal, Values: []string{"a=b"}}}},
	} {
		got, err := parseQ(c.q)
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%q: %v, %v; want %v", c.q, got, err, c.want)
		}
	}
}

func TestParseQRefuses(t *testing.T) {
	for _, q := range []string{"name", "name=", "=x", "a=1,", "a=1,,b=2", "n=[1]", "n=[1~2", "n=[~]", "n=[1~2~3]", "n={}", "n={1", "n=(", "n=~", "n=%zz", "n=["} {
		if got, err := parseQ(q); !errors.Is(err, ErrQuery) {
			t.Errorf("%q: %v, %v; want ErrQuery", q, got, err)
		}
	}
}

func TestReadList(t *testing.T) {
	known := func(k string) bool { return slices.Contains([]string{"name", "project_id", "op_time"}, k) }
	for _, c := range []struct {
		name, query string
		want        db.List
		unknown     []string
	}{
		{"defaults", "", db.List{Page: 1, Size: 10}, nil},
		{"page and size", "page=3&page_size=7", db.List{Page: 3, Size: 7}, nil},
		{"everything", "page_size=0", db.List{Page: 1, Size: 0}, nil},
		{"negative is everything", "page=-1&page_size=-1", db.List{Page: 1, Size: 0}, nil},
		{"go spelling", "q=ProjectID%3D4&sort=-Name", db.List{
			Page: 1, Size: 10, Filters: []db.Filter{{Key: "project_id", Op: db.Equal, Values: []string{"4"}}}, Sort: []db.Sort{{Key: "name", Desc: true}},
		}, nil},
		{"unknown keys are named", "q=colour%3Dx,name%3Dy&sort=size,name", db.List{
			Page: 1, Size: 10, Filters: []db.Filter{{Key: "name", Op: db.Equal, Values: []string{"y"}}}, Sort: []db.Sort{{Key: "name"}},
		}, []string{"colour", "size"}},
		{"operators", "q=name__icontains%3Da,project_id__gte%3D2,project_id__lte%3D3,name__in%3D{a b},name__exact%3Da", db.List{Page: 1, Size: 10, Filters: []db.Filter{
			{Key: "name", Op: db.Contains, Values: []string{"a"}}, {Key: "project_id", Op: db.Between, Values: []string{"2", ""}},
			{Key: "project_id", Op: db.Between, Values: []string{"", "3"}}, {Key: "name", Op: db.AnyOf, Values: []string{"a", "b"}},
			{Key: "name", Op: db.Equal, Values: []string{"a"}},
		}}, nil},
		{"no such operator", "q=name__regex%3Da", db.List{Page: 1, Size: 10}, []string{"name__regex"}},
		{"no control characters in a warning", "q=a%250d%250ab%3D1", db.List{Page: 1, Size: 10}, []string{"a??b"}},
	} {
		values, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got, unknown, err := ReadList(values, known, known)
		if err != nil || !cmp.Equal(got, c.want) || !slices.Equal(unknown, c.unknown) {
			t.Errorf("%s: %+v %q %v; want %+v %q", c.name, got, unknown, err, c.want, c.unknown)
		}
	}
}

func FuzzParseQ(f *testing.F) {
	for _, q := range []string{"a=b", "a=[1~2]", "a={x y}", "a=(1)", `a=\~b`, "a=~%25", "a=%"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		filters, err := parseQ(q)
		if err != nil && !errors.Is(err, ErrQuery) {
			t.Fatalf("%q: %v is not for a client", q, err)
		}
		for _, c := range filters {
			if c.Key == "" || len(c.Values) == 0 || c.Op == db.Between && len(c.Values) != 2 {
				t.Fatalf("%q became %+v", q, c)
			}
		}
	})
}

func TestReadListBounds(t *testing.T) {
	every := func(string) bool { return true }
	many := strings.Repeat("a=1,", maxConditions) + "a=1"
	for name, values := range map[string]url.Values{"filters": {"q": {many}}, "sorts": {"sort": {strings.Repeat("a,", maxConditions)}}} {
		if _, _, err := ReadList(values, every, every); !errors.Is(err, ErrQuery) {
			t.Errorf("%s: %v, want ErrQuery", name, err)
		}
	}
}

// A key that is only to filter by is unknown to sort.
func TestReadListKeysApart(t *testing.T) {
	values := url.Values{"q": {"tags=v1"}, "sort": {"-tags"}}
	list, unknown, err := ReadList(values, func(k string) bool { return k == "tags" }, func(string) bool { return false })
	if err != nil || len(list.Filters) != 1 || len(list.Sort) != 0 || !slices.Equal(unknown, []string{"tags"}) {
		t.Errorf("%+v, %v, %v", list, unknown, err)
	}
}
