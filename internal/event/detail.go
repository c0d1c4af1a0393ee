package event

import (
	"encoding/json"
	"fmt"
)

// What listeners read in Detail, for kinds that say more than who did what to which artifact.

// ScanDetail is of a ScanArtifact.
type ScanDetail struct {
	Type    string `json:"scan_type"` // vulnerability or sbom
	Stopped bool   `json:"stopped,omitempty"`
}

// QuotaDetail is of an ExceedQuota or WarnQuota, in bytes.
type QuotaDetail struct {
	Limit  int64  `json:"limit"`
	Used   int64  `json:"used"`
	Reason string `json:"reason"` // for people
}

// ReplicationDetail is of an EndReplication, in the words of Harbor's webhooks.
type ReplicationDetail struct {
	ExecutionID int64             `json:"execution_id"`
	TaskID      int64             `json:"task_id,omitempty"`
	PolicyID    int64             `json:"policy_id"`
	Policy      string            `json:"policy"`
	Status      string            `json:"status"`  // Success, Failure or Stopped
	Trigger     string            `json:"trigger"` // MANUAL, SCHEDULE or EVENT
	Description string            `json:"description,omitempty"`
	Override    bool              `json:"override,omitempty"`
	StartedAt   int64             `json:"started_at"` // seconds since 1970
	Source      ReplicationSide   `json:"source"`
	Destination ReplicationSide   `json:"destination"`
	Succeeded   []ReplicationItem `json:"succeeded,omitempty"`
	Failed      []ReplicationItem `json:"failed,omitempty"`
}

// ReplicationSide is a registry of a replication, and which part of it.
type ReplicationSide struct {
	Name      string `json:"name,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// ReplicationItem is a repository that was copied, or wasn't.
type ReplicationItem struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// With returns the event with a detail that its listeners read.
func (e Event) With(detail any) (Event, error) {
	text, err := json.Marshal(detail)
	if err != nil {
		return e, fmt.Errorf("encode detail of event %s: %w", e.Kind, err)
	}
	e.Detail = text
	return e, nil
}
