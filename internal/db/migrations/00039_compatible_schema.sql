-- +goose Up

-- Programs that know at least this schema can go on with the database beside newer ones, and after them. A migration that they can't bear raises it to
-- its own number.
CREATE TABLE compatible_schema (
	id {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
	since {{int}} NOT NULL
) {{strict}};
INSERT INTO compatible_schema (id, since) VALUES (1, 39);

-- +goose Down
DROP TABLE compatible_schema;
