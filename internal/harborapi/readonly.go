package harborapi

import "net/http"

// writable are the operations that are done while the registry is read-only: what ends that, and what has work stop or
// go on, which an administrator needs then as ever.
func writable() []string {
	return []string{
		http.MethodPut + " /api/v2.0/configurations",
		http.MethodPut + " /api/v2.0/jobservice/jobs/{job_id}",
		http.MethodPut + " /api/v2.0/jobservice/queues/{job_type}",
		http.MethodPost + " /api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/stop",
		http.MethodPut + " /api/v2.0/replication/executions/{id}",
		http.MethodPatch + " /api/v2.0/retentions/{id}/executions/{eid}",
		http.MethodPost + " /api/v2.0/system/scanAll/stop",
		http.MethodPut + " /api/v2.0/system/gc/{gc_id}",
		http.MethodPatch + " /api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}",
		http.MethodPut + " /api/v2.0/system/purgeaudit/{purge_id}",
	}
}
