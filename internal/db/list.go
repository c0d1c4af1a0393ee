package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrFilter: a filter's value can't be read as the type of its column. The message is for clients.
var ErrFilter = errors.New("invalid query value")

// Kind is the type of a column that clients may filter and sort by.
type Kind int

// The kinds of columns.
const (
	Text Kind = iota
	Int
	Timestamp // compared in UTC; values as 2006-01-02T15:04:05
	Bool
)

// Column is one key of a listing: the SQL expression behind it and its type.
type Column struct {
	Expr string
	Kind Kind
	// Lower: the text is in lower case as it is, so that Contains needn't make it so in each row.
	Lower bool
}

// lowered is the column's text in lower case.
func (c Column) lowered() string {
	if c.Lower {
		return c.Expr
	}
	return "lower(" + c.Expr + ")"
}

// Op is how a filter compares.
type Op int

// The comparisons of Harbor's q parameter.
const (
	Equal    Op = iota // k=v
	Contains           // k=~v, not case-sensitive
	Between            // k=[a~b], inclusive; an empty side is open
	AnyOf              // k={a b}
	AllOf              // k=(a b); only where a listing implements it by itself
)

// Filter is one condition of a client: Values holds one value for Equal and Contains, two for Between.
type Filter struct {
	Key    string
	Op     Op
	Values []string
}

// Sort is one sort key of a client.
type Sort struct {
	Key  string
	Desc bool
}

// List is what a client asks of a listing. Keys that the listing doesn't have are ignored here; the
// edge names them to the client.
type List struct {
	Filters []Filter
	Sort    []Sort
	Page    int // from 1
	Size    int // rows a page; 0 or less: all, up to MaxRows
}

// MaxRows bounds the "all rows" of page_size=0.
const MaxRows = 10_000

// maxValues bounds the values of one filter.
const maxValues = 100

// Listing is a query that can be filtered, sorted and paged by an allow-list of columns (S4).
type Listing struct {
	Fields  string            // what to select, fixed text
	From    string            // tables and joins, fixed text
	Columns map[string]Column // what clients may filter and sort by
	Default string            // what to sort by when the client names no key of ours; may end in " DESC"
	Tie     string            // unique expression that makes each order total; may end in " DESC"
	// Total is a query for the number of all rows, with the same arguments as the caller's condition, that ends in its
	// own. It answers instead of a count when the client gives no filter but such as Totals has. "" where there is none.
	Total string
	// Totals are the columns that Total's rows tell apart, by the keys that they answer.
	Totals map[string]Column
}

const descending = " DESC"

// Has reports whether clients may filter or sort by key.
func (l Listing) Has(key string) bool { _, ok := l.Columns[key]; return ok }

// Page runs the listing and counts all rows that match: two statements at any size. where is the
// caller's own condition ("" for none), with placeholders from $1 for args. A page in the second half is
// read from the end.
func Page[T any](ctx context.Context, tx Tx, l Listing, where string, args []any, list List, scan func(Row) (T, error)) ([]T, int64, error) {
	conditions := []string{}
	if where != "" {
		conditions = append(conditions, "("+where+")")
	}
	count := l.Total
	for _, f := range list.Filters {
		col, ok := l.Columns[f.Key]
		if !ok {
			continue
		}
		cond, more, err := col.condition(f, len(args))
		if err != nil {
			return nil, 0, err
		}
		if count, err = l.countOf(count, f, len(args)); err != nil {
			return nil, 0, err
		}
		conditions, args = append(conditions, cond), append(args, more...)
	}
	if count == "" {
		count = "SELECT COUNT(*)" + l.from(conditions)
	}
	total, err := Get(ctx, tx, ScanInt, count, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("count rows: %w", err)
	}
	limit, offset := list.window()
	if offset >= total {
		return nil, total, nil
	}
	backwards := offset > total/2
	if backwards {
		limit = min(limit, total-offset)
		offset = total - offset - limit
	}
	query := l.query(conditions, list.Sort, backwards)
	bounds := fmt.Sprintf(" LIMIT $%d OFFSET $%d", len(args)+1, len(args)+2)
	if offset >= deep {
		query, bounds = l.deepQuery(conditions, list.Sort, backwards, bounds), ""
	}
	rows, err := Collect(ctx, tx, scan, query+bounds, append(args[:len(args):len(args)], limit, offset)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list rows: %w", err)
	}
	if backwards {
		slices.Reverse(rows)
	}
	return rows, total, nil
}

// countOf narrows a query of the kind of Total by a filter, whose values follow n placeholders. It is "" where that can't be.
func (l Listing) countOf(count string, f Filter, n int) (string, error) {
	col, ok := l.Totals[f.Key]
	if count == "" || !ok {
		return "", nil
	}
	cond, _, err := col.condition(f, n)
	return count + " AND " + cond, err
}

