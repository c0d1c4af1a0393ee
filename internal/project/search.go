package project

import (
	"context"
	"fmt"
	"strconv"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// FoundRepository is a repository that a search hit.
type FoundRepository struct {
	ProjectID     int64
	ProjectName   string
	ProjectPublic bool
	Name          string // full name
	PullCount     int64
	ArtifactCount int64
}

// maxFound bounds each list of a search.
const maxFound = 500

// Search returns the projects and repositories that p may see and whose name holds q, whatever the case;
// at most 500 of each, by name.
func (s *Service) Search(ctx context.Context, p authz.Principal, q string) (projects []Project, repositories []FoundRepository, err error) {
	where, args := visible(p).condition()
	args = append(args, db.Part(q))
	like := ` LIKE $` + strconv.Itoa(len(args)) + ` ESCAPE '\'`
	limit := ` LIMIT ` + strconv.Itoa(maxFound)
	err = s.db.Read(ctx, func(tx db.Tx) error {
		projects, err = db.Collect(ctx, tx, scanProject, `SELECT `+projectFields+` FROM `+projectFrom+
			` WHERE `+where+` AND p.name`+like+` ORDER BY p.name`+limit, args...)
		if err != nil {
			return err
		}
		repositories, err = db.Collect(ctx, tx, scanFound, foundRepositories+where+` AND p.name || '/' || r.name`+like+
			` ORDER BY p.name, r.name`+limit, args...)
		if err != nil {
			return err
		}
		return details(ctx, tx, projects, p)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("search: %w", err)
	}
	return projects, repositories, nil
}

const foundRepositories = `SELECT p.id, p.name, p.public, r.name, r.pull_count, r.artifact_count
	FROM repository r JOIN project p ON p.id = r.project_id WHERE NOT r.hidden AND `

func scanFound(r db.Row) (v FoundRepository, err error) {
	var name string
	err = r.Scan(&v.ProjectID, &v.ProjectName, &v.ProjectPublic, &name, &v.PullCount, &v.ArtifactCount)
	v.Name = v.ProjectName + "/" + name
	return v, err
}
