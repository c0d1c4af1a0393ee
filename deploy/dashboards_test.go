package deploy

// dashboard is a page of Grafana.
type dashboard struct {
	name, title string
	rows        []row
}

type row struct {
	title  string
	panels []panel
}

// panel is a graph. Units are Grafana's; "" is a plain number. Queries are pairs of an expression and what its lines are called. In an
// expression HERE is the choice of instances.
type panel struct {
	title, unit string
	kind        string // "": over time; "stat": a number
	help        string
	queries     [][2]string
}

// figure is a panel of one number.
func figure(title, unit, help, query string) panel {
	return panel{title: title, unit: unit, kind: "stat", help: help, queries: [][2]string{{query, ""}}}
}

// over is a panel of lines over time.
func over(title, unit, help string, queries ...[2]string) panel {
	return panel{title: title, unit: unit, help: help, queries: queries}
}

// quantiles are the median and the slow end of a histogram.
func quantiles(metric, by string) [][2]string {
	of := func(q string) string {
		return "histogram_quantile(" + q + ", sum by (le, " + by + ") (rate(" + metric + "[$__rate_interval])))"
	}
	return [][2]string{{of("0.5"), "{{" + by + "}} median"}, {of("0.99"), "{{" + by + "}} 99 %"}}
}

var dashboards = []dashboard{overview, traffic, jobs, scanning, storage}

var overview = dashboard{"overview", "Haven / Overview", []row{
	{"Now", []panel{
		figure("Replicas", "", "Processes that Prometheus gets figures from.", `count(haven_build_info{HERE})`),
		figure("Parts that don't work", "", "Parts of the registry that fail their check.", `sum(1 - haven_part_up{HERE}) or vector(0)`),
		figure("Requests", "reqps", "", `sum(rate(haven_http_requests_total{HERE,edge!="health"}[$__rate_interval]))`),
		figure("Errors", "percentunit", "Share of requests that are answered with 5xx.",
			`sum(rate(haven_http_requests_total{HERE,code=~"5..",edge!="health"}[$__rate_interval])) / sum(rate(haven_http_requests_total{HERE,edge!="health"}[$__rate_interval]))`),
		figure("Storage that is free", "percentunit", "Nothing where the store knows no limit.", `min(haven_storage_free_bytes{HERE} / (haven_storage_total_bytes{HERE} > 0))`),
		figure("Certificate ends in", "s", "Of several the first.", `min((haven_tls_certificate_end_seconds{HERE} > 0) - time())`),
	}},
	{"Requests", []panel{
		over("Requests by edge", "reqps", "registry is /v2/, api Harbor's, haven our own.", [2]string{`sum by (edge) (rate(haven_http_requests_total{HERE}[$__rate_interval]))`, "{{edge}}"}),
		over("Errors by route", "reqps", "Answers with 5xx.", [2]string{`sum by (method, route, code) (rate(haven_http_requests_total{HERE,code=~"5.."}[$__rate_interval])) > 0`, "{{method}} {{route}} {{code}}"}),
		over("How long answers take", "s", "By edge; an answer with a blob lasts as long as its client reads.", quantiles(`haven_http_request_duration_seconds_bucket{HERE,edge!="health"}`, "edge")...),
		over("Slowest routes", "s", "99 % of the requests are faster.", [2]string{
			`topk(10, histogram_quantile(0.99, sum by (le, method, route) (rate(haven_http_request_duration_seconds_bucket{HERE,route!=""}[$__rate_interval]))))`, "{{method}} {{route}}"}),
	}},
	{"Processes", []panel{
		over("Processor", "percentunit", "1 is a core.", [2]string{`rate(process_cpu_seconds_total{HERE}[$__rate_interval])`, "{{instance}}"}),
		over("Memory", "bytes", "", [2]string{`process_resident_memory_bytes{HERE}`, "{{instance}}"}),
		over("Requests in flight", "", "", [2]string{`haven_http_requests_in_flight{HERE}`, "{{instance}}"}),
		over("Parts", "", "1: works.", [2]string{`min by (part) (haven_part_up{HERE})`, "{{part}}"}),
		over("Spans of traces", "ops", "", [2]string{`sum(rate(haven_trace_spans_sent_total{HERE}[$__rate_interval]))`, "sent"},
			[2]string{`sum by (reason) (rate(haven_trace_spans_dropped_total{HERE}[$__rate_interval]))`, "dropped: {{reason}}"}),
	}},
}}

