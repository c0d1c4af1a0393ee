package search

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/havenregistry/haven/internal/db"
)

// window is how many repositories are looked through: a registry of a million artifacts has some thousands.
const window = 10_000

// last is behind every text that begins like another one, in the order of bytes.
const last = "\U0010FFFF"

// next is behind a text, and before every longer one that begins like it and has only letters.
const next = "\x01"

var placeholders = regexp.MustCompile(`\$[0-9]+`)

// from is what follows n arguments: $1 of it is the next one.
func from(n int, text string) string {
	return placeholders.ReplaceAllStringFunc(text, func(mark string) string {
		i, _ := strconv.Atoi(mark[1:]) // digits only
		return "$" + strconv.Itoa(n+i)
	})
}

func projectsLike(where string, n int) string {
	return `SELECT p.id, p.name, p.public FROM project p WHERE ` + where + from(n, ` AND p.name LIKE $1 ESCAPE '\' ORDER BY p.name LIMIT $2`)
}

func projectsFrom(where string, n int) string {
	return `SELECT p.id, p.name, p.public FROM project p WHERE ` + where + from(n, ` AND p.name >= $1 AND p.name < $2 ORDER BY p.name LIMIT $3`)
}

const inProject = `SELECT r.id, p.name AS project, r.name FROM project p CROSS JOIN repository r WHERE r.project_id = p.id AND NOT r.hidden AND `

// repositoriesFrom finds those whose name in the project begins so, project by project.
func repositoriesFrom(where string, n int) string {
	return inProject + where + from(n, ` AND r.name >= $1 AND r.name < $2 ORDER BY p.name, r.name LIMIT $3`)
}

// repositoriesOf finds those of one project whose name begins so.
func repositoriesOf(where string, n int) string {
	return inProject + where + from(n, ` AND p.name = $1 AND r.name >= $2 AND r.name < $3 ORDER BY r.name LIMIT $4`)
}

// inRepositories narrows a condition that has n arguments to some repositories.
func inRepositories(n int, ids []int64) (string, []any) {
	marks, args := db.In(n, ids)
	return " AND r.id IN (" + marks + ")", args
}

func windowOf(where string) string {
	return fmt.Sprintf(`(%s%s ORDER BY p.name LIMIT %d) found`, inProject, where, window)
}

func repositoriesLike(where string, n int) string {
	return `SELECT found.id, found.project, found.name FROM ` + windowOf(where) +
		from(n, ` WHERE found.project || '/' || found.name LIKE $1 ESCAPE '\' LIMIT $2`)
}

const tagFields = `SELECT found.project, found.name, t.name, m.digest FROM `

func tagsFrom(where string, n int) string {
	return tagFields + windowOf(where) + from(n, ` CROSS JOIN tag t CROSS JOIN manifest m
		WHERE t.repository_id = found.id AND t.name >= $1 AND t.name < $2 AND m.id = t.manifest_id LIMIT $3`)
}

const tagsOf = `SELECT '', '', t.name, m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id
	WHERE t.repository_id = $1 AND t.name >= $2 AND t.name < $3 ORDER BY t.name LIMIT $4`

const latestTag = `COALESCE((SELECT t.name FROM tag t WHERE t.manifest_id = m.id ORDER BY t.pushed_at DESC, t.id DESC LIMIT 1), '')`

func artifactsFrom(where string, n int) string {
	return `SELECT found.project, found.name, ` + latestTag + `, m.digest, m.type FROM ` + windowOf(where) + from(n, ` CROSS JOIN manifest m
		WHERE m.repository_id = found.id AND m.digest >= $1 AND m.digest < $2 LIMIT $3`)
}

// labelled is how many labels are looked through.
const labelled = 5000

func globalLabels() string {
	return fmt.Sprintf(`SELECT found.id, '', found.name, found.color FROM (SELECT l.id, l.name, l.color FROM label l WHERE l.project_id = 0 ORDER BY l.name LIMIT %d) found
		WHERE lower(found.name) LIKE $1 ESCAPE '\' LIMIT $2`, labelled)
}

func labelsLike(where string, n int) string {
	return fmt.Sprintf(`SELECT found.id, found.project, found.name, found.color FROM
		(SELECT l.id, p.name AS project, l.name, l.color FROM project p CROSS JOIN label l WHERE l.project_id = p.id AND %s ORDER BY p.name LIMIT %d) found`, where, labelled) +
		from(n, ` WHERE lower(found.name) LIKE $1 ESCAPE '\' LIMIT $2`)
}

// carrier finds the newest artifact with a label.
func carrier(where string, n int) string {
	return from(n, `SELECT p.name, r.name, `+latestTag+`, m.digest FROM
		(SELECT a.manifest_id FROM artifact_label a WHERE a.label_id = $1 ORDER BY a.manifest_id DESC LIMIT 200) found
		CROSS JOIN manifest m CROSS JOIN repository r CROSS JOIN project p
		WHERE m.id = found.manifest_id AND r.id = m.repository_id AND NOT r.hidden AND p.id = r.project_id AND `) + where + ` LIMIT 1`
}

// Names that a database sorts by its own rules are compared by their bytes, for which there are indexes.
func packagesFrom(bytewise string) string {
	return fmt.Sprintf(`SELECT DISTINCT found.name FROM (SELECT s.name FROM scan_package s WHERE s.name%[1]s >= $1 AND s.name%[1]s < $2 ORDER BY s.name%[1]s LIMIT 2000) found LIMIT $3`, bytewise)
}

func vulnerabilitiesFrom(bytewise string) string {
	return fmt.Sprintf(`SELECT found.name, MAX(found.cvss_v3) FROM (SELECT v.name, v.cvss_v3 FROM scan_vulnerability v
		WHERE v.name%[1]s >= $1 AND v.name%[1]s < $2 ORDER BY v.name%[1]s LIMIT 200) found GROUP BY found.name LIMIT $3`, bytewise)
}
