package rest

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/havenregistry/haven/internal/db"
)

const defaultPageSize = 10

// Paged sets X-Total-Count and Link for a page of a listing that has total rows.
func Paged(ctx context.Context, list db.List, total int64) {
	c := CallFrom(ctx)
	c.Response.Set("X-Total-Count", strconv.FormatInt(total, 10))
	if link := pageLinks(c.URL, int64(list.Page), int64(list.Size), total); link != "" {
		c.Response.Set("Link", link)
	}
}

// List is a page as the request wants it, read and then written by shown. The answer's headers count it.
func List[T, J any](ctx context.Context, known Keys, read func(db.List) ([]T, int64, error), shown func(T) J) ([]J, error) {
	list, err := Listing(ctx, known)
	if err != nil {
		return nil, err
	}
	rows, total, err := read(list)
	if err != nil {
		return nil, err
	}
	Paged(ctx, list, total)
	out := make([]J, len(rows))
	for i, row := range rows {
		out[i] = shown(row)
	}
	return out, nil
}

// pageLinks is the Link header: relative, previous page before next, "" when there is neither.
func pageLinks(u url.URL, page, size, total int64) string {
	if size <= 0 {
		return ""
	}
	var links []string
	if page > 1 && (page-1)*size < total {
		links = append(links, fmt.Sprintf(`<%s>; rel="prev"`, pageURL(u, page-1, size)))
	}
	if page*size < total {
		links = append(links, fmt.Sprintf(`<%s>; rel="next"`, pageURL(u, page+1, size)))
	}
	return strings.Join(links, " , ")
}

// pageURL is u with another page. Clients of Harbor get the query unescaped, with sorted keys; where that
// would not fit into a header it stays escaped.
func pageURL(u url.URL, page, size int64) string {
	values := u.Query()
	values.Set("page", strconv.FormatInt(page, 10))
	values.Set("page_size", strconv.FormatInt(size, 10))
	escaped := values.Encode()
	plain, err := url.QueryUnescape(escaped)
	if err != nil || strings.ContainsFunc(plain, func(r rune) bool { return !unicode.IsPrint(r) || r > unicode.MaxASCII || r == '<' || r == '>' }) {
		plain = escaped
	}
	return u.EscapedPath() + "?" + plain
}

// PageOf is the page of a list that is all in memory.
func PageOf[T any](list db.List, all []T) []T {
	if list.Size <= 0 {
		return all
	}
	from := min((min(list.Page, len(all)+1)-1)*list.Size, len(all))
	return all[from:min(from+list.Size, len(all))]
}
