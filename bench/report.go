package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what was measured, for the terminal and for Markdown.
type report struct {
	machine []string // lines on machine, commit and command
	tables  []*table
	targets *table
	memory  []error // broken promises on memory
}

// table is one group of figures. The first column is text, the others are numbers.
type table struct {
	title, note string
	head        []string
	rows        [][]string
}

func newReport(ctx context.Context, o options) *report {
	return &report{machine: describe(ctx, o), targets: &table{title: "Targets", head: []string{"what", "unit", "measured", "target", ""}}}
}

func (r *report) table(title, note string, head ...string) *table {
	t := &table{title: title, note: note, head: head}
	r.tables = append(r.tables, t)
	fmt.Fprintln(os.Stderr, title, "…")
	return t
}

// add formats a row: durations as milliseconds, other numbers by their size.
func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case time.Duration:
			row[i] = number(milliseconds(c))
		case float64:
			row[i] = number(c)
		default:
			row[i] = fmt.Sprint(c)
		}
	}
	t.rows = append(t.rows, row)
	fmt.Fprintln(os.Stderr, "  "+strings.Join(row, "  "))
}

// target compares a figure with the most that it should be.
func (r *report) target(what, unit string, measured, most float64) {
	verdict := "met"
	if measured > most {
		verdict = "missed"
	}
	r.targets.rows = append(r.targets.rows, []string{what, unit, number(measured), "≤ " + number(most), verdict})
}

// atLeast compares a figure with the least that it should be.
func (r *report) atLeast(what, unit string, measured, least float64) {
	verdict := "met"
	if measured < least {
		verdict = "missed"
	}
	r.targets.rows = append(r.targets.rows, []string{what, unit, number(measured), "≥ " + number(least), verdict})
}

// memoryTarget is a target that fails the program when it is missed.
func (r *report) memoryTarget(what string, peak float64) {
	r.target(what, "MB", peak, maxPeak)
	if peak >= maxPeak {
		r.memory = append(r.memory, fmt.Errorf("%s: %s MB, promised are less than %s", what, number(peak), number(maxPeak)))
	}
}

func (r *report) memoryExceeded() error { return errors.Join(r.memory...) }

func (r *report) all() []*table {
	if len(r.targets.rows) == 0 {
		return r.tables
	}
	return append([]*table{r.targets}, r.tables...)
}

func (r *report) print(w io.Writer) {
	for _, l := range r.machine {
		fmt.Fprintln(w, l)
	}
	for _, t := range r.all() {
		fmt.Fprintf(w, "\n%s\n", t.title)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range append([][]string{t.head}, t.rows...) {
			fmt.Fprintln(tw, "  "+strings.Join(row, "\t"))
		}
		_ = tw.Flush() // as with any line to a terminal
	}
}

// writeFile writes the report as Markdown.
func (r *report) writeFile(path string) error {
	var b strings.Builder
	b.WriteString("# Measurements\n\n")
	for _, l := range r.machine {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	for _, t := range r.all() {
		fmt.Fprintf(&b, "\n## %s\n\n", t.title)
		if t.note != "" {
			fmt.Fprintf(&b, "%s\n\n", t.note)
		}
		fmt.Fprintf(&b, "| %s |\n|---|%s\n", strings.Join(t.head, " | "), strings.Repeat("---:|", len(t.head)-1))
		for _, row := range t.rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func megabytes(n int64) string { return number(float64(n) / 1e6) }

func megabytesPerSecond(n int64, d time.Duration) float64 { return float64(n) / 1e6 / d.Seconds() }

// number writes three or so digits that mean something.
func number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 1:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.3f", f)
}
