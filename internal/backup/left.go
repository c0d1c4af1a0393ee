package backup

// left are the tables that don't go along, and why. What is in them is bound to the place or to the moment.
var left = map[string]string{ //nolint:gosec // names of tables, not credentials
	"session":          "people sign in again: a session that was ended since must not come back",
	"oidc_session":     "as session",
	"oidc_onboarding":  "people who were about to get an account begin anew",
	"scan_pass":        "scanners get other passes for their next scans",
	"upload":           "an upload's bytes are in the old store; clients begin anew",
	"discarded":        "bytes to be deleted are in the old store",
	"blob_hold":        "who copies the old store",
	"rebuilding":       "of the old database",
	"job_pool":         "the old processes",
	"proxy_fetch":      "the old processes' claims",
	"record_place":     "records for a rebuild are made anew beside the blobs",
	"record_discarded": "as record_place",
	"record_task":      "as record_place",
	"record_pass":      "as record_place: it is as a first start makes it, and has all records made",
}

// only are conditions for the rows of a table that go along.
var only = map[string]string{
	// What no repository holds is on its way out.
	blobTable: `EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = blob.id)`,
	// Docker tokens name projects and accounts by their ids. After a restore other ones may get the ids that were given since, so
	// tokens of before must not be good any more; the next start makes other keys.
	"sealed_key": `purpose <> 'token'`,
	// Of an import that hasn't ended nothing is good.
	"vulndb_edition": `ready`,
}

const blobTable = "blob"
