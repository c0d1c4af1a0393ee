package declared

import (
	"context"
	"net/url"
	"strconv"
)

const labelsPath = harbor + "/labels"

type labelRow struct {
	ID          int64  `json:"id,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Color       string `json:"color"`
	Scope       string `json:"scope"`
	ProjectID   int64  `json:"project_id"`
}

// systemLabels are for the artifacts of all projects.
func systemLabels() kind {
	k := projectLabels()
	k.inProject = false
	return k
}

// projectLabels are for the artifacts of one.
func projectLabels() kind {
	return kind{
		section: "labels", inProject: true,
		fields: []field{aText("name").must(), aText("description"), aText("color")},
		list: func(ctx context.Context, s *session, home string, _ func(string) bool) ([]object, error) {
			scope := url.Values{"scope": {"g"}}
			if home != "" {
				id, err := s.idOf(ctx, projectSection, home)
				if err != nil {
					return nil, err
				}
				scope = url.Values{"scope": {"p"}, "project_id": {strconv.FormatInt(id, 10)}}
			}
			rows, err := every[labelRow](ctx, s.API, labelsPath, scope)
			var all []object
			for _, l := range rows {
				all = append(all, object{name: l.Name, home: home, id: l.ID, values: values{"name": l.Name, "description": l.Description, "color": l.Color}})
			}
			return all, err
		},
		create: func(ctx context.Context, s *session, w want) error {
			row := labelOf(w)
			row.Scope = "g"
			if w.home != "" {
				id, err := s.idOf(ctx, projectSection, w.home)
				if err != nil {
					return err
				}
				row.Scope, row.ProjectID = "p", id
			}
			_, err := s.post(ctx, labelsPath, row)
			return err
		},
		change: func(ctx context.Context, s *session, w want) error {
			return s.put(ctx, at(labelsPath, w.have.id), labelOf(w))
		},
		remove: func(ctx context.Context, s *session, o object) error {
			return gone(s.delete(ctx, at(labelsPath, o.id)))
		},
	}
}

func labelOf(w want) labelRow {
	return labelRow{Name: w.full.text("name"), Description: w.full.text("description"), Color: w.full.text("color")}
}
