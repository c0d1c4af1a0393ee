package event

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Kind is what happened, in the words of Harbor's audit log: an operation and a resource type.
type Kind string

// The kinds of events.
const (
	CreateArtifact        Kind = "create_artifact"
	DeleteArtifact        Kind = "delete_artifact"
	PullArtifact          Kind = "pull_artifact"
	CreateTag             Kind = "create_tag"
	DeleteTag             Kind = "delete_tag"
	CreateProject         Kind = "create_project"
	UpdateProject         Kind = "update_project"
	DeleteProject         Kind = "delete_project"
	UpdateRepository      Kind = "update_repository"
	DeleteRepository      Kind = "delete_repository"
	LoginUser             Kind = "login_user"
	LogoutUser            Kind = "logout_user"
	CreateUser            Kind = "create_user"
	UpdateUser            Kind = "update_user"
	DeleteUser            Kind = "delete_user"
	CreateRobot           Kind = "create_robot"
	UpdateRobot           Kind = "update_robot"
	DeleteRobot           Kind = "delete_robot"
	ExpireRobot           Kind = "expire_robot" // soon: written some days before
	CreateMember          Kind = "create_member"
	UpdateMember          Kind = "update_member"
	DeleteMember          Kind = "delete_member"
	UpdateConfiguration   Kind = "update_configuration"
	CreateUsergroup       Kind = "create_usergroup"
	UpdateUsergroup       Kind = "update_usergroup"
	DeleteUsergroup       Kind = "delete_usergroup"
	CreateToken           Kind = "create_token" // a personal access token
	DeleteToken           Kind = "delete_token"
	DeleteSession         Kind = "delete_session" // of somebody else, or from elsewhere; else it is a logout
	CreateTrust           Kind = "create_trust"   // a trust policy of workload identity
	UpdateTrust           Kind = "update_trust"
	DeleteTrust           Kind = "delete_trust"
	ExchangeToken         Kind = "exchange_token" // of a workload, for one of ours
	CreateLabel           Kind = "create_label"
	UpdateLabel           Kind = "update_label"
	DeleteLabel           Kind = "delete_label"
	AttachLabel           Kind = "attach_label"
	DetachLabel           Kind = "detach_label"
	CreateScanner         Kind = "create_scanner"
	UpdateScanner         Kind = "update_scanner"
	DeleteScanner         Kind = "delete_scanner"
	CreateRegistry        Kind = "create_registry" // an endpoint: a registry elsewhere
	UpdateRegistry        Kind = "update_registry"
	DeleteRegistry        Kind = "delete_registry"
	UpdateVulnDB          Kind = "update_vulndb" // an import or refresh of the vulnerability database, also one that found nothing newer
	TakeProfile           Kind = "take_profile"  // of the running program
	UpdatePurge           Kind = "update_purge"  // the schedule by which the audit log is purged
	StartPurge            Kind = "start_purge"
	StopPurge             Kind = "stop_purge"
	UpdateGC              Kind = "update_gc" // the schedule by which garbage is collected
	StartGC               Kind = "start_gc"
	StopGC                Kind = "stop_gc"
	CreateReplication     Kind = "create_replication_policy"
	UpdateReplication     Kind = "update_replication_policy"
	DeleteReplication     Kind = "delete_replication_policy"
	StartReplication      Kind = "start_replication" // by somebody, not by an event or the clock
	StopReplication       Kind = "stop_replication"
	CreateImmutable       Kind = "create_immutable" // a rule about tags that stay as they are
	UpdateImmutable       Kind = "update_immutable"
	DeleteImmutable       Kind = "delete_immutable"
	ReleaseHold           Kind = "release_hold" // a legal hold is to end before its time
	CreateRetention       Kind = "create_retention_policy"
	UpdateRetention       Kind = "update_retention_policy"
	DeleteRetention       Kind = "delete_retention_policy"
	StartRetention        Kind = "start_retention" // by somebody, not by the clock
	StopRetention         Kind = "stop_retention"
	RetainTags            Kind = "retain_tags"        // a run of retention ended
	ScanArtifact          Kind = "scan_artifact"      // a scan ended
	EvaluateArtifacts     Kind = "evaluate_artifacts" // everything was judged by another edition of the vulnerability database
	ExceedQuota           Kind = "exceed_quota"       // a push was refused by it
	WarnQuota             Kind = "warn_quota"         // little of it is left
	EndReplication        Kind = "end_replication"
	EndProject            Kind = "end_project" // a deleted one can't be restored any more
	CreateWebhook         Kind = "create_webhook_policy"
	UpdateWebhook         Kind = "update_webhook_policy"
	DeleteWebhook         Kind = "delete_webhook_policy"
	CreatePreheatInstance Kind = "create_preheat_instance"
	UpdatePreheatInstance Kind = "update_preheat_instance"
	DeletePreheatInstance Kind = "delete_preheat_instance"
	CreatePreheatPolicy   Kind = "create_preheat_policy"
	UpdatePreheatPolicy   Kind = "update_preheat_policy"
	DeletePreheatPolicy   Kind = "delete_preheat_policy"
	StartPreheat          Kind = "start_preheat" // by somebody, not by an event or the clock
	StopPreheat           Kind = "stop_preheat"
	PurgeTrash            Kind = "purge_trash" // what was deleted can't be restored any more
	CreateBackup          Kind = "create_backup"
	RestoreBackup         Kind = "restore_backup"
	MoveRegistry          Kind = "move_registry"  // here from another database and store
	AdoptRegistry         Kind = "adopt_registry" // everything of another registry was taken over
)

