package havenapi

import "net/http"

// writable are the operations that are done while the registry is read-only: what has jobs stop or go on, and those that
// change nothing but who is known.
func writable() []string {
	return []string{
		http.MethodPost + " /api/haven/v1/jobs/executions/{execution_id}/retry",
		http.MethodPost + " /api/haven/v1/jobs/executions/{execution_id}/stop",
		http.MethodPost + " /api/haven/v1/jobs/tasks/{task_id}/retry",
		http.MethodPost + " /api/haven/v1/jobs/tasks/{task_id}/stop",
		http.MethodPost + " /api/haven/v1/workload/test",
		http.MethodPost + " /api/haven/v1/workload/token",
	}
}
