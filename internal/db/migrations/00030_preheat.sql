-- +goose Up

-- Networks of peers that fetch images before they are asked for: a Dragonfly or Kraken of somebody's.
CREATE TABLE preheat_instance (
	id {{id}},
	name TEXT NOT NULL UNIQUE,
	description TEXT NOT NULL,
	vendor TEXT NOT NULL,
	endpoint TEXT NOT NULL, -- without a slash at the end
	auth_mode TEXT NOT NULL,
	auth_info {{bytes}}, -- sealed JSON; NULL: none. It is for this endpoint alone
	enabled {{bool}} NOT NULL,
	is_default {{bool}} NOT NULL,
	insecure {{bool}} NOT NULL,
	created_at {{int}} NOT NULL
) {{strict}};

-- Which images of a project an instance fetches, and when.
CREATE TABLE preheat_policy (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	description TEXT NOT NULL,
	instance_id {{int}} NOT NULL REFERENCES preheat_instance (id),
	filters TEXT NOT NULL,     -- JSON, as it was sent
	trigger_type TEXT NOT NULL CHECK (trigger_type IN ('manual', 'scheduled', 'event_based')),
	cron TEXT NOT NULL,
	extra_attrs TEXT NOT NULL, -- JSON, as it was sent; '' for none
	enabled {{bool}} NOT NULL,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (project_id, name)
) {{strict}};
CREATE INDEX preheat_policy_instance ON preheat_policy (instance_id);
CREATE INDEX preheat_policy_event ON preheat_policy (project_id) WHERE enabled AND trigger_type = 'event_based';

-- +goose Down
DROP TABLE preheat_policy;
DROP TABLE preheat_instance;
