package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/event"
)

// EventType is what a policy wants to hear of, by Harbor's name.
type EventType string

// The types of events.
const (
	Pushed        EventType = "PUSH_ARTIFACT"
	Pulled        EventType = "PULL_ARTIFACT"
	Deleted       EventType = "DELETE_ARTIFACT"
	QuotaExceeded EventType = "QUOTA_EXCEED"
	QuotaWarned   EventType = "QUOTA_WARNING"
	ScanFailed    EventType = "SCANNING_FAILED"
	ScanStopped   EventType = "SCANNING_STOPPED"
	ScanCompleted EventType = "SCANNING_COMPLETED"
	Replicated    EventType = "REPLICATION"
	Retained      EventType = "TAG_RETENTION"
)

// EventTypes are the types of events, in Harbor's order.
func EventTypes() []EventType {
	return []EventType{Pushed, Pulled, Deleted, QuotaExceeded, QuotaWarned, ScanFailed, ScanStopped, ScanCompleted, Replicated, Retained}
}

// cloudType is the type that CloudEvents are sent with.
func (t EventType) cloudType() string {
	return map[EventType]string{
		Pushed: "harbor.artifact.pushed", Pulled: "harbor.artifact.pulled", Deleted: "harbor.artifact.deleted",
		QuotaExceeded: "harbor.quota.exceeded", QuotaWarned: "harbor.quota.warned",
		ScanFailed: "harbor.scan.failed", ScanStopped: "harbor.scan.stopped", ScanCompleted: "harbor.scan.completed",
		Replicated: "harbor.replication.status.changed", Retained: "harbor.tag_retention.finished",
	}[t]
}

// typeOf is what an event is for webhooks, "" for nothing.
func typeOf(e event.Event) EventType {
	switch e.Kind {
	case event.ExceedQuota: // a refusal
		return QuotaExceeded
	case event.WarnQuota:
		return QuotaWarned
	case event.ScanArtifact:
		var d event.ScanDetail
		switch _ = json.Unmarshal(e.Detail, &d); {
		case e.Success:
			return ScanCompleted
		case d.Stopped:
			return ScanStopped
		}
		return ScanFailed
	case event.EndReplication:
		return Replicated
	case event.RetainTags:
		return Retained
	}
	if !e.Success {
		return ""
	}
	switch e.Kind {
	case event.CreateArtifact:
		return Pushed
	case event.PullArtifact:
		return Pulled
	case event.DeleteArtifact, event.DeleteRepository:
		return Deleted
	}
	return ""
}

// subjectOf is what an event is about: events of one subject are delivered in their order.
func subjectOf(e event.Event) string {
	switch {
	case e.Repository != "":
		return e.Repository
	case e.ProjectID != 0:
		return strconv.FormatInt(e.ProjectID, 10)
	}
	return string(e.Kind)
}

// facts is what an event's data needs to know besides the event.
type facts struct {
	host     string // of this registry
	public   bool   // the project is
	made     time.Time
	overview json.RawMessage // of a scan, by the media type of its report
}

// data is what a body says of an event, in the shape of Harbor's.
type data struct {
	Resources   []resource        `json:"resources,omitempty"`
	Repository  *repository       `json:"repository,omitempty"`
	Replication *replicationData  `json:"replication,omitempty"`
	Retention   *retentionData    `json:"retention,omitempty"`
	Scan        *scanData         `json:"scan,omitempty"`
	Custom      map[string]string `json:"custom_attributes,omitempty"`
}

type resource struct {
	Digest       string          `json:"digest,omitempty"`
	Tag          string          `json:"tag,omitempty"`
	URL          string          `json:"resource_url,omitempty"`
	ScanOverview json.RawMessage `json:"scan_overview,omitempty"`
	SBOMOverview json.RawMessage `json:"sbom_overview,omitempty"`
}

