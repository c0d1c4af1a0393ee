// What runs, what failed, who did it, what is worst: with the policy and the runs that the journeys made.
import { read } from "../registry.mjs";

const [policy] = await read("/api/v2.0/replication/policies?q=name=operations-policy");
const [run] = policy ? await read(`/api/v2.0/replication/executions?policy_id=${policy.id}&page_size=1`) : [];
const [execution] = await read("/api/haven/v1/jobs/executions?page_size=1");
const [task] = await read("/api/haven/v1/jobs/tasks?page_size=1");

export const pages = {
  "operations-replication": "/replication",
  "operations-new-policy": "/replication/new",
  "operations-policy": `/replication/${policy?.id}`,
  "operations-edit-policy": `/replication/${policy?.id}/edit`,
  "operations-preview": `/replication/${policy?.id}?tab=preview`,
  "operations-run": `/replication/${policy?.id}/runs/${run?.id}`,
  "operations-jobs": "/jobs",
  "operations-queues": "/jobs?tab=queues",
  "operations-schedules": "/jobs?tab=schedules",
  "operations-execution": `/jobs/${execution?.id}`,
  "operations-task": `/jobs/tasks/${task?.id}`,
  "operations-audit": "/audit",
  "operations-security": "/security",
  "operations-findings": "/security?tab=findings",
  "operations-exports": "/security?tab=exports",
  "operations-cve": "/security/cve/CVE-2026-0001",
};
