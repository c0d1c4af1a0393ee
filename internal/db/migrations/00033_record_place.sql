-- +goose Up

-- Where a record lies that is packed with others. One with a file or an object of its own has no row.
CREATE TABLE record_place (
	name TEXT NOT NULL PRIMARY KEY,
	location TEXT NOT NULL
) {{clustered}};

-- Packed records that are not good any more: when their space was given back, the row goes.
CREATE TABLE record_discarded (
	location TEXT NOT NULL PRIMARY KEY
) {{clustered}};

-- +goose Down
DROP TABLE record_discarded;
DROP TABLE record_place;
