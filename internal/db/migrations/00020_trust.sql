-- +goose Up

-- Whom projects trust to sign; without a row the system's document holds.
CREATE TABLE trust_policy (
	project_id {{int}} NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
	document TEXT NOT NULL, -- JSON, of package trust/policy
	set_by TEXT NOT NULL,
	set_at {{int}} NOT NULL
) {{strict}};

CREATE TABLE system_trust_policy (
	id {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
	document TEXT NOT NULL,
	set_by TEXT NOT NULL,
	set_at {{int}} NOT NULL
) {{strict}};

-- What a manifest that carries signatures or attestations says about a subject, by a policy. It follows from the bytes of the
-- three, so it may be thrown away at any time, and holds whatever repositories they are in.
CREATE TABLE trust_check (
	id {{id}},
	digest TEXT NOT NULL,
	subject TEXT NOT NULL,
	policy TEXT NOT NULL, -- the hash of all that the policy's document leads to
	pieces TEXT NOT NULL, -- JSON: what it is worth, piece by piece
	satisfies TEXT NOT NULL DEFAULT '', -- numbers of the policy's rules that it satisfies
	valid_until {{int}} NOT NULL DEFAULT 0, -- then it is to be looked at again; 0: never
	checked_at {{int}} NOT NULL,
	UNIQUE (subject, policy, digest)
) {{strict}};
CREATE INDEX trust_check_good ON trust_check (subject, policy, satisfies) WHERE satisfies <> '';
CREATE INDEX trust_check_policy ON trust_check (policy, id);
CREATE INDEX trust_check_digest ON trust_check (digest);

-- Projects that demand signatures have the gate asked from now on.
UPDATE project SET gated = TRUE WHERE EXISTS (SELECT 1 FROM project_metadata x
	WHERE x.project_id = project.id AND x.name IN ('enable_content_trust', 'enable_content_trust_cosign') AND x.value = 'true');

-- +goose Down
DROP TABLE trust_check;
DROP TABLE system_trust_policy;
DROP TABLE trust_policy;