type repository struct {
	CreatedAt int64  `json:"date_created,omitempty"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	FullName  string `json:"repo_full_name"`
	Type      string `json:"repo_type"`
}

type scanData struct {
	Type string `json:"scan_type"`
}

type replicationData struct {
	Host        string            `json:"harbor_hostname"`
	Status      string            `json:"job_status"`
	Description string            `json:"description"`
	Artifact    string            `json:"artifact_type"`
	Auth        string            `json:"authentication_type"`
	Override    bool              `json:"override_mode"`
	Trigger     string            `json:"trigger_type"`
	Creator     string            `json:"policy_creator"`
	At          int64             `json:"execution_timestamp"`
	Source      *replicationSide  `json:"src_resource,omitempty"`
	Destination *replicationSide  `json:"dest_resource,omitempty"`
	Succeeded   []replicationItem `json:"successful_artifact,omitempty"`
	Failed      []replicationItem `json:"failed_artifact,omitempty"`
	ExecutionID int64             `json:"execution_id"`
	TaskID      int64             `json:"task_id,omitempty"`
}

type replicationSide struct {
	Name      string `json:"registry_name"`
	Type      string `json:"registry_type"`
	Endpoint  string `json:"endpoint"`
	Provider  string `json:"provider"`
	Namespace string `json:"namespace"`
}

type replicationItem struct {
	Type       string   `json:"type"`
	Status     string   `json:"status"`
	Name       string   `json:"name_tag"`
	References []string `json:"references,omitempty"`
}

// retentionData is what an event says of a run, with the words in capitals as Harbor has them.
type retentionData struct {
	event.Retention
	Result  string `json:"result"`
	Host    string `json:"harbor_hostname"`
	Project string `json:"project_name"`
}

const container = "image" // Harbor's word for what registries hold

// maxItems bounds the artifacts that one body names.
const maxItems = 200

// dataOf is what the bodies say of an event.
func dataOf(e event.Event, f facts) (data, error) {
	var d data
	if e.Repository != "" {
		d.Repository = repositoryOf(e, f)
		d.Resources = []resource{resourceOf(e, f)}
	}
	read := func(detail any) error {
		if err := json.Unmarshal(e.Detail, detail); err != nil {
			return fmt.Errorf("decode detail of event %d: %w", e.ID, err)
		}
		return nil
	}
	switch e.Kind {
	case event.ScanArtifact:
		detail := event.ScanDetail{Type: "vulnerability"}
		if len(e.Detail) > 0 {
			if err := read(&detail); err != nil {
				return d, err
			}
		}
		d.Scan = &scanData{detail.Type}
		if detail.Type == "sbom" {
			d.Resources[0].SBOMOverview = f.overview
		} else {
			d.Resources[0].ScanOverview = f.overview
		}
	case event.ExceedQuota, event.WarnQuota:
		var detail event.QuotaDetail
		if err := read(&detail); err != nil {
			return d, err
		}
		if d.Repository == nil {
			d.Repository = &repository{Namespace: e.Project, FullName: e.Project, Type: visibility(f.public)}
		}
		d.Custom = map[string]string{"Details": detail.Reason}
	case event.EndReplication:
		var detail event.ReplicationDetail
		if err := read(&detail); err != nil {
			return d, err
		}
		d = data{Replication: replicationOf(e, detail, f)}
	case event.RetainTags:
		var detail event.Retention
		if err := read(&detail); err != nil {
			return d, err
		}
		d.Resources = nil
		d.Retention = retentionOf(e, detail, f)
	}
	return d, nil
}

func repositoryOf(e event.Event, f facts) *repository {
	namespace, name, _ := strings.Cut(e.Repository, "/")
	r := &repository{Name: name, Namespace: namespace, FullName: e.Repository, Type: visibility(f.public)}
	if !f.made.IsZero() {
		r.CreatedAt = f.made.Unix()
	}
	return r
}

func visibility(public bool) string {
	if public {
		return "public"
	}
	return "private"
}

// resourceOf is an artifact; of a repository that was deleted with all it held, the repository.
func resourceOf(e event.Event, f facts) resource {
	r := resource{Digest: e.Digest, Tag: e.Tag, URL: f.host + "/" + e.Repository}
	switch {
	case e.Tag != "":
		r.URL += ":" + e.Tag
	case e.Digest != "":
		r.URL += "@" + e.Digest
	}
	return r
}

func replicationOf(e event.Event, v event.ReplicationDetail, f facts) *replicationData {
	side := func(s event.ReplicationSide) *replicationSide {
		return &replicationSide{Name: s.Name, Type: s.Kind, Endpoint: s.Endpoint, Provider: s.Kind, Namespace: s.Namespace}
	}
	items := func(all []event.ReplicationItem) (out []replicationItem) {
		for _, i := range all[:min(len(all), maxItems)] {
			out = append(out, replicationItem{Type: container, Status: i.Status, Name: i.Name})
		}
		return out
	}
	return &replicationData{
		Host: f.host, Status: v.Status, Description: v.Description, Artifact: container, Auth: "basic", Override: v.Override, Trigger: v.Trigger, Creator: e.By, At: v.StartedAt,
		Source: side(v.Source), Destination: side(v.Destination), Succeeded: items(v.Succeeded), Failed: items(v.Failed), ExecutionID: v.ExecutionID, TaskID: v.TaskID,
	}
}

func retentionOf(e event.Event, v event.Retention, f facts) *retentionData {
	v.Deleted = slices.Clone(v.Deleted)
	for i := range v.Deleted {
		v.Deleted[i].Status = strings.ToUpper(v.Deleted[i].Status)
	}
	return &retentionData{Retention: v, Result: strings.ToUpper(v.Result), Host: f.host, Project: e.Project}
}
