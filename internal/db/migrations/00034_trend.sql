-- +goose Up

-- What the registry was on a day: the last sample of it.
CREATE TABLE trend (
	day {{int}} NOT NULL PRIMARY KEY, -- since 1970, in UTC
	bytes {{int}} NOT NULL,
	artifacts {{int}} NOT NULL,
	pulls {{int}} NOT NULL,    -- so far, of the repositories that are there
	critical {{int}} NOT NULL, -- findings
	high {{int}} NOT NULL,
	medium {{int}} NOT NULL,
	low {{int}} NOT NULL,
	unknown {{int}} NOT NULL,
	fixable {{int}} NOT NULL,
	sampled_at {{int}} NOT NULL
) {{clustered}};

-- The sums of all reports are read from the index alone.
DROP INDEX scan_report_worst;
CREATE INDEX scan_report_worst ON scan_report (scanner, critical, high, medium, id, low, negligible, unknown, fixable);

-- A search finds names by their beginning, byte by byte; SQLite's indexes are so already.
{{postgres}} CREATE INDEX scan_package_begins ON scan_package (name {{bytewise}});
{{postgres}} CREATE INDEX scan_vulnerability_begins ON scan_vulnerability (name {{bytewise}}, cvss_v3);

-- +goose Down
{{postgres}} DROP INDEX scan_vulnerability_begins;
{{postgres}} DROP INDEX scan_package_begins;
DROP INDEX scan_report_worst;
CREATE INDEX scan_report_worst ON scan_report (scanner, critical, high, medium, id);
DROP TABLE trend;