var traffic = dashboard{"traffic", "Haven / Registry traffic", []row{
	{"Pulls and pushes", []panel{
		over("Manifests", "reqps", "", [2]string{`sum by (method, code) (rate(haven_http_requests_total{HERE,route="/v2/{name}/manifests/{reference}"}[$__rate_interval]))`, "{{method}} {{code}}"}),
		over("Blobs", "reqps", "307 sends the client to the store.", [2]string{`sum by (method, code) (rate(haven_http_requests_total{HERE,route="/v2/{name}/blobs/{digest}"}[$__rate_interval]))`, "{{method}} {{code}}"}),
		over("Uploads", "reqps", "", [2]string{`sum by (method, code) (rate(haven_http_requests_total{HERE,route=~"/v2/{name}/blobs/uploads/.*"}[$__rate_interval]))`, "{{method}} {{code}}"}),
		over("Tokens", "reqps", "", [2]string{`sum by (code) (rate(haven_http_requests_total{HERE,edge="token"}[$__rate_interval]))`, "{{code}}"}),
		over("How long manifests take", "s", "", quantiles(`haven_http_request_duration_seconds_bucket{HERE,route="/v2/{name}/manifests/{reference}"}`, "method")...),
		over("How long uploads take", "s", "As long as the client sends.", quantiles(`haven_http_request_duration_seconds_bucket{HERE,route=~"/v2/{name}/blobs/uploads/.*"}`, "method")...),
		over("Places taken", "percentunit", "Of those that a class of requests has; what finds none is refused with 503.", [2]string{
			`max by (class) (haven_requests_underway{HERE} / haven_requests_places{HERE})`, "{{class}}"}),
		over("Refused as too many", "reqps", "busy: no place. account, network, search: too often.", [2]string{
			`sum by (class, reason) (rate(haven_requests_refused_total{HERE}[$__rate_interval])) > 0`, "{{class}} {{reason}}"}),
		over("Refused by the gate", "reqps", "By the state of the image.", [2]string{`sum by (state) (rate(haven_gate_refusals_total{HERE}[$__rate_interval])) > 0`, "{{state}}"}),
	}},
	{"Caches of other registries", []panel{
		over("Asked elsewhere", "reqps", "", [2]string{`sum(rate(haven_proxy_manifest_requests_total{HERE}[$__rate_interval]))`, "manifests"},
			[2]string{`sum(rate(haven_proxy_blob_requests_total{HERE}[$__rate_interval]))`, "blobs"}),
		over("Fetched", "Bps", "", [2]string{`sum(rate(haven_proxy_bytes_total{HERE}[$__rate_interval]))`, "bytes"}),
		over("On the way", "", "", [2]string{`sum(haven_proxy_fetching{HERE})`, "blobs"}),
		over("Answered without the registry elsewhere", "reqps", "It gave no answer in time.", [2]string{`sum(rate(haven_proxy_stale_total{HERE}[$__rate_interval]))`, "stale"}),
	}},
	{"Other servers", []panel{
		over("Requests to others", "reqps", "", [2]string{`sum by (peer, code) (rate(haven_outbound_requests_total{HERE}[$__rate_interval])) > 0`, "{{peer}} {{code}}"}),
		over("How long others take", "s", "To the head of the answer.", quantiles(`haven_outbound_request_duration_seconds_bucket{HERE}`, "peer")...),
	}},
}}

