-- +goose Up

-- What one layer says by itself, read once at a revision of the reader, whatever images hold it.
CREATE TABLE scan_layer (
	digest TEXT NOT NULL PRIMARY KEY, -- of the blob
	revision {{int}} NOT NULL,
	content {{bytes}},                -- JSON, zstd; NULL while somebody reads the layer
	reader TEXT NOT NULL DEFAULT '',  -- who reads it
	reader_until {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL
) {{strict}};

-- Each time that another edition of the vulnerability database came into force.
CREATE TABLE scan_evaluation (
	id {{id}},
	edition TEXT NOT NULL,             -- its digest
	edition_at {{int}} NOT NULL,       -- when its publisher made it
	started_at {{int}} NOT NULL,
	finished_at {{int}} NOT NULL DEFAULT 0, -- since then every verdict and every summary is of this edition or a later one
	judged {{int}} NOT NULL DEFAULT 0,  -- packages
	changed {{int}} NOT NULL DEFAULT 0, -- reports whose summary changed
	found {{int}} NOT NULL DEFAULT 0,   -- findings that came
	gone {{int}} NOT NULL DEFAULT 0     -- findings that went
) {{strict}};

-- Distinct packages: all that a verdict follows from. Images share them.
CREATE TABLE scan_package (
	id {{id}},
	key TEXT NOT NULL UNIQUE,
	scope TEXT NOT NULL,   -- by whose advisories it is judged; "report N" of what another scanner found
	name TEXT NOT NULL,
	version TEXT NOT NULL, -- as reports show it
	subject TEXT NOT NULL, -- JSON
	evaluation_id {{int}} NOT NULL DEFAULT 0, -- by which it was judged last, 0: never
	unjudged {{bool}} NOT NULL DEFAULT FALSE  -- nobody publishes advisories for its scope
) {{strict}};
CREATE INDEX scan_package_due ON scan_package (scope, evaluation_id, id);
CREATE INDEX scan_package_name ON scan_package (name, version);

-- What is known of a vulnerability by the word of one source.
CREATE TABLE scan_vulnerability (
	id {{id}},
	name TEXT NOT NULL, -- CVE-…
	source TEXT NOT NULL,
	data_source TEXT NOT NULL,
	cvss_v3 {{int}} NOT NULL DEFAULT 0, -- tenths
	detail TEXT NOT NULL,               -- JSON
	UNIQUE (name, source, data_source)
) {{strict}};
CREATE INDEX scan_vulnerability_cvss ON scan_vulnerability (cvss_v3, id);

CREATE TABLE scan_finding (
	package_id {{int}} NOT NULL REFERENCES scan_package (id) ON DELETE CASCADE,
	vulnerability_id {{int}} NOT NULL REFERENCES scan_vulnerability (id),
	severity {{int}} NOT NULL,
	fixed TEXT NOT NULL DEFAULT '',
	status TEXT NOT NULL DEFAULT '',
	since {{int}} NOT NULL, -- when it was first found in the package
	PRIMARY KEY (package_id, vulnerability_id)
) {{clustered}};
CREATE INDEX scan_finding_vulnerability ON scan_finding (vulnerability_id, package_id);
CREATE INDEX scan_finding_severity ON scan_finding (severity, vulnerability_id, package_id);

-- Reports by manifest and scanner, whatever repositories hold the manifest.
CREATE TABLE scan_report (
	id {{id}},
	uuid TEXT NOT NULL UNIQUE, -- what clients know it by; another one with each scan
	digest TEXT NOT NULL,
	scanner TEXT NOT NULL,
	scanner_name TEXT NOT NULL DEFAULT '',
	scanner_vendor TEXT NOT NULL DEFAULT '',
	scanner_version TEXT NOT NULL DEFAULT '',
	status TEXT NOT NULL,               -- of the last scan, in Harbor's words
	reason TEXT NOT NULL DEFAULT '',    -- why it is no Success
	unread TEXT NOT NULL DEFAULT '',    -- what could not be looked into, whatever the database says
	evaluated {{int}} NOT NULL DEFAULT 0, -- 0: not at all, 1: partly, 2: wholly
	complete {{bool}} NOT NULL DEFAULT FALSE, -- the last scan read the image: status and reason follow from its packages
	waiting {{bool}} NOT NULL DEFAULT FALSE,  -- for the first edition of the database
	project_id {{int}} NOT NULL DEFAULT 0,   -- where the last scan was asked for
	repository TEXT NOT NULL DEFAULT '',
	execution_id {{int}} NOT NULL DEFAULT 0,
	task_id {{int}} NOT NULL DEFAULT 0,
	evaluation_id {{int}} NOT NULL DEFAULT 0, -- of the summary
	os_family TEXT NOT NULL DEFAULT '',
	os_name TEXT NOT NULL DEFAULT '',
	severity {{int}} NOT NULL DEFAULT -1, -- the highest, -1: no finding
	critical {{int}} NOT NULL DEFAULT 0,
	high {{int}} NOT NULL DEFAULT 0,
	medium {{int}} NOT NULL DEFAULT 0,
	low {{int}} NOT NULL DEFAULT 0,
	negligible {{int}} NOT NULL DEFAULT 0,
	unknown {{int}} NOT NULL DEFAULT 0,
	fixable {{int}} NOT NULL DEFAULT 0,
	found {{int}} NOT NULL DEFAULT 0, -- findings that came with evaluation_id
	gone {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL,
	started_at {{int}} NOT NULL DEFAULT 0,
	ended_at {{int}} NOT NULL DEFAULT 0,
	updated_at {{int}} NOT NULL,      -- of the summary
	UNIQUE (digest, scanner)
) {{strict}};
CREATE INDEX scan_report_unfinished ON scan_report (execution_id, id) WHERE status IN ('Pending', 'Scheduled', 'Running');
CREATE INDEX scan_report_waiting ON scan_report (id) WHERE waiting;
CREATE INDEX scan_report_worst ON scan_report (scanner, critical, high, medium, id);

-- What an image consists of, as the report's scanner read it: JSON, zstd.
CREATE TABLE scan_inventory (
	report_id {{int}} NOT NULL PRIMARY KEY REFERENCES scan_report (id) ON DELETE CASCADE,
	revision {{int}} NOT NULL,
	content {{bytes}} NOT NULL
) {{strict}};

-- Which packages an image holds.
CREATE TABLE scan_content (
	report_id {{int}} NOT NULL REFERENCES scan_report (id) ON DELETE CASCADE,
	package_id {{int}} NOT NULL REFERENCES scan_package (id),
	PRIMARY KEY (report_id, package_id)
) {{clustered}};
CREATE INDEX scan_content_package ON scan_content (package_id, report_id);

-- What an evaluation found that the one before had not, and the other way round.
CREATE TABLE scan_change (
	evaluation_id {{int}} NOT NULL REFERENCES scan_evaluation (id) ON DELETE CASCADE,
	package_id {{int}} NOT NULL REFERENCES scan_package (id) ON DELETE CASCADE,
	name TEXT NOT NULL, -- of the vulnerability
	kind TEXT NOT NULL, -- new, gone, altered
	severity {{int}} NOT NULL,
	fixed TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (evaluation_id, package_id, name)
) {{clustered}};
CREATE INDEX scan_change_package ON scan_change (package_id);

-- Bills of materials, by the image that has one.
CREATE TABLE scan_sbom (
	manifest_id {{int}} NOT NULL PRIMARY KEY REFERENCES manifest (id) ON DELETE CASCADE,
	uuid TEXT NOT NULL UNIQUE,
	status TEXT NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	digest TEXT NOT NULL DEFAULT '', -- of the accessory
	scanner_name TEXT NOT NULL DEFAULT '',
	scanner_vendor TEXT NOT NULL DEFAULT '',
	scanner_version TEXT NOT NULL DEFAULT '',
	execution_id {{int}} NOT NULL DEFAULT 0,
	task_id {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL,
	started_at {{int}} NOT NULL DEFAULT 0,
	ended_at {{int}} NOT NULL DEFAULT 0
) {{strict}};
CREATE INDEX scan_sbom_unfinished ON scan_sbom (execution_id, manifest_id) WHERE status IN ('Pending', 'Scheduled', 'Running');

-- Statements that a vulnerability does or doesn't matter somewhere.
CREATE TABLE scan_vex (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	repository TEXT NOT NULL DEFAULT '', -- without the project; '' for every one
	digest TEXT NOT NULL DEFAULT '',     -- of the image; '' for every one
	package TEXT NOT NULL DEFAULT '',    -- name of the package; '' for every one
	version TEXT NOT NULL DEFAULT '',    -- of the package; '' for every one
	name TEXT NOT NULL,                  -- of the vulnerability
	status TEXT NOT NULL,                -- OpenVEX's words
	justification TEXT NOT NULL DEFAULT '',
	reason TEXT NOT NULL DEFAULT '',
	author TEXT NOT NULL,
	document TEXT NOT NULL DEFAULT '',   -- digest of the manifest that brought it, '' when it was entered
	made_at {{int}} NOT NULL,            -- by the word of the author: of two the later one holds
	expires_at {{int}} NOT NULL DEFAULT 0, -- 0: never
	created_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX scan_vex_project ON scan_vex (project_id, id);
CREATE INDEX scan_vex_document ON scan_vex (document, project_id) WHERE document <> '';

-- Findings that somebody took home as a file, once.
CREATE TABLE scan_export (
	execution_id {{int}} NOT NULL PRIMARY KEY,
	account_id {{int}} NOT NULL,
	account TEXT NOT NULL,
	project_id {{int}} NOT NULL,
	ready {{bool}} NOT NULL DEFAULT FALSE,
	created_at {{int}} NOT NULL,
	expires_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX scan_export_account ON scan_export (account_id, execution_id);
CREATE INDEX scan_export_expires ON scan_export (expires_at);
CREATE TABLE scan_export_part (
	execution_id {{int}} NOT NULL REFERENCES scan_export (execution_id) ON DELETE CASCADE,
	position {{int}} NOT NULL,
	content {{bytes}} NOT NULL, -- CSV, zstd
	PRIMARY KEY (execution_id, position)
) {{strict}};

-- +goose Down
DROP TABLE scan_export_part;
DROP TABLE scan_export;
DROP TABLE scan_vex;
DROP TABLE scan_sbom;
DROP TABLE scan_change;
DROP TABLE scan_content;
DROP TABLE scan_inventory;
DROP TABLE scan_report;
DROP TABLE scan_finding;
DROP TABLE scan_vulnerability;
DROP TABLE scan_package;
DROP TABLE scan_evaluation;
DROP TABLE scan_layer;
