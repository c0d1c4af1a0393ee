package harborapi

import (
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/rest"
)

func everyone() rest.Access { return rest.Access{Class: rest.Open} }
func signedIn() rest.Access { return rest.Access{Class: rest.SignedIn} }

func ofSystem(r authz.Resource, a authz.Action) rest.Access {
	return rest.Access{Class: rest.InSystem, Permission: authz.Permission{Resource: r, Action: a}}
}

func ofProject(r authz.Resource, a authz.Action) rest.Access {
	return rest.Access{Class: rest.InProject, Permission: authz.Permission{Resource: r, Action: a}}
}

func ofLoaded(r authz.Resource, a authz.Action) rest.Access {
	return rest.Access{Class: rest.OfObject, Permission: authz.Permission{Resource: r, Action: a}}
}

// accesses is the table of all operations. An operation that isn't here answers 500 and fails a test.
func accesses() map[string]rest.Access {
	return map[string]rest.Access{
		"GetAPIVersion":     everyone(),
		"GetPing":           everyone(),
		"GetHealth":         everyone(),
		"GetSystemInfo":     everyone(),
		"GetCert":           everyone(),
		"GetIcon":           everyone(),
		"Search":            everyone(),
		"GetInternalconfig": everyone(), // and always refused
		"GetVolumes":        ofSystem(authz.SystemVolumes, authz.Read),
		"GetStatistic":      signedIn(),
		"GetPermissions":    ofLoaded(authz.RobotAccount, authz.Create),

		"GetConfigurations":    ofSystem(authz.SystemConfig, authz.Read),
		"UpdateConfigurations": ofSystem(authz.SystemConfig, authz.Update),

		"PingLdap":        ofSystem(authz.SystemConfig, authz.Update), // it connects to where the caller says
		"SearchLdapUser":  ofSystem(authz.LDAPUser, authz.ListAll),
		"ImportLdapUser":  ofSystem(authz.LDAPUser, authz.Create),
		"SearchLdapGroup": ofSystem(authz.LDAPUser, authz.ListAll),
		"PingOIDC":        ofSystem(authz.SystemConfig, authz.Update),

		"GetSystemCVEAllowlist": signedIn(),
		"PutSystemCVEAllowlist": ofSystem(authz.SystemConfig, authz.Update),
		"GetPurgeHistory":       ofSystem(authz.PurgeAudit, authz.ListAll),
		"GetPurgeJob":           ofSystem(authz.PurgeAudit, authz.Read),
		"GetPurgeJobLog":        ofSystem(authz.PurgeAudit, authz.Read),
		"StopPurge":             ofSystem(authz.PurgeAudit, authz.Stop),
		"GetPurgeSchedule":      ofSystem(authz.PurgeAudit, authz.Read),
		"CreatePurgeSchedule":   ofSystem(authz.PurgeAudit, authz.Create),
		"UpdatePurgeSchedule":   ofSystem(authz.PurgeAudit, authz.Update),
		"GetGCHistory":          ofSystem(authz.GarbageCollection, authz.ListAll),
		"GetGC":                 ofSystem(authz.GarbageCollection, authz.Read),
		"GetGCLog":              ofSystem(authz.GarbageCollection, authz.Read),
		"StopGC":                ofSystem(authz.GarbageCollection, authz.Stop),
		"GetGCSchedule":         ofSystem(authz.GarbageCollection, authz.Read),
		"CreateGCSchedule":      ofSystem(authz.GarbageCollection, authz.Create),
		"UpdateGCSchedule":      ofSystem(authz.GarbageCollection, authz.Update),
		"GetWorkerPools":        ofSystem(authz.JobServiceMonitor, authz.ListAll),
		"GetWorkers":            ofSystem(authz.JobServiceMonitor, authz.ListAll),
		"ListJobQueues":         ofSystem(authz.JobServiceMonitor, authz.ListAll),
		"ActionGetJobLog":       ofSystem(authz.JobServiceMonitor, authz.Read),
		"StopRunningJob":        ofSystem(authz.JobServiceMonitor, authz.Stop),
		"ActionPendingJobs":     ofSystem(authz.JobServiceMonitor, authz.Stop),
		"ListSchedules":         ofSystem(authz.JobServiceMonitor, authz.ListAll),
		"GetSchedulePaused":     signedIn(),

		"ListUsers":                 ofSystem(authz.UserAccount, authz.ListAll),
		"CreateUser":                ofLoaded(authz.UserAccount, authz.Create),
		"GetCurrentUserInfo":        signedIn(),
		"GetCurrentUserPermissions": signedIn(),
		"SearchUsers":               signedIn(),
		"GetUser":                   ofLoaded(authz.UserAccount, authz.Read),
		"UpdateUserProfile":         ofLoaded(authz.UserAccount, authz.Update),
		"UpdateUserPassword":        ofLoaded(authz.UserAccount, authz.Update),
		"DeleteUser":                ofSystem(authz.UserAccount, authz.Delete),
		"SetUserSysAdmin":           ofSystem(authz.UserAccount, authz.Update),
		"SetCliSecret":              ofLoaded(authz.UserAccount, authz.Update),

		"ListUserGroups":   ofSystem(authz.UserGroup, authz.ListAll),
		"CreateUserGroup":  ofSystem(authz.UserGroup, authz.Create),
		"SearchUserGroups": signedIn(),
		"GetUserGroup":     ofSystem(authz.UserGroup, authz.Read),
		"UpdateUserGroup":  ofSystem(authz.UserGroup, authz.Update),
		"DeleteUserGroup":  ofSystem(authz.UserGroup, authz.Delete),

		"ListProjects":          everyone(),
		"HeadProject":           signedIn(),
		"CreateProject":         ofLoaded(authz.Project, authz.Create),
		"GetProject":            ofProject(authz.Project, authz.Read),
		"UpdateProject":         ofProject(authz.Project, authz.Update),
		"DeleteProject":         ofProject(authz.Project, authz.Delete),
		"GetProjectDeletable":   ofProject(authz.Project, authz.Delete),
		"GetProjectSummary":     ofProject(authz.Project, authz.Read),
		"ListProjectMetadatas":  ofProject(authz.Metadata, authz.ListAll),
		"AddProjectMetadatas":   ofProject(authz.Metadata, authz.Create),
		"GetProjectMetadata":    ofProject(authz.Metadata, authz.Read),
		"UpdateProjectMetadata": ofProject(authz.Metadata, authz.Update),
		"DeleteProjectMetadata": ofProject(authz.Metadata, authz.Delete),

		"ListProjectMembers":  ofProject(authz.Member, authz.ListAll),
		"CreateProjectMember": ofProject(authz.Member, authz.Create),
		"GetProjectMember":    ofProject(authz.Member, authz.Read),
		"UpdateProjectMember": ofProject(authz.Member, authz.Update),
		"DeleteProjectMember": ofProject(authz.Member, authz.Delete),

		"ListAllRepositories": everyone(),
		"ListRepositories":    ofProject(authz.Repository, authz.ListAll),
		"GetRepository":       ofProject(authz.Repository, authz.Read),
		"UpdateRepository":    ofProject(authz.Repository, authz.Update),
		"DeleteRepository":    ofProject(authz.Repository, authz.Delete),

		"GetSupportedEventTypes":        ofProject(authz.NotificationPolicy, authz.Read),
		"LastTrigger":                   ofProject(authz.NotificationPolicy, authz.Read),
		"ListWebhookJobs":               ofProject(authz.NotificationPolicy, authz.Read),
		"ListWebhookPoliciesOfProject":  ofProject(authz.NotificationPolicy, authz.ListAll),
		"CreateWebhookPolicyOfProject":  ofProject(authz.NotificationPolicy, authz.Create),
		"GetWebhookPolicyOfProject":     ofProject(authz.NotificationPolicy, authz.Read),
		"UpdateWebhookPolicyOfProject":  ofProject(authz.NotificationPolicy, authz.Update),
		"DeleteWebhookPolicyOfProject":  ofProject(authz.NotificationPolicy, authz.Delete),
		"ListExecutionsOfWebhookPolicy": ofProject(authz.NotificationPolicy, authz.Read),
		"ListTasksOfWebhookExecution":   ofProject(authz.NotificationPolicy, authz.Read),
		"GetLogsOfWebhookTask":          ofProject(authz.NotificationPolicy, authz.Read),
		"ListProviders":                 ofSystem(authz.PreheatInstance, authz.ListAll),
		"PingInstances":                 ofSystem(authz.PreheatInstance, authz.Update), // it connects to where the caller says
		"ListInstances":                 ofSystem(authz.PreheatInstance, authz.ListAll),
		"CreateInstance":                ofSystem(authz.PreheatInstance, authz.Create),
		"GetInstance":                   ofSystem(authz.PreheatInstance, authz.Read),
		"UpdateInstance":                ofSystem(authz.PreheatInstance, authz.Update),
		"DeleteInstance":                ofSystem(authz.PreheatInstance, authz.Delete),
		"ListPolicies":                  ofProject(authz.PreheatPolicy, authz.ListAll),
		"CreatePolicy":                  ofProject(authz.PreheatPolicy, authz.Create),
		"GetPolicy":                     ofProject(authz.PreheatPolicy, authz.Read),
		"UpdatePolicy":                  ofProject(authz.PreheatPolicy, authz.Update),
		"DeletePolicy":                  ofProject(authz.PreheatPolicy, authz.Delete),
		"ManualPreheat":                 ofProject(authz.PreheatPolicy, authz.Update),
		"ListExecutions":                ofProject(authz.PreheatPolicy, authz.Read),
		"GetExecution":                  ofProject(authz.PreheatPolicy, authz.Read),
		"StopExecution":                 ofProject(authz.PreheatPolicy, authz.Update),
		"ListTasks":                     ofProject(authz.PreheatPolicy, authz.Read),
		"GetPreheatLog":                 ofProject(authz.PreheatPolicy, authz.Read),
		"ListProvidersUnderProject":     ofProject(authz.PreheatPolicy, authz.Read),

		"ListArtifactsOfProject": ofProject(authz.Artifact, authz.ListAll), // and signed in
		"ListArtifacts":          ofProject(authz.Artifact, authz.ListAll),
		"GetArtifact":            ofProject(authz.Artifact, authz.Read),
		"CopyArtifact":           ofProject(authz.Artifact, authz.Create),
		"DeleteArtifact":         ofProject(authz.Artifact, authz.Delete),
		"ListTags":               ofProject(authz.Tag, authz.ListAll),
		"CreateTag":              ofProject(authz.Tag, authz.Create),
		"DeleteTag":              ofProject(authz.Tag, authz.Delete),
		"ListAccessories":        ofProject(authz.Accessory, authz.ListAll),
		"GetAddition":            ofProject(authz.ArtifactAddition, authz.Read),

		"GetVulnerabilitiesAddition": ofProject(authz.ArtifactAddition, authz.Read),
		"ScanArtifact":               ofLoaded(authz.Scan, authz.Create), // of a bill of materials: SBOM
		"StopScanArtifact":           ofLoaded(authz.Scan, authz.Stop),
		"GetReportLog":               ofProject(authz.Scan, authz.Read),

		"GetScanAllSchedule":               ofSystem(authz.ScanAll, authz.Read),
		"CreateScanAllSchedule":            ofSystem(authz.ScanAll, authz.Create),
		"UpdateScanAllSchedule":            ofSystem(authz.ScanAll, authz.Update),
		"StopScanAll":                      ofSystem(authz.ScanAll, authz.Stop),
		"GetLatestScanAllMetrics":          ofSystem(authz.ScanAll, authz.Read),
		"GetLatestScheduledScanAllMetrics": ofSystem(authz.ScanAll, authz.Read),

		"GetSecuritySummary":  ofSystem(authz.SecurityHub, authz.Read),
		"ListVulnerabilities": ofSystem(authz.SecurityHub, authz.ListAll),

		"ExportScanData":                 ofLoaded(authz.ExportCVE, authz.Create),
		"GetScanDataExportExecution":     signedIn(), // of one's own
		"GetScanDataExportExecutionList": signedIn(),
		"DownloadScanData":               signedIn(), // and the right of the project, still

		"ListImmuRules":  ofProject(authz.ImmutableTag, authz.ListAll),
		"CreateImmuRule": ofProject(authz.ImmutableTag, authz.Create),
		"UpdateImmuRule": ofProject(authz.ImmutableTag, authz.Update),
		"DeleteImmuRule": ofProject(authz.ImmutableTag, authz.Delete),

		"GetRentenitionMetadata":    signedIn(),
		"CreateRetention":           ofLoaded(authz.TagRetention, authz.Create),
		"GetRetention":              ofLoaded(authz.TagRetention, authz.Read),
		"UpdateRetention":           ofLoaded(authz.TagRetention, authz.Update),
		"DeleteRetention":           ofLoaded(authz.TagRetention, authz.Delete),
		"TriggerRetentionExecution": ofLoaded(authz.TagRetention, authz.Update), // as in Harbor, so that robots may
		"OperateRetentionExecution": ofLoaded(authz.TagRetention, authz.Update),
		"ListRetentionExecutions":   ofLoaded(authz.TagRetention, authz.ListAll),
		"ListRetentionTasks":        ofLoaded(authz.TagRetention, authz.ListAll),
		"GetRetentionTaskLog":       ofLoaded(authz.TagRetention, authz.Read),

		"ListRobotV1":    ofProject(authz.RobotAccount, authz.ListAll),
		"CreateRobotV1":  ofProject(authz.RobotAccount, authz.Create),
		"GetRobotByIDV1": ofProject(authz.RobotAccount, authz.Read),
		"UpdateRobotV1":  ofProject(authz.RobotAccount, authz.Update),
		"DeleteRobotV1":  ofProject(authz.RobotAccount, authz.Delete),

		"ListRobot":    ofLoaded(authz.RobotAccount, authz.ListAll),
		"CreateRobot":  ofLoaded(authz.RobotAccount, authz.Create),
		"GetRobotByID": ofLoaded(authz.RobotAccount, authz.Read),
		"UpdateRobot":  ofLoaded(authz.RobotAccount, authz.Update),
		"RefreshSec":   ofLoaded(authz.RobotAccount, authz.Update),
		"DeleteRobot":  ofLoaded(authz.RobotAccount, authz.Delete),

		"ListLabels":   ofLoaded(authz.Label, authz.ListAll),
		"CreateLabel":  ofLoaded(authz.Label, authz.Create),
		"GetLabelByID": ofLoaded(authz.Label, authz.Read),
		"UpdateLabel":  ofLoaded(authz.Label, authz.Update),
		"DeleteLabel":  ofLoaded(authz.Label, authz.Delete),
		"AddLabel":     ofProject(authz.ArtifactLabel, authz.Create),
		"RemoveLabel":  ofProject(authz.ArtifactLabel, authz.Delete),

		"ListRegistries":            ofSystem(authz.Registry, authz.ListAll),
		"CreateRegistry":            ofSystem(authz.Registry, authz.Create),
		"PingRegistry":              ofSystem(authz.Registry, authz.Create), // it connects to where the caller says
		"GetRegistry":               ofSystem(authz.Registry, authz.Read),
		"UpdateRegistry":            ofSystem(authz.Registry, authz.Update),
		"DeleteRegistry":            ofSystem(authz.Registry, authz.Delete),
		"GetRegistryInfo":           ofSystem(authz.Registry, authz.Read),
		"ListRegistryProviderTypes": ofSystem(authz.ReplicationAdapter, authz.ListAll),
		"ListRegistryProviderInfos": ofSystem(authz.ReplicationAdapter, authz.ListAll),

		"ListScanners":                   ofSystem(authz.Scanner, authz.ListAll),
		"CreateScanner":                  ofSystem(authz.Scanner, authz.Create),
		"PingScanner":                    ofSystem(authz.Scanner, authz.Create), // it connects to where the caller says
		"GetScanner":                     ofSystem(authz.Scanner, authz.Read),
		"UpdateScanner":                  ofSystem(authz.Scanner, authz.Update),
		"DeleteScanner":                  ofSystem(authz.Scanner, authz.Delete),
		"SetScannerAsDefault":            ofSystem(authz.Scanner, authz.Update),
		"GetScannerMetadata":             ofSystem(authz.Scanner, authz.Read),
		"GetScannerOfProject":            ofProject(authz.Scanner, authz.Read), // and signed in
		"SetScannerOfProject":            ofProject(authz.Scanner, authz.Create),
		"ListScannerCandidatesOfProject": ofProject(authz.Scanner, authz.Create),

		"ListQuotas":  ofSystem(authz.Quota, authz.ListAll),
		"GetQuota":    ofSystem(authz.Quota, authz.Read),
		"UpdateQuota": ofSystem(authz.Quota, authz.Update),

		"ListReplicationPolicies":   ofSystem(authz.ReplicationPolicy, authz.ListAll),
		"CreateReplicationPolicy":   ofSystem(authz.ReplicationPolicy, authz.Create),
		"GetReplicationPolicy":      ofSystem(authz.ReplicationPolicy, authz.Read),
		"UpdateReplicationPolicy":   ofSystem(authz.ReplicationPolicy, authz.Update),
		"DeleteReplicationPolicy":   ofSystem(authz.ReplicationPolicy, authz.Delete),
		"ListReplicationExecutions": ofSystem(authz.Replication, authz.ListAll),
		"StartReplication":          ofSystem(authz.Replication, authz.Create),
		"GetReplicationExecution":   ofSystem(authz.Replication, authz.Read),
		"StopReplication":           ofSystem(authz.Replication, authz.Create), // as in Harbor: who may start it
		"ListReplicationTasks":      ofSystem(authz.Replication, authz.ListAll),
		"GetReplicationLog":         ofSystem(authz.Replication, authz.Read),

		"ListAuditLogs":          signedIn(),
		"ListAuditLogExts":       signedIn(),
		"ListAuditLogEventTypes": ofSystem(authz.AuditLog, authz.ListAll),
		"GetLogs":                ofProject(authz.Log, authz.ListAll),
		"GetLogExts":             ofProject(authz.Log, authz.ListAll),
	}
}
