package audit

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/setting"
)

// Row is one entry of the log.
type Row struct {
	ID           int64
	ProjectID    int64 // 0: of no project
	Username     string
	EventType    event.Kind
	Operation    string
	ResourceType string
	Resource     string
	Description  string
	Success      bool
	Client       string // address that the request came from, "" where none did
	RequestID    string
	At           time.Time
}

// Scope is whose rows to list: all, or those of some projects.
type Scope struct {
	All        bool
	ProjectIDs []int64
}

// Service writes the log and reads it. It is an event.Listener.
type Service struct {
	db       *db.DB
	settings *setting.Service
	catchUp  func(context.Context)
	waiting  chan struct{} // has a value when there may be rows to forward
}

// New returns a Service. settings say what isn't to be logged; catchUp has the waiting events handled
// before the log is read, so that who did something finds it there.
func New(d *db.DB, settings *setting.Service, catchUp func(context.Context)) *Service {
	return &Service{db: d, settings: settings, catchUp: catchUp, waiting: make(chan struct{}, 1)}
}

// wakeForwarding says that there are rows to forward; it never blocks.
func (s *Service) wakeForwarding() {
	select {
	case s.waiting <- struct{}{}:
	default:
	}
}

// EventTypes lists the kinds of events that the log can be told to leave out: Harbor's in Harbor's order, then
// those that only this registry writes.
func EventTypes() []event.Kind {
	return []event.Kind{
		event.CreateArtifact, event.DeleteArtifact, event.PullArtifact, event.CreateProject, event.DeleteProject,
		event.DeleteRepository, event.LoginUser, event.LogoutUser, event.CreateUser, event.DeleteUser, event.UpdateUser,
		event.CreateRobot, event.DeleteRobot, event.UpdateConfiguration, event.CreateMember, event.DeleteMember,
		event.UpdateMember, event.UpdateProject,

		event.CreateTag, event.DeleteTag, event.UpdateRepository, event.UpdateRobot, event.ExpireRobot,
		event.CreateUsergroup, event.UpdateUsergroup, event.DeleteUsergroup, event.CreateToken, event.DeleteToken,
		event.DeleteSession, event.CreateTrust, event.UpdateTrust, event.DeleteTrust, event.ExchangeToken,
		event.CreateLabel, event.UpdateLabel, event.DeleteLabel, event.AttachLabel, event.DetachLabel,
		event.UpdatePurge, event.StartPurge, event.StopPurge, event.UpdateGC, event.StartGC, event.StopGC,
		event.CreateScanner, event.UpdateScanner, event.DeleteScanner,
		event.UpdateVulnDB,
		event.CreateRegistry, event.UpdateRegistry, event.DeleteRegistry,
		event.CreateReplication, event.UpdateReplication, event.DeleteReplication, event.StartReplication, event.StopReplication,
		event.CreateImmutable, event.UpdateImmutable, event.DeleteImmutable, event.ReleaseHold,
		event.CreateRetention, event.UpdateRetention, event.DeleteRetention, event.StartRetention, event.StopRetention, event.RetainTags,
		event.CreateWebhook, event.UpdateWebhook, event.DeleteWebhook,
		event.CreatePreheatInstance, event.UpdatePreheatInstance, event.DeletePreheatInstance,
		event.CreatePreheatPolicy, event.UpdatePreheatPolicy, event.DeletePreheatPolicy, event.StartPreheat, event.StopPreheat,
		event.PurgeTrash, event.AdoptRegistry, event.CreateBackup, event.RestoreBackup, event.MoveRegistry, event.TakeProfile,
	}
}
