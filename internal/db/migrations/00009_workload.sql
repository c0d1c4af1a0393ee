-- +goose Up

-- Which tokens of which issuer let a program in, and what it may do then. A change raises the epoch, and
-- what was let in before ends.
CREATE TABLE workload_policy (
	id {{id}},
	project_id {{int}} REFERENCES project (id) ON DELETE CASCADE, -- NULL: system level
	name TEXT NOT NULL, -- without the project
	description TEXT NOT NULL DEFAULT '',
	issuer TEXT NOT NULL,
	audience TEXT NOT NULL,
	condition TEXT NOT NULL, -- CEL over claims
	key_set TEXT NOT NULL DEFAULT '', -- JWKS; '': by discovery
	life_minutes {{int}} NOT NULL CHECK (life_minutes BETWEEN 1 AND 60),
	enabled {{bool}} NOT NULL DEFAULT TRUE,
	epoch {{int}} NOT NULL DEFAULT 1,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX workload_policy_system ON workload_policy (name) WHERE project_id IS NULL;
CREATE UNIQUE INDEX workload_policy_project ON workload_policy (project_id, name) WHERE project_id IS NOT NULL;
CREATE INDEX workload_policy_issuer ON workload_policy (issuer);

-- What a policy grants, with the words of robot_permission.
CREATE TABLE workload_permission (
	id {{id}},
	policy_id {{int}} NOT NULL REFERENCES workload_policy (id) ON DELETE CASCADE,
	kind TEXT NOT NULL CHECK (kind IN ('system', 'project', 'all')),
	project_id {{int}} REFERENCES project (id) ON DELETE CASCADE,
	resource TEXT NOT NULL,
	action TEXT NOT NULL,
	effect TEXT NOT NULL CHECK (effect IN ('allow', 'deny'))
) {{strict}};
CREATE INDEX workload_permission_policy ON workload_permission (policy_id);
CREATE INDEX workload_permission_project ON workload_permission (project_id);

-- +goose Down
DROP TABLE workload_permission;
DROP TABLE workload_policy;
