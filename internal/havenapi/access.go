package havenapi

import (
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/rest"
)

func ofLoaded(r authz.Resource, a authz.Action) rest.Access {
	return rest.Access{Class: rest.OfObject, Permission: authz.Permission{Resource: r, Action: a}}
}

func ofProject(r authz.Resource, a authz.Action) rest.Access {
	return rest.Access{Class: rest.InProject, Permission: authz.Permission{Resource: r, Action: a}}
}

func ofSystem(r authz.Resource, a authz.Action) rest.Access {
	return rest.Access{Class: rest.InSystem, Permission: authz.Permission{Resource: r, Action: a}}
}

// accesses is the table of all operations. An operation that isn't here answers 500 and fails a test.
func accesses() map[string]rest.Access {
	return map[string]rest.Access{
		// In a project who administers its members, in the system who administers users; everybody about themselves.
		"ExplainAccess": ofLoaded(authz.Member, authz.Update),

		"SearchEverywhere": {Class: rest.Open},                         // what the caller may not see isn't found
		"TakeProfile":      ofSystem(authz.SystemConfig, authz.Update), // it shows no settings, and costs what changing them doesn't
		"ListTrends":       ofSystem(authz.SystemConfig, authz.Read),

		"GetAuditForwarding": ofSystem(authz.AuditLog, authz.ListAll),

		"ListJobExecutions":     ofSystem(authz.JobServiceMonitor, authz.ListAll),
		"ListJobsUnderway":      {Class: rest.SignedIn},                        // what one began oneself, others for whom that permission is
		"GetJobExecution":       ofLoaded(authz.JobServiceMonitor, authz.Read), // or who began it, here and below
		"WatchJobExecution":     ofLoaded(authz.JobServiceMonitor, authz.Read),
		"ListJobExecutionTasks": ofSystem(authz.JobServiceMonitor, authz.ListAll),
		"StopJobExecution":      ofLoaded(authz.JobServiceMonitor, authz.Stop),
		"RetryJobExecution":     ofSystem(authz.JobServiceMonitor, authz.Stop),
		"ListJobTasks":          ofSystem(authz.JobServiceMonitor, authz.ListAll),
		"GetJobTask":            ofSystem(authz.JobServiceMonitor, authz.Read),
		"StopJobTask":           ofSystem(authz.JobServiceMonitor, authz.Stop),
		"RetryJobTask":          ofSystem(authz.JobServiceMonitor, authz.Stop),
		"GetJobTaskLog":         ofSystem(authz.JobServiceMonitor, authz.Read),

		// What every image is judged by; who administers the system answers for it.
		"GetVulnerabilityDatabase":     ofSystem(authz.SystemConfig, authz.Read),
		"ExportVulnerabilityDatabase":  ofSystem(authz.SystemConfig, authz.Read),
		"ImportVulnerabilityDatabase":  ofSystem(authz.SystemConfig, authz.Update),
		"RefreshVulnerabilityDatabase": ofSystem(authz.SystemConfig, authz.Update),

		"GetArtifactSBOM":     ofProject(authz.ArtifactAddition, authz.Read),
		"ListArtifactChanges": ofProject(authz.ArtifactAddition, authz.Read),
		"ListArtifactLayers":  ofProject(authz.Artifact, authz.Read),
		"ListStatements":      ofProject(authz.ArtifactAddition, authz.Read),
		// As for the project's allowlist.
		"CreateStatement": ofProject(authz.Project, authz.Update),
		"DeleteStatement": ofProject(authz.Project, authz.Update),

		// The gate belongs to the project's settings; why an image is refused may know who may read the image.
		"GetProjectGate":    ofProject(authz.Metadata, authz.Read),
		"UpdateProjectGate": ofProject(authz.Metadata, authz.Update),
		"JudgeArtifact":     ofProject(authz.Scan, authz.Read),

		// Who may delete a repository may look at what was deleted, and take it back.
		"ListTrash":            ofProject(authz.Repository, authz.Delete),
		"ListDeletedArtifacts": ofProject(authz.Repository, authz.Delete),
		"UndoDeletion":         ofProject(authz.Repository, authz.Delete),
		"UndoRetentionRun":     ofProject(authz.Repository, authz.Delete),
		"PurgeDeletion":        ofProject(authz.Project, authz.Update),
		"EmptyProjectTrash":    ofProject(authz.Project, authz.Update),
		"EmptyTrash":           ofSystem(authz.SystemConfig, authz.Update),
		"ListDeletedProjects":  ofSystem(authz.SystemConfig, authz.Read),
		"RestoreProject":       ofSystem(authz.SystemConfig, authz.Update),

		"ListTagRules":  ofProject(authz.ImmutableTag, authz.ListAll),
		"GetTagRule":    ofProject(authz.ImmutableTag, authz.ListAll),
		"CreateTagRule": ofProject(authz.ImmutableTag, authz.Create),
		"UpdateTagRule": ofProject(authz.ImmutableTag, authz.Update),
		"DeleteTagRule": ofProject(authz.ImmutableTag, authz.Delete),
		"ReleaseHold":   ofSystem(authz.SystemConfig, authz.Update), // and in person, two of them

		"GetDefaultRetention":    ofSystem(authz.SystemConfig, authz.Read),
		"UpdateDefaultRetention": ofSystem(authz.SystemConfig, authz.Update),
		"DeleteDefaultRetention": ofSystem(authz.SystemConfig, authz.Update),
		"GetProjectRetention":    ofProject(authz.TagRetention, authz.Read),
		"UpdateProjectRetention": ofProject(authz.TagRetention, authz.Update),
		"PreviewRetention":       ofProject(authz.TagRetention, authz.Read),

		// As the gate; who signed what may know who may read it.
		"GetSignaturePolicy":    ofProject(authz.Metadata, authz.Read),
		"UpdateSignaturePolicy": ofProject(authz.Metadata, authz.Update),
		"DeleteSignaturePolicy": ofProject(authz.Metadata, authz.Update),
		"ExportSignaturePolicy": ofProject(authz.Metadata, authz.Read),
		"ListSignatures":        ofProject(authz.Scan, authz.Read),
		"EvaluateImages":        {Class: rest.SignedIn}, // what the caller may not pull isn't there

		// What Haven signs with is public; whoever has a log-in may verify by it.
		"ListSigningKeys":     {Class: rest.SignedIn},
		"RotateSigningKey":    ofSystem(authz.SystemConfig, authz.Update),
		"GetSigningPolicy":    ofProject(authz.Metadata, authz.Read),
		"UpdateSigningPolicy": ofProject(authz.Metadata, authz.Update),

		// As the quota, which it explains.
		"GetProjectSpace":    ofProject(authz.Quota, authz.Read),
		"GetRepositorySpace": ofProject(authz.Quota, authz.Read),

		// As the tags themselves; what they named is pulled as anything else is.
		"ListTagHistory": ofProject(authz.Tag, authz.ListAll),
		"GetTagAt":       ofProject(authz.Tag, authz.ListAll),
		"GetManifestAt":  ofProject(authz.Repository, authz.Pull),

		// A cache's settings are the project's; how to pull through it may know who may see the project. A name that stands for
		// a project stands before all others.
		"GetProxyPolicy":         ofProject(authz.Metadata, authz.Read),
		"UpdateProxyPolicy":      ofProject(authz.Metadata, authz.Update),
		"GetProxyStatus":         ofProject(authz.Metadata, authz.Read),
		"GetMirrorConfiguration": ofProject(authz.Project, authz.Read),
		"ListMirrors":            ofSystem(authz.Registry, authz.ListAll),
		"CreateMirror":           ofSystem(authz.Registry, authz.Create),
		"DeleteMirror":           ofSystem(authz.Registry, authz.Delete),

		"GetSystemSignaturePolicy":    ofSystem(authz.SystemConfig, authz.Read),
		"UpdateSystemSignaturePolicy": ofSystem(authz.SystemConfig, authz.Update),
		"DeleteSystemSignaturePolicy": ofSystem(authz.SystemConfig, authz.Update),

		// As for starting it, which tells the same in the end.
		"PreviewReplication": ofSystem(authz.Replication, authz.Create),
		"NotifyReplication":  ofSystem(authz.Replication, authz.Create),

		// As Harbor's for those of a project; decided where the policy belongs, on the configuration for those of all projects.
		"ListWebhooks":             ofSystem(authz.SystemConfig, authz.Read),
		"CreateWebhook":            ofSystem(authz.SystemConfig, authz.Update),
		"GetWebhook":               ofLoaded(authz.NotificationPolicy, authz.Read),
		"UpdateWebhook":            ofLoaded(authz.NotificationPolicy, authz.Update),
		"DeleteWebhook":            ofLoaded(authz.NotificationPolicy, authz.Delete),
		"TestWebhook":              ofLoaded(authz.NotificationPolicy, authz.Update),
		"RedeliverWebhook":         ofLoaded(authz.NotificationPolicy, authz.Update),
		"ListWebhookDeliveries":    ofLoaded(authz.NotificationPolicy, authz.Read),
		"GetWebhookDelivery":       ofLoaded(authz.NotificationPolicy, authz.Read),
		"RedeliverWebhookDelivery": ofLoaded(authz.NotificationPolicy, authz.Update),
		"CancelWebhookDelivery":    ofLoaded(authz.NotificationPolicy, authz.Update),

		"EndPreviousSecret": ofLoaded(authz.RobotAccount, authz.Update),

		// As for robots; decided where the policy belongs.
		"ListTrustPolicies":     ofLoaded(authz.RobotAccount, authz.ListAll),
		"CreateTrustPolicy":     ofLoaded(authz.RobotAccount, authz.Create),
		"GetTrustPolicy":        ofLoaded(authz.RobotAccount, authz.Read),
		"UpdateTrustPolicy":     ofLoaded(authz.RobotAccount, authz.Update),
		"DeleteTrustPolicy":     ofLoaded(authz.RobotAccount, authz.Delete),
		"TryTrustPolicies":      ofLoaded(authz.RobotAccount, authz.Read),
		"ExchangeWorkloadToken": {Class: rest.Open}, // the token in the body is what counts

		// One's own; another user's for who administers users.
		"ListPersonalTokens":  ofLoaded(authz.UserAccount, authz.Read),
		"GetPersonalToken":    ofLoaded(authz.UserAccount, authz.Read),
		"DeletePersonalToken": ofLoaded(authz.UserAccount, authz.Update),
		"CreatePersonalToken": {Class: rest.SignedIn}, // a user in person
		"ListSessions":        ofLoaded(authz.UserAccount, authz.Read),
		"EndOtherSessions":    ofLoaded(authz.UserAccount, authz.Update),
		"EndSession":          ofLoaded(authz.UserAccount, authz.Update),
	}
}
