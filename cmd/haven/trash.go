package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
)

// trashCommands look at what was deleted and can be restored, and restore it.
type trashCommands struct {
	List           trashList           `cmd:"" help:"List what was deleted in a project and can be restored, the newest first."`
	Restore        trashRestore        `cmd:"" help:"Undo deletions, by their numbers, or all that a run of retention deleted."`
	Empty          trashEmpty          `cmd:"" help:"Take away for good what was deleted in a project, or everywhere, so that its space comes back."`
	Projects       trashProjects       `cmd:"" help:"List deleted projects that can be restored."`
	RestoreProject trashRestoreProject `cmd:"" help:"Restore a deleted project."`
}

type trashList struct {
	client     `embed:""`
	Project    string `arg:"" help:"The project's name."`
	Repository string `placeholder:"NAME" help:"Only of this repository, without the project's name."`
	OfRun      int64  `name:"run" placeholder:"ID" help:"Only what this execution of retention deleted."`
	JSON       bool   `name:"json" help:"Print JSON."`
}

type trashRestore struct {
	client    `embed:""`
	Project   string  `arg:"" help:"The project's name."`
	Deletions []int64 `arg:"" optional:"" name:"deletion" help:"Numbers, as list shows them."`
	OfRun     int64   `name:"run" placeholder:"ID" help:"All that this execution of retention deleted."`
	Digest    string  `help:"Of a deletion of several artifacts this one alone."`
}

type trashEmpty struct {
	client  `embed:""`
	Project string `arg:"" optional:"" help:"The project's name."`
	All     bool   `help:"In all projects."`
}

type trashProjects struct {
	client `embed:""`
	JSON   bool `name:"json" help:"Print JSON."`
}

type trashRestoreProject struct {
	client           `embed:""`
	ID               int64 `arg:"" help:"Number of the project, as projects shows it."`
	WithRepositories bool  `help:"Restore the repositories too that were deleted in it."`
}

// nameOf says what was deleted.
func nameOf(d gen.Deletion) string {
	name := d.Repository
	switch {
	case d.Tag != "":
		name += ":" + d.Tag
	case d.Digest != "":
		name += "@" + d.Digest
	}
	if d.Kind == gen.DeletionKindArtifact && d.Artifacts > 1 {
		name += fmt.Sprintf(" and %d more", d.Artifacts-1)
	}
	return name
}

// trashPage is how many rows are asked for at once.
const trashPage = 100

// pages returns all rows at path, which come in pages by descending ids.
func pages[T any](ctx context.Context, c *client, path string, query url.Values, id func(T) int64) (all []T, err error) {
	all = []T{} // for JSON
	query.Set("page_size", strconv.Itoa(trashPage))
	for {
		var page []T
		if err := c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < trashPage {
			return all, nil
		}
		query.Set("before", strconv.FormatInt(id(page[len(page)-1]), 10))
	}
}

// Run implements kong's command.
func (l *trashList) Run(ctx context.Context) error {
	query := url.Values{}
	if l.Repository != "" {
		query.Set("repository", l.Repository)
	}
	if l.OfRun != 0 {
		query.Set("run", strconv.FormatInt(l.OfRun, 10))
	}
	all, err := pages(ctx, &l.client, projectTrash(l.Project), query, func(d gen.Deletion) int64 { return d.ID })
	if err != nil {
		return err
	}
	if l.JSON {
		return writeJSON(all)
	}
	return table(os.Stdout, "DELETION\tWHAT\tNAME\tBYTES\tBY\tDELETED\tUNTIL", len(all), func(i int) string {
		d := all[i]
		by := d.By
		if d.Run != 0 {
			by += fmt.Sprintf(" (run %d)", d.Run)
		}
		return fmt.Sprintf("%d\t%s\t%s\t%d\t%s\t%s\t%s", d.ID, d.Kind, nameOf(d), d.Bytes, by, moment(d.Time), moment(d.Until))
	})
}

// Run implements kong's command.
func (r *trashRestore) Run(ctx context.Context) error {
	switch {
	case (len(r.Deletions) == 0) == (r.OfRun == 0):
		return errors.New("expected the numbers of deletions, or --run")
	case r.Digest != "" && len(r.Deletions) != 1:
		return errors.New("--digest goes with the number of one deletion")
	}
	if r.OfRun != 0 {
		return r.undo(ctx, projectTrash(r.Project)+"/runs/"+strconv.FormatInt(r.OfRun, 10)+"/restore", fmt.Sprintf("run %d", r.OfRun))
	}
	for _, id := range r.Deletions {
		path := projectTrash(r.Project) + "/" + strconv.FormatInt(id, 10) + "/restore"
		if r.Digest != "" {
			path += "?" + url.Values{"digest": {r.Digest}}.Encode()
		}
		if err := r.undo(ctx, path, fmt.Sprintf("deletion %d", id)); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) undo(ctx context.Context, path, what string) error {
	var u gen.Undone
	if err := c.call(ctx, http.MethodPost, path, nil, &u); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Printf("%s: %d manifests and %d tags are back\n", what, u.Manifests, u.Tags)
	for _, tag := range u.TagsTaken {
		fmt.Printf("%s: the tag %s names something else by now, and stays there\n", what, tag)
	}
	return nil
}

// Run implements kong's command.
func (e *trashEmpty) Run(ctx context.Context) error {
	if (e.Project == "") != e.All {
		return errors.New("expected the name of a project, or --all")
	}
	path := "trash"
	if e.Project != "" {
		path = projectTrash(e.Project)
	}
	response, err := e.send(ctx, http.MethodDelete, path, nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Run implements kong's command.
func (p *trashProjects) Run(ctx context.Context) error {
	all, err := pages(ctx, &p.client, "trash/projects", url.Values{}, func(d gen.DeletedProject) int64 { return d.ID })
	if err != nil {
		return err
	}
	if p.JSON {
		return writeJSON(all)
	}
	return table(os.Stdout, "ID\tNAME\tBY\tDELETED\tUNTIL", len(all), func(i int) string {
		d := all[i]
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s", d.ID, d.Name, d.By, moment(d.Time), moment(d.Until))
	})
}

// Run implements kong's command.
func (r *trashRestoreProject) Run(ctx context.Context) error {
	path := "trash/projects/" + strconv.FormatInt(r.ID, 10) + "/restore"
	if r.WithRepositories {
		path += "?with_repositories=true"
	}
	return r.undo(ctx, path, fmt.Sprintf("project %d", r.ID))
}

func moment(t wire.Time) string { return time.Time(t).Local().Format(time.DateTime) }

func projectTrash(project string) string { return "projects/" + url.PathEscape(project) + "/trash" }

// table prints rows, whose cells tabs part.
func table(w io.Writer, head string, rows int, row func(int) string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, head)
	for i := range rows {
		fmt.Fprintln(t, row(i))
	}
	return t.Flush()
}