// Query is the statement of a page but for its bounds, for tests of its plan.
func (l Listing) Query(where string, by []Sort) string { return l.query([]string{where}, by, false) }

func (l Listing) query(conditions []string, by []Sort, backwards bool) string {
	return "SELECT " + l.Fields + l.from(conditions) + l.order(by, backwards)
}

// deep is the offset from which on rows are skipped without reading them, where an index has what is sorted
// and filtered by.
const deep = 500

func (l Listing) deepQuery(conditions []string, by []Sort, backwards bool, bounds string) string {
	tie, _ := strings.CutSuffix(l.Tie, descending)
	order := l.order(by, backwards)
	within := tie + " IN (SELECT " + tie + l.from(conditions) + order + bounds + ")"
	return "SELECT " + l.Fields + l.from([]string{within}) + order
}

func (l Listing) from(conditions []string) string {
	if len(conditions) == 0 {
		return " FROM " + l.From
	}
	return " FROM " + l.From + " WHERE " + strings.Join(conditions, " AND ")
}

func (l List) window() (limit, offset int64) {
	if l.Size <= 0 {
		return MaxRows, 0
	}
	size := int64(min(l.Size, MaxRows))
	return size, (max(min(int64(l.Page), 1_000_000_000/size), 1) - 1) * size
}

// order writes ORDER BY. Where the client names the keys, Tie takes the direction of the last one, so that
// an index serves both directions.
func (l Listing) order(keys []Sort, backwards bool) string {
	var by []string
	add := func(expr string, desc bool) {
		if desc != backwards {
			expr += " DESC"
		}
		by = append(by, expr)
	}
	tie, desc := strings.CutSuffix(l.Tie, descending)
	for _, k := range keys {
		if col, ok := l.Columns[k.Key]; ok {
			add(col.Expr, k.Desc)
			desc = k.Desc
		}
	}
	if expr, d := strings.CutSuffix(l.Default, descending); len(by) == 0 && expr != "" {
		add(expr, d)
	}
	add(tie, desc)
	return " ORDER BY " + strings.Join(by, ", ")
}

// condition writes f as SQL; n is the number of placeholders used so far.
func (c Column) condition(f Filter, n int) (string, []any, error) {
	if len(f.Values) > maxValues {
		return "", nil, fmt.Errorf("%w: %s has more than %d values", ErrFilter, f.Key, maxValues)
	}
	switch f.Op {
	case Contains:
		return fmt.Sprintf(`%s LIKE $%d ESCAPE '\'`, c.lowered(), n+1), []any{Part(f.Values[0])}, nil
	case Between:
		return c.between(f, n)
	case Equal, AnyOf:
		marks, args := make([]string, len(f.Values)), make([]any, len(f.Values))
		for i, text := range f.Values {
			v, err := c.value(f.Key, text)
			if err != nil {
				return "", nil, err
			}
			marks[i], args[i] = "$"+strconv.Itoa(n+i+1), v
		}
		return c.Expr + " IN (" + strings.Join(marks, ", ") + ")", args, nil
	default:
		return "1 = 1", nil, nil
	}
}

func (c Column) between(f Filter, n int) (string, []any, error) {
	var conditions []string
	var args []any
	for i, op := range []string{" >= $", " <= $"} {
		if f.Values[i] == "" {
			continue
		}
		v, err := c.value(f.Key, f.Values[i])
		if err != nil {
			return "", nil, err
		}
		args = append(args, v)
		conditions = append(conditions, c.Expr+op+strconv.Itoa(n+len(args)))
	}
	return strings.Join(conditions, " AND "), args, nil
}

func (c Column) value(key, text string) (any, error) {
	bad := func(want string) error {
		return fmt.Errorf("%w: %s=%q, expected %s", ErrFilter, key, text, want)
	}
	switch c.Kind {
	case Int:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, bad("a whole number")
		}
		return v, nil
	case Timestamp:
		t, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(text, "Z"))
		if err != nil {
			return nil, bad("a time like 2006-01-02T15:04:05")
		}
		return Micros(t), nil
	case Bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, bad("true or false")
		}
		return v, nil
	default:
		return text, nil
	}
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Part is the pattern of LIKE … ESCAPE '\' for texts that hold another one, in small letters.
func Part(text string) string { return "%" + likeEscapes.Replace(strings.ToLower(text)) + "%" }

// In writes "$n, $n+1, …" for values that follow n placeholders, and the values as arguments. An
// empty list gives NULL, which no column is in.
func In[T any](n int, values []T) (marks string, args []any) {
	if len(values) == 0 {
		return "NULL", nil
	}
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(n+i+1))
		args = append(args, v)
	}
	return b.String(), args
}