var jobs = dashboard{"jobs", "Haven / Jobs and replication", []row{
	{"Queues", []panel{
		over("Tasks that wait", "", "In the whole registry.", [2]string{`max by (type) (haven_job_queue_tasks{HERE}) > 0`, "{{type}}"}),
		over("How long the first has waited", "s", "", [2]string{`max by (type) (haven_job_queue_latency_seconds{HERE}) > 0`, "{{type}}"}),
		over("Tasks that run", "", "", [2]string{`sum by (type) (haven_jobs_running{HERE}) > 0`, "{{type}}"}),
		over("Paused", "", "1: tasks wait because somebody says so.", [2]string{`max by (type) (haven_job_queue_paused{HERE}) > 0`, "{{type}}"}),
	}},
	{"Work", []panel{
		over("Begun", "ops", "", [2]string{`sum by (type) (rate(haven_jobs_began_total{HERE}[$__rate_interval])) > 0`, "{{type}}"}),
		over("Ended otherwise than well", "ops", "Scheduled ones are tried again.", [2]string{`sum by (type, status) (rate(haven_jobs_ended_total{HERE,status!="Success"}[$__rate_interval])) > 0`, "{{type}} {{status}}"}),
		over("How long tasks take", "s", "", quantiles(`haven_job_duration_seconds_bucket{HERE}`, "type")...),
		over("How long tasks waited", "s", "On average.", [2]string{
			`sum by (type) (rate(haven_jobs_waited_seconds_total{HERE}[$__rate_interval])) / (sum by (type) (rate(haven_jobs_began_total{HERE}[$__rate_interval])) > 0)`, "{{type}}"}),
	}},
	{"Replication", []panel{
		over("Tasks", "ops", "", [2]string{`sum by (type, status) (rate(haven_jobs_ended_total{HERE,type=~"REPLICATION.*"}[$__rate_interval]))`, "{{type}} {{status}}"}),
		over("Registries elsewhere", "reqps", "", [2]string{`sum by (code) (rate(haven_outbound_requests_total{HERE,peer="registry"}[$__rate_interval]))`, "{{code}}"}),
	}},
	{"Events, webhooks, audit", []panel{
		over("What follows from events waits", "s", "", [2]string{`max(haven_events_lag_seconds{HERE})`, "oldest event"}, [2]string{`max(haven_audit_forward_lag_seconds{HERE})`, "oldest audit row"}),
		over("Set aside", "", "Events that were given up within an hour.", [2]string{`sum(increase(haven_events_set_aside_total{HERE}[1h]))`, "events"}),
		over("Webhooks", "ops", "", [2]string{`sum(rate(haven_webhook_delivered_total{HERE}[$__rate_interval]))`, "delivered"},
			[2]string{`sum(rate(haven_webhook_failures_total{HERE}[$__rate_interval]))`, "failed"}, [2]string{`sum(rate(haven_webhook_given_up_total{HERE}[$__rate_interval]))`, "given up"}),
		over("Webhooks that wait", "", "", [2]string{`max(haven_webhook_backlog{HERE})`, "deliveries"}),
		over("Audit rows forwarded", "ops", "", [2]string{`sum(rate(haven_audit_forwarded_rows_total{HERE}[$__rate_interval]))`, "rows"},
			[2]string{`sum(rate(haven_audit_forward_failures_total{HERE}[$__rate_interval]))`, "failures"}),
	}},
}}

var scanning = dashboard{"scanning", "Haven / Scanning", []row{
	{"Scans", []panel{
		over("Scans", "ops", "", [2]string{`sum by (scanner, outcome) (rate(haven_scans_total{HERE}[$__rate_interval])) > 0`, "{{scanner}} {{outcome}}"}),
		over("How long scans take", "s", "", quantiles(`haven_scan_duration_seconds_bucket{HERE}`, "scanner")...),
		over("Scans that wait", "", "", [2]string{`max by (type) (haven_job_queue_tasks{HERE,type=~"IMAGE_SCAN|SBOM|SCAN_ALL"})`, "{{type}}"}),
		over("Layers", "ops", "kept: read by an earlier scan.", [2]string{`sum by (result) (rate(haven_scan_layers_total{HERE}[$__rate_interval]))`, "{{result}}"}),
		over("Bytes read", "Bps", "", [2]string{`sum(rate(haven_scan_layer_bytes_total{HERE}[$__rate_interval]))`, "layers"}),
		over("Other scanners that gave no report", "ops", "", [2]string{`sum by (reason) (rate(haven_scanner_failures_total{HERE}[$__rate_interval])) > 0`, "{{reason}}"}),
	}},
	{"Vulnerability database", []panel{
		figure("Age", "s", "Since it was published.", `max(haven_vulndb_age_seconds{HERE})`),
		over("Updates", "", "Within a day.", [2]string{`sum by (outcome) (increase(haven_vulndb_updates_total{HERE}[1d]))`, "{{outcome}}"}),
		over("Images judged anew", "", "1 while that runs.", [2]string{`max(haven_reevaluation_running{HERE})`, "running"}),
		over("Packages judged anew", "ops", "", [2]string{`sum(rate(haven_reevaluated_packages_total{HERE}[$__rate_interval]))`, "packages"}),
		over("Reports that changed by it", "", "Within a day.", [2]string{`sum(increase(haven_reevaluated_reports_changed_total{HERE}[1d]))`, "reports"}),
	}},
}}

