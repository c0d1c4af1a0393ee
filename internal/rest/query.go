package rest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/havenregistry/haven/internal/db"
)

// ErrQuery: a q parameter that can't be read. Its text is for the client.
var ErrQuery = errors.New("malformed query")

// Keys reports whether a listing can be filtered or sorted by a key.
type Keys func(key string) bool

// maxWarned bounds the unknown keys that an answer names, and maxConditions those of a request.
const (
	maxWarned     = 20
	maxConditions = 100
)

// Listing reads page, page_size, q and sort of the request for a listing with these keys. What the
// listing doesn't know is left out and named in a Warning header, of RFC 9110's form for code 299.
func Listing(ctx context.Context, known Keys) (db.List, error) { return ListingBy(ctx, known, known) }

// ListingBy is Listing where not every key to filter by is one to sort by.
func ListingBy(ctx context.Context, filters, sorts Keys) (db.List, error) {
	c := CallFrom(ctx)
	list, unknown, err := ReadList(c.URL.Query(), filters, sorts)
	for _, key := range unknown[:min(len(unknown), maxWarned)] {
		c.Response.Add("Warning", fmt.Sprintf("299 haven %q", "ignored unknown key "+key))
	}
	return list, err
}

// ReadList is listing without a request. The sizes were checked against the contract before.
func ReadList(values url.Values, filterKeys, sortKeys Keys) (list db.List, unknown []string, err error) {
	list.Page, list.Size = 1, defaultPageSize
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 0 {
		list.Page = n
	}
	if n, err := strconv.Atoi(values.Get("page_size")); err == nil {
		list.Size = max(n, 0)
	}
	filters, err := parseQ(values.Get("q"))
	if err != nil {
		return list, nil, err
	}
	for _, f := range filters {
		if f, ok := resolve(f, filterKeys); ok {
			list.Filters = append(list.Filters, f)
		} else {
			unknown = append(unknown, Printable(f.Key))
		}
	}
	sorts := strings.Split(values.Get("sort"), ",")
	if len(filters) > maxConditions || len(sorts) > maxConditions {
		return list, nil, fmt.Errorf("%w: more than %d conditions", ErrQuery, maxConditions)
	}
	for _, key := range sorts {
		key, desc := strings.CutPrefix(strings.TrimSpace(key), "-")
		if column, ok := columnOf(key, sortKeys); ok {
			list.Sort = append(list.Sort, db.Sort{Key: column, Desc: desc})
		} else if key != "" {
			unknown = append(unknown, Printable(key))
		}
	}
	return list, unknown, nil
}

// parseQ reads Harbor's q grammar: conditions joined with commas, in the forms k=v, k=~v, k=[a~b],
// k={a b} and k=(a b). The text is unescaped once more, because Harbor's clients escape it twice.
func parseQ(q string) ([]db.Filter, error) {
	if q == "" {
		return nil, nil
	}
	q, err := url.QueryUnescape(q)
	if err != nil || !storable(q) {
		return nil, fmt.Errorf("%w: invalid query string value: %s", ErrQuery, Printable(q))
	}
	var filters []db.Filter
	for _, condition := range strings.Split(q, ",") {
		key, value, found := strings.Cut(condition, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !found || key == "" || value == "" {
			return nil, fmt.Errorf(`%w: the query string must contain "=" and the key/value cannot be empty`, ErrQuery)
		}
		f := db.Filter{Key: key}
		if f.Op, f.Values, err = parseValue(value); err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	return filters, nil
}

func parseValue(value string) (db.Op, []string, error) {
	malformed := fmt.Errorf("%w: invalid query string value: %s", ErrQuery, Printable(value))
	inner := value[1:]
	switch value[0] {
	case '~':
		if inner == "" {
			return 0, nil, malformed
		}
		return db.Contains, []string{inner}, nil
	case '[':
		ends := strings.Split(strings.TrimSuffix(inner, "]"), "~")
		if !strings.HasSuffix(inner, "]") || len(ends) != 2 || ends[0] == "" && ends[1] == "" {
			return 0, nil, malformed
		}
		return db.Between, []string{unquoted(ends[0]), unquoted(ends[1])}, nil
	case '{', '(':
		op, end := db.AnyOf, "}"
		if value[0] == '(' {
			op, end = db.AllOf, ")"
		}
		words := strings.Fields(strings.TrimSuffix(inner, end))
		if !strings.HasSuffix(inner, end) || len(words) == 0 {
			return 0, nil, malformed
		}
		for i := range words {
			words[i] = unquoted(words[i])
		}
		return op, words, nil
	}
	return db.Equal, []string{strings.TrimPrefix(value, `\`)}, nil
}

// resolve finds the column of a filter, and takes an operator suffix of the key into account.
func resolve(f db.Filter, known Keys) (db.Filter, bool) {
	name, suffix, _ := strings.Cut(f.Key, "__")
	column, ok := columnOf(name, known)
	if !ok {
		return f, false
	}
	value := f.Values[0]
	switch suffix {
	case "":
	case "exact":
		f.Op, f.Values = db.Equal, []string{value}
	case "icontains":
		f.Op, f.Values = db.Contains, []string{value}
	case "in":
		f.Op = db.AnyOf
	case "gte":
		f.Op, f.Values = db.Between, []string{value, ""}
	case "lte":
		f.Op, f.Values = db.Between, []string{"", value}
	default:
		return f, false
	}
	f.Key = column
	return f, true
}

// columnOf is a key as the listing knows it: as given, or the Go spelling (ProjectID) as a column.
func columnOf(key string, known Keys) (string, bool) {
	if key == "" {
		return "", false
	}
	if known(key) {
		return key, true
	}
	if column := snake(key); known(column) {
		return column, true
	}
	return "", false
}

// snake turns ProjectID into project_id.
func snake(key string) string {
	var b strings.Builder
	runes := []rune(key)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func unquoted(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// Printable cuts s to what fits into a message or a header.
func Printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 200)]
}
