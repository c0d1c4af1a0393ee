package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// All of a policy in one statement: the project's keys, both allowlists, and the outcomes.
const policyRows = `SELECT name, value, 0 FROM project_metadata WHERE project_id = $1
	UNION ALL SELECT 'own list', items, expires_at FROM cve_allowlist WHERE project_id = $1
	UNION ALL SELECT 'system list', items, expires_at FROM system_cve_allowlist WHERE id = 1
	UNION ALL SELECT 'outcomes', never_scanned || ' ' || pending || ' ' || failed || ' ' || not_evaluated, 0 FROM gate_policy WHERE project_id = $1`

type policyRow struct {
	name, value string
	at          int64
}

func scanPolicyRow(r db.Row) (v policyRow, err error) {
	err = r.Scan(&v.name, &v.value, &v.at)
	return v, err
}

// Policy returns what a project demands of pulls. Where no other process uses the database it is remembered until one
// of its tables changes.
func (g *Gate) Policy(ctx context.Context, projectID int64) (Policy, error) {
	if p, ok := g.policies.get(projectID); ok {
		return p, nil
	}
	version, exact := g.policies.watch.Version()
	rows, err := db.Collect(ctx, g.DB.Auto(), scanPolicyRow, policyRows, projectID)
	if err != nil {
		return Policy{}, fmt.Errorf("read the policy of project %d: %w", projectID, err)
	}
	p, err := policyOf(rows)
	if err != nil {
		return Policy{}, fmt.Errorf("read the policy of project %d: %w", projectID, err)
	}
	if exact {
		g.policies.put(projectID, version, p)
	}
	return p, nil
}

func policyOf(rows []policyRow) (Policy, error) {
	p := Policy{Outcomes: strict()}
	metadata := map[string]string{}
	var own, system project.CVEAllowlist
	for _, row := range rows {
		var err error
		switch row.name {
		case "own list":
			own, err = listOf(row)
		case "system list":
			system, err = listOf(row)
		case "outcomes":
			o := &p.Outcomes
			_, err = fmt.Sscan(row.value, &o.NeverScanned, &o.Pending, &o.Failed, &o.NotEvaluated)
		default:
			metadata[row.name] = row.value
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", row.name, err)
		}
	}
	p.PreventVulnerable = metadata[project.PreventVulnerable] == "true"
	p.Cosign, p.Notation = metadata[project.ContentTrustCosign] == "true", metadata[project.ContentTrust] == "true"
	p.Threshold, _ = inventory.ParseSeverity(metadata[project.Severity]) // what is no severity refuses any finding
	p.Allowlist = own
	if (project.Project{Metadata: metadata}).ReusesSystemAllowlist() {
		p.Allowlist = system
	}
	return p, nil
}

func listOf(row policyRow) (a project.CVEAllowlist, err error) {
	a.ExpiresAt = db.Time(row.at)
	return a, json.Unmarshal([]byte(row.value), &a.Items)
}

const putOutcomes = `INSERT INTO gate_policy (project_id, never_scanned, pending, failed, not_evaluated, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (project_id) DO UPDATE SET never_scanned = excluded.never_scanned, pending = excluded.pending, failed = excluded.failed,
		not_evaluated = excluded.not_evaluated, updated_at = excluded.updated_at`

// SetOutcomes says what a project does with images that no report speaks for. A word that is no outcome is
// fault.Invalid.
func (g *Gate) SetOutcomes(ctx context.Context, by authz.Principal, projectID int64, projectName string, o Outcomes) error {
	for _, word := range []Outcome{o.NeverScanned, o.Pending, o.Failed, o.NotEvaluated} {
		if !word.Valid() {
			return fault.Invalidf("%q is no outcome: it is block or allow", string(word))
		}
	}
	err := g.DB.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, putOutcomes, projectID, o.NeverScanned, o.Pending, o.Failed, o.NotEvaluated, db.Micros(g.Clock())); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{
			Kind: event.UpdateProject, At: g.Clock(), By: by.Name, ProjectID: projectID, Project: projectName, Resource: projectName,
			Description: "update what project " + projectName + " does with images that no report speaks for", Success: true,
		})
	})
	if err != nil {
		return fmt.Errorf("write the outcomes of project %d: %w", projectID, err)
	}
	return nil
}

// policies remembers policies at a version of the tables that they are read from.
type policies struct {
	watch *db.Watch

	mu      sync.Mutex
	version int64
	byID    map[int64]Policy
}

// maxPolicies bounds the projects that are remembered.
const maxPolicies = 1000

func newPolicies(d *db.DB) policies {
	return policies{watch: d.Watch("project", "project_metadata", "cve_allowlist", "system_cve_allowlist", "gate_policy")}
}

func (c *policies) get(projectID int64) (Policy, bool) {
	version, exact := c.watch.Version()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !exact || c.version != version {
		return Policy{}, false
	}
	p, ok := c.byID[projectID]
	return p, ok
}

func (c *policies) put(projectID, version int64, p Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != version || c.byID == nil || len(c.byID) >= maxPolicies {
		c.version, c.byID = version, map[int64]Policy{}
	}
	c.byID[projectID] = p
}