var storage = dashboard{"storage", "Haven / Storage and database", []row{
	{"Blob store", []panel{
		over("Room", "bytes", "0 where the store knows no limit.", [2]string{`min(haven_storage_free_bytes{HERE})`, "free"}, [2]string{`max(haven_storage_total_bytes{HERE})`, "capacity"}),
		over("Operations", "ops", "", [2]string{`sum by (operation) (rate(haven_storage_operation_duration_seconds_count{HERE}[$__rate_interval]))`, "{{operation}}"}),
		over("How long operations take", "s", "An append lasts as long as its client sends.", quantiles(`haven_storage_operation_duration_seconds_bucket{HERE}`, "operation")...),
		over("Failures", "ops", "", [2]string{`sum by (driver, operation) (rate(haven_storage_failures_total{HERE}[$__rate_interval])) > 0`, "{{driver}} {{operation}}"}),
	}},
	{"Space that comes back", []panel{
		over("Waits to be deleted", "", "Blobs that nobody holds.", [2]string{`max(haven_reclaim_backlog_blobs{HERE})`, "blobs"}),
		over("Deleted", "Bps", "", [2]string{`sum(rate(haven_reclaimed_bytes_total{HERE}[$__rate_interval]))`, "bytes"}),
		over("Deleted and let go", "ops", "", [2]string{`sum(rate(haven_reclaimed_blobs_total{HERE}[$__rate_interval]))`, "blobs"},
			[2]string{`sum(rate(haven_reclaimed_memberships_total{HERE}[$__rate_interval]))`, "memberships"}, [2]string{`sum(rate(haven_reclaimed_uploads_total{HERE}[$__rate_interval]))`, "uploads"}),
		over("Runs that failed", "", "Within an hour.", [2]string{`sum(increase(haven_reclaim_failures_total{HERE}[1h]))`, "runs"}),
	}},
	{"Database", []panel{
		over("Operations", "ops", "query: a statement without a transaction.", [2]string{`sum by (operation) (rate(haven_db_operation_duration_seconds_count{HERE}[$__rate_interval]))`, "{{operation}}"}),
		over("Statements", "ops", "", [2]string{`sum(rate(haven_sql_statements_total{HERE}[$__rate_interval]))`, "statements"}),
		over("How long operations take", "s", "With their waiting and tries.", quantiles(`haven_db_operation_duration_seconds_bucket{HERE}`, "operation")...),
		over("Conflicts and failures", "ops", "What conflicts is run again.", [2]string{`sum(rate(haven_db_conflicts_total{HERE}[$__rate_interval]))`, "conflicts"},
			[2]string{`sum by (operation) (rate(haven_db_failures_total{HERE}[$__rate_interval]))`, "failed: {{operation}}"}),
		over("Connections in use", "", "", [2]string{`sum by (instance, pool) (haven_db_connections_in_use{HERE})`, "{{instance}} {{pool}}"}),
		over("Waiting for connections", "s", "Seconds waited in a second, all together.", [2]string{`sum by (instance, pool) (rate(haven_db_connection_wait_seconds_total{HERE}[$__rate_interval]))`, "{{instance}} {{pool}}"}),
		over("Syncs of SQLite's log", "ops", "", [2]string{`sum(rate(haven_db_syncs_total{HERE}[$__rate_interval]))`, "syncs"}),
	}},
	{"Redis", []panel{
		over("Connected", "", "1: word of other replicas comes in.", [2]string{`min by (instance) (haven_redis_connected{HERE} and haven_redis_configured{HERE} == 1)`, "{{instance}}"}),
		over("How long commands take", "s", "", quantiles(`haven_redis_command_duration_seconds_bucket{HERE}`, "command")...),
		over("Notices and failures", "ops", "", [2]string{`sum(rate(haven_redis_notices_received_total{HERE}[$__rate_interval]))`, "notices"}, [2]string{`sum(rate(haven_redis_failures_total{HERE}[$__rate_interval]))`, "failures"}),
	}},
}}
