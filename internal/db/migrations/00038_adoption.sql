-- +goose Up

-- Another registry is being taken over; no row: none is. Nothing is served meanwhile.
CREATE TABLE adoption (
	id {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
	source TEXT NOT NULL, -- what is taken over, so that nobody goes on with another one
	settled {{bool}} NOT NULL DEFAULT FALSE, -- everything but the images is there
	started_at {{int}} NOT NULL
) {{strict}};

-- +goose Down
DROP TABLE adoption;
