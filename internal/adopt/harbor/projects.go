package harbor

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/project"
)

type projectRow struct {
	ID         int64  `json:"project_id"`
	OwnerID    int64  `json:"owner_id"`
	Name       string `json:"name"`
	Deleted    bool   `json:"deleted"`
	RegistryID int64  `json:"registry_id"`
	Created    stamp  `json:"creation_time"`
	Updated    stamp  `json:"update_time"`
}

type metadataRow struct {
	ProjectID int64  `json:"project_id"`
	Name      string `json:"name"`
	Value     string `json:"value"`
}

type quotaRow struct {
	Reference string `json:"reference"`
	ID        string `json:"reference_id"`
	Hard      struct {
		Storage *int64 `json:"storage"`
	} `json:"hard"`
}

type allowlistRow struct {
	ProjectID int64  `json:"project_id"` // 0: of the system
	Expires   int64  `json:"expires_at"` // seconds since 1970
	Items     string `json:"items"`      // JSON
}

func (r allowlistRow) list() (a project.CVEAllowlist, err error) {
	var items []struct {
		ID string `json:"cve_id"`
	}
	if err := json.Unmarshal([]byte(r.Items), &items); err != nil {
		return a, fmt.Errorf("the CVE allowlist can't be read: %w", err)
	}
	for _, i := range items {
		a.Items = append(a.Items, i.ID)
	}
	if r.Expires > 0 {
		a.ExpiresAt = time.Unix(r.Expires, 0).UTC()
	}
	return a, nil
}

// ownScanner is the key that names a project's own scanner; those aren't taken.
const ownScanner = "projectScanner"

func (a *Adoption) projects(ctx context.Context, tx db.Tx) error {
	metadata := map[int64]map[string]string{}
	for _, m := range a.data.metadata {
		if metadata[m.ProjectID] == nil {
			metadata[m.ProjectID] = map[string]string{}
		}
		metadata[m.ProjectID][m.Name] = m.Value
	}
	limits, lists := a.data.limits(), map[int64]allowlistRow{}
	for _, row := range a.data.allowlists {
		lists[row.ProjectID] = row
	}
	for _, p := range a.data.projects {
		if p.Deleted {
			continue
		}
		what := "project " + p.Name
		adopted := project.Project{
			ID: p.ID, Name: p.Name, StorageLimit: -1, RegistryID: p.RegistryID, Metadata: metadata[p.ID],
			CreatedAt: p.Created.or(a.now), UpdatedAt: p.Updated.or(a.now),
		}
		if a.there.users[p.OwnerID] {
			adopted.OwnerID = p.OwnerID
		}
		public, err := strconv.ParseBool(metadata[p.ID][project.Public])
		adopted.Public = err == nil && public // what isn't said, or can't be read, is private
		for _, key := range []string{project.Public, project.RetentionID, ownScanner} {
			delete(adopted.Metadata, key)
		}
		if p.RegistryID != 0 && !a.there.registries[p.RegistryID] {
			adopted.RegistryID = 0
			a.Report.Lose(what, fmt.Errorf("the registry that it is a cache of could not be taken: it is an ordinary project now"))
		}
		if limit, ok := limits[fmt.Sprint(p.ID)]; ok {
			adopted.StorageLimit = limit
		}
		if list, ok := lists[p.ID]; ok {
			var err error
			if adopted.Allowlist, err = list.list(); err != nil {
				a.Report.Lose(what, err)
			}
		}
		dropped, err := a.Projects.Adopt(ctx, tx, adopted)
		if err := a.took("projects", what, err); err != nil {
			return err
		}
		if a.there.projects[p.ID] = err == nil; err == nil {
			a.names[p.ID] = p.Name
		}
		if err == nil && len(dropped) > 0 {
			a.Report.Lose(what, fmt.Errorf("it is here without these settings, which have no place or no valid value: %s", strings.Join(dropped, ", ")))
		}
	}
	return nil
}

// limits are the storage limits of projects in bytes, by their ids as text; those without one are missing.
func (d data) limits() map[string]int64 {
	limits := map[string]int64{}
	for _, q := range d.quotas {
		if q.Reference == "project" && q.Hard.Storage != nil && *q.Hard.Storage > 0 {
			limits[q.ID] = *q.Hard.Storage
		}
	}
	return limits
}

func (a *Adoption) systemAllowlist(ctx context.Context, tx db.Tx) error {
	for _, row := range a.data.allowlists {
		if row.ProjectID != 0 {
			continue
		}
		list, err := row.list()
		if err == nil {
			err = a.Projects.AdoptSystemAllowlist(ctx, tx, list, a.now)
		}
		if err := a.took("CVE allowlists of the system", "the system's CVE allowlist", err); err != nil {
			return err
		}
	}
	return nil
}

type memberRow struct {
	ID        int64  `json:"id"`
	ProjectID int64  `json:"project_id"`
	EntityID  int64  `json:"entity_id"`
	Entity    string `json:"entity_type"` // u or g
	Role      int64  `json:"role"`
	Created   stamp  `json:"creation_time"`
	Updated   stamp  `json:"update_time"`
}

// members brings who is in projects. Rows of deleted users, which Harbor leaves behind, are nobody's.
func (a *Adoption) members(ctx context.Context, tx db.Tx) error {
	for _, m := range a.data.members {
		if !a.there.projects[m.ProjectID] {
			continue
		}
		adopted := project.Member{ID: m.ID, ProjectID: m.ProjectID, Role: authz.Role(m.Role), CreatedAt: m.Created.or(a.now), UpdatedAt: m.Updated.or(a.now)}
		switch {
		case m.Entity == "g" && a.there.groups[m.EntityID]:
			adopted.GroupID = m.EntityID
		case m.Entity == "u" && a.there.users[m.EntityID]:
			adopted.AccountID = m.EntityID
		default:
			continue
		}
		err := a.Projects.AdoptMember(ctx, tx, adopted)
		if err := a.took("members of projects", fmt.Sprintf("member %s%d of project %s", m.Entity, m.EntityID, a.names[m.ProjectID]), err); err != nil {
			return err
		}
	}
	return nil
}

type labelRow struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Color       string `json:"color"`
	ProjectID   int64  `json:"project_id"`
	Deleted     bool   `json:"deleted"`
	Created     stamp  `json:"creation_time"`
	Updated     stamp  `json:"update_time"`
}

func (a *Adoption) labels(ctx context.Context, tx db.Tx) error {
	for _, l := range a.data.labels {
		if l.Deleted || l.ProjectID != 0 && !a.there.projects[l.ProjectID] {
			continue
		}
		err := a.Labels.Adopt(ctx, tx, label.Label{
			ID: l.ID, ProjectID: l.ProjectID, Name: l.Name, Description: l.Description, Color: l.Color, CreatedAt: l.Created.or(a.now), UpdatedAt: l.Updated.or(a.now),
		})
		if err := a.took("labels", "label "+l.Name, err); err != nil {
			return err
		}
	}
	return nil
}
