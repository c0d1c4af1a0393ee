-- +goose Up

-- What a tag named when: a row for each change. digest is '' from when it named nothing. Rows come in the order of their ids.
CREATE TABLE tag_history (
	id {{id}},
	repository_id {{int}} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
	name TEXT {{bytewise}} NOT NULL,
	digest TEXT NOT NULL,
	named_at {{int}} NOT NULL,
	named_by TEXT NOT NULL -- '': unknown, or nobody
) {{strict}};
CREATE INDEX tag_history_tag ON tag_history (repository_id, name, id);

-- Of tags that are there already it is known since when they name what they do.
INSERT INTO tag_history (repository_id, name, digest, named_at, named_by)
	SELECT t.repository_id, t.name, m.digest, t.pushed_at, '' FROM tag t JOIN manifest m ON m.id = t.manifest_id ORDER BY t.pushed_at, t.id;

-- +goose Down
DROP TABLE tag_history;
