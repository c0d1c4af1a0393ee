package authz

// Resource and Action are Harbor's words, as its permission listings and robots spell them.
type (
	Resource string
	Action   string
)

// Permission is a right to do something with a kind of resource.
type Permission struct {
	Resource Resource
	Action   Action
}

// The actions.
const (
	Create  Action = "create"
	Read    Action = "read"
	Update  Action = "update"
	Delete  Action = "delete"
	ListAll Action = "list"
	Pull    Action = "pull"
	Push    Action = "push"
	Stop    Action = "stop"
	Operate Action = "operate"
	// ScannerPull lets a scanner read what policies refuse to others.
	ScannerPull Action = "scanner-pull"
)

// The resources of a project.
const (
	Project            Resource = "project"
	Member             Resource = "member"
	Metadata           Resource = "metadata"
	Log                Resource = "log"
	Label              Resource = "label"
	Quota              Resource = "quota"
	Repository         Resource = "repository"
	Artifact           Resource = "artifact"
	ArtifactAddition   Resource = "artifact-addition"
	ArtifactLabel      Resource = "artifact-label"
	Accessory          Resource = "accessory"
	Tag                Resource = "tag"
	Scan               Resource = "scan"
	SBOM               Resource = "sbom"
	Scanner            Resource = "scanner"
	TagRetention       Resource = "tag-retention"
	ImmutableTag       Resource = "immutable-tag"
	NotificationPolicy Resource = "notification-policy"
	RobotAccount       Resource = "robot"
	PreheatPolicy      Resource = "preheat-policy"
	ExportCVE          Resource = "export-cve"
	Configuration      Resource = "configuration"
)

// Resources of the system that are not in a project.
const (
	AuditLog           Resource = "audit-log"
	PreheatInstance    Resource = "preheat-instance"
	ReplicationPolicy  Resource = "replication-policy"
	Replication        Resource = "replication"
	ReplicationAdapter Resource = "replication-adapter"
	Registry           Resource = "registry"
	ScanAll            Resource = "scan-all"
	SystemVolumes      Resource = "system-volumes"
	GarbageCollection  Resource = "garbage-collection"
	PurgeAudit         Resource = "purge-audit"
	JobServiceMonitor  Resource = "jobservice-monitor"
	SecurityHub        Resource = "security-hub"
	Catalog            Resource = "catalog"
	UserAccount        Resource = "user"
	LDAPUser           Resource = "ldap-user"
	UserGroup          Resource = "user-group"
	SystemConfig       Resource = "configuration"
)
