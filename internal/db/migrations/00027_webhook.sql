-- +goose Up

-- Who is told what happens in a project; of project 0: in all of them.
CREATE TABLE webhook_policy (
	id {{id}},
	project_id {{int}} NOT NULL,
	name TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	enabled {{bool}} NOT NULL,
	event_types TEXT NOT NULL, -- JSON
	creator TEXT NOT NULL DEFAULT '',
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (project_id, name)
) {{strict}};

-- An address that a policy sends to, with its queue. The row of one that was taken away stays until its deliveries are gone.
CREATE TABLE webhook_target (
	id {{id}},
	policy_id {{int}} NOT NULL,
	position {{int}} NOT NULL, -- in the policy's list; -1: taken away
	type TEXT NOT NULL CHECK (type IN ('http', 'slack', 'teams')),
	address TEXT NOT NULL,
	auth_header {{bytes}},    -- sealed
	signing_secret {{bytes}}, -- sealed
	skip_verify {{bool}} NOT NULL,
	format TEXT NOT NULL,
	due_at {{int}} NOT NULL DEFAULT 0,      -- when the queue is looked at, 0: nothing waits
	holder TEXT NOT NULL DEFAULT '',        -- who works on the queue, until lease_until
	lease_until {{int}} NOT NULL DEFAULT 0,
	failures {{int}} NOT NULL DEFAULT 0,    -- since the last success
	complaint TEXT NOT NULL DEFAULT '',     -- what went wrong last, '' after a success
	lost {{int}} NOT NULL DEFAULT 0         -- events that the full queue had no room for
) {{strict}};
CREATE INDEX webhook_target_policy ON webhook_target (policy_id, position);
CREATE INDEX webhook_target_due ON webhook_target (due_at) WHERE due_at > 0;

-- Grows with each change of a policy or target, so that what is remembered of them is known to be true.
CREATE TABLE webhook_change (
	id {{int}} NOT NULL PRIMARY KEY,
	version {{int}} NOT NULL
) {{strict}};
INSERT INTO webhook_change (id, version) VALUES (1, 1);

-- An event on its way to a target: waiting (status 0), delivered (1), given up (2), called off (3).
CREATE TABLE webhook_delivery (
	id {{id}},
	policy_id {{int}} NOT NULL,
	target_id {{int}} NOT NULL,
	type TEXT NOT NULL, -- of the target
	uuid TEXT NOT NULL,
	event_type TEXT NOT NULL,
	subject TEXT NOT NULL, -- deliveries with one subject keep their order
	operator TEXT NOT NULL,
	occurred_at {{int}} NOT NULL,
	data TEXT NOT NULL, -- JSON
	status {{int}} NOT NULL DEFAULT 0,
	attempts {{int}} NOT NULL DEFAULT 0,
	due_at {{int}} NOT NULL DEFAULT 0, -- when it is tried again
	queued_at {{int}} NOT NULL,
	ended_at {{int}} NOT NULL DEFAULT 0,
	-- Of the last attempt:
	tried_at {{int}} NOT NULL DEFAULT 0,
	took {{int}} NOT NULL DEFAULT 0,   -- microseconds
	answer {{int}} NOT NULL DEFAULT 0, -- status of HTTP, 0 without one
	answer_body TEXT NOT NULL DEFAULT '',
	complaint TEXT NOT NULL DEFAULT ''
) {{strict}};
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (target_id, id) WHERE status = 0;
CREATE INDEX webhook_delivery_held ON webhook_delivery (target_id, due_at) WHERE status = 0 AND due_at > 0;
CREATE INDEX webhook_delivery_ended ON webhook_delivery (target_id, status, id) WHERE status > 0;
CREATE INDEX webhook_delivery_old ON webhook_delivery (ended_at) WHERE status > 0;
CREATE INDEX webhook_delivery_policy ON webhook_delivery (policy_id, id);

-- When a policy was last set off by a type of events.
CREATE TABLE webhook_trigger (
	policy_id {{int}} NOT NULL,
	event_type TEXT NOT NULL,
	at {{int}} NOT NULL,
	PRIMARY KEY (policy_id, event_type)
) {{clustered}};

-- +goose Down
DROP TABLE webhook_trigger;
DROP TABLE webhook_delivery;
DROP TABLE webhook_change;
DROP TABLE webhook_target;
DROP TABLE webhook_policy;
