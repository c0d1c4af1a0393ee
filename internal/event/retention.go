package event

// Retention is the Detail of a RetainTags event, in Harbor's words.
type Retention struct {
	Total     int64             `json:"total"`
	Retained  int64             `json:"retained"`
	Policy    int64             `json:"retention_policy_id"` // 0: the default policy
	Execution int64             `json:"execution_id"`
	Rules     []RetentionRule   `json:"retention_rule"`
	Result    string            `json:"result"`           // the execution's status
	Deleted   []DeletedArtifact `json:"deleted_artifact"` // the first MaxDeleted
	More      bool              `json:"more,omitempty"`   // more were deleted than are named
}

// MaxDeleted is how many of the artifacts that a run deleted its event names.
const MaxDeleted = 200

// RetentionRule is a rule of the policy.
type RetentionRule struct {
	Template  string                         `json:"template"`
	Params    map[string]any                 `json:"params,omitempty"`
	Tags      []RetentionSelector            `json:"tag_selectors"`
	Selectors map[string][]RetentionSelector `json:"scope_selectors"`
}

// RetentionSelector is a pattern of a rule.
type RetentionSelector struct {
	Kind       string `json:"kind"`
	Decoration string `json:"decoration"`
	Pattern    string `json:"pattern"`
	Extras     string `json:"extras,omitempty"`
}

// DeletedArtifact is an artifact that a run deleted.
type DeletedArtifact struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	NameTag string `json:"name_tag"` // repository:tag, or repository@digest
}
