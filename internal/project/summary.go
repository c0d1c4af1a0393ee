package project

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// Summary counts what a project holds.
type Summary struct {
	RepoCount     int64
	Admins        int64
	Maintainers   int64
	Developers    int64
	Guests        int64
	LimitedGuests int64
	Hard          int64 // storage limit in bytes, -1 for none
	Used          int64 // bytes
}

// Summary returns the project's summary; the edge leaves out what the caller may not see.
func (s *Service) Summary(ctx context.Context, id int64) (v Summary, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		v.RepoCount, v.Hard = p.RepoCount, p.StorageLimit
		if v.Used, err = storageUsed(ctx, tx, id); err != nil {
			return err
		}
		counts, err := db.Collect(ctx, tx, scanRoleCount, membersByRole, id)
		for _, c := range counts {
			v.count(c)
		}
		return err
	})
	if err != nil {
		return Summary{}, fmt.Errorf("summarise project %d: %w", id, err)
	}
	return v, nil
}

type roleCount struct {
	role authz.Role
	n    int64
}

func scanRoleCount(r db.Row) (v roleCount, err error) { err = r.Scan(&v.role, &v.n); return v, err }

func (s *Summary) count(c roleCount) {
	switch c.role {
	case authz.ProjectAdmin:
		s.Admins = c.n
	case authz.Maintainer:
		s.Maintainers = c.n
	case authz.Developer:
		s.Developers = c.n
	case authz.Guest:
		s.Guests = c.n
	case authz.LimitedGuest:
		s.LimitedGuests = c.n
	}
}

const (
	membersByRole = `SELECT m.role_id, COUNT(*) FROM project_member m LEFT JOIN account a ON a.id = m.account_id
		WHERE m.project_id = $1 AND COALESCE(a.deleted_at, 0) = 0 GROUP BY m.role_id`

	// Package registry keeps the sum: a blob counts once in a project, in however many repositories it is, and
	// manifests' bytes too.
	usedByProject = `SELECT CAST(COALESCE(SUM(u.bytes), 0) AS BIGINT) FROM project_usage u WHERE u.project_id = $1`
	usedOfRow     = `CAST(COALESCE((SELECT SUM(u.bytes) FROM project_usage u WHERE u.project_id = p.id), 0) AS BIGINT)`
	usedByAll     = `SELECT CAST(COALESCE(SUM(u.bytes), 0) AS BIGINT) FROM project_usage u`
)

// StorageUsed returns the bytes that count in the project's quota.
func (s *Service) StorageUsed(ctx context.Context, id int64) (int64, error) {
	return storageUsed(ctx, s.db.Auto(), id)
}

func storageUsed(ctx context.Context, tx db.Tx, id int64) (int64, error) {
	n, err := db.Get(ctx, tx, db.ScanInt, usedByProject, id)
	if err != nil {
		return 0, fmt.Errorf("sum the storage of project %d: %w", id, err)
	}
	return n, nil
}

// Statistics counts what a principal sees. The totals are of the whole registry, and 0 unless it is a
// system administrator.
type Statistics struct {
	PublicProjects  int64
	PrivateProjects int64
	PublicRepos     int64
	PrivateRepos    int64
	TotalProjects   int64
	TotalRepos      int64
	TotalStorage    int64 // bytes
}

const countsByVisibility = `SELECT p.public, COUNT(*), CAST(COALESCE(SUM(
	(SELECT COUNT(*) FROM repository r WHERE r.project_id = p.id AND NOT r.hidden)), 0) AS BIGINT) FROM project p WHERE `

// Statistics counts the projects and repositories that p sees.
func (s *Service) Statistics(ctx context.Context, p authz.Principal) (v Statistics, err error) {
	where, args := visible(p).condition()
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, err := db.Collect(ctx, tx, scanCounts, countsByVisibility+where+` GROUP BY p.public`, args...)
		if err != nil {
			return err
		}
		for _, c := range rows {
			if c.public {
				v.PublicProjects, v.PublicRepos = c.projects, c.repos
			} else {
				v.PrivateProjects, v.PrivateRepos = c.projects, c.repos
			}
		}
		if !p.Admin {
			return nil
		}
		v.TotalProjects, v.TotalRepos = v.PublicProjects+v.PrivateProjects, v.PublicRepos+v.PrivateRepos
		v.TotalStorage, err = db.Get(ctx, tx, db.ScanInt, usedByAll)
		return err
	})
	if err != nil {
		return Statistics{}, fmt.Errorf("count projects: %w", err)
	}
	return v, nil
}

type counts struct {
	public          bool
	projects, repos int64
}

func scanCounts(r db.Row) (v counts, err error) {
	err = r.Scan(&v.public, &v.projects, &v.repos)
	return v, err
}