// Audited reports whether events of this kind are for the audit log. What the registry does by itself all day is for
// other listeners only.
func (k Kind) Audited() bool {
	switch k {
	case ScanArtifact, EvaluateArtifacts, ExceedQuota, WarnQuota, EndReplication, EndProject:
		return false
	}
	return true
}

// Event is one thing that happened. Only Kind, By and Resource must be given; set Success too, unless
// the event is about a refusal.
type Event struct {
	ID   int64     `json:"-"` // given by Append's transaction, ascending
	Kind Kind      `json:"-"`
	At   time.Time `json:"-"` // zero: now

	By           string `json:"by"` // name of the principal, "" for an anonymous one
	ProjectID    int64  `json:"project_id,omitempty"`
	Project      string `json:"project,omitempty"`
	Repository   string `json:"repository,omitempty"` // full name
	Tag          string `json:"tag,omitempty"`
	Digest       string `json:"digest,omitempty"`
	Resource     string `json:"resource"`                // as the audit log shows it, such as project/repo:tag
	ResourceType string `json:"resource_type,omitempty"` // "": from the kind
	Operation    string `json:"operation,omitempty"`     // "": from the kind
	Description  string `json:"description,omitempty"`   // "": from operation, type and resource
	Client       string `json:"client,omitempty"`        // address of who asked; "": from the context
	RequestID    string `json:"request_id,omitempty"`    // "": from the context
	Cause        string `json:"cause,omitempty"`         // part of a trace (trace.Cause); "": from the context
	Success      bool   `json:"success"`

	Detail json.RawMessage `json:"detail,omitempty"` // what only listeners of this kind know
}

// Context is ctx with the event's part of a trace: jobs that a listener begins with it are a part of that trace too.
func (e Event) Context(ctx context.Context) context.Context { return trace.Caused(ctx, e.Cause) }

// complete fills what follows from the rest.
func (e Event) complete() Event {
	operation, resourceType, _ := strings.Cut(string(e.Kind), "_")
	if e.Operation == "" {
		e.Operation = operation
	}
	if e.ResourceType == "" {
		e.ResourceType = resourceType
	}
	if e.Description == "" {
		e.Description = e.Operation + " " + e.ResourceType + ": " + e.Resource
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC()
	return e
}

const insertEvent = `INSERT INTO event (kind, body, created_at) VALUES ($1, $2, $3)`

// Append writes e in the transaction that causes it. Which request that is, the context says.
func Append(ctx context.Context, tx db.Tx, e Event) error {
	e = e.complete()
	e.Client, e.RequestID = cmp.Or(e.Client, telemetry.Client(ctx)), cmp.Or(e.RequestID, telemetry.RequestID(ctx))
	e.Cause = cmp.Or(e.Cause, trace.Cause(ctx))
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", e.Kind, err)
	}
	if _, err := tx.Exec(ctx, insertEvent, string(e.Kind), string(body), db.Micros(e.At)); err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	return nil
}
