package harbor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/remote"
)

type registryRow struct {
	ID             int64  `json:"id"`
	Name           string `json:"name"`
	URL            string `json:"url"`
	AccessKey      string `json:"access_key"`
	AccessSecret   string `json:"access_secret"` // encrypted
	Insecure       bool   `json:"insecure"`
	CredentialType string `json:"credential_type"`
	Type           string `json:"type"`
	Description    string `json:"description"`
	CA             string `json:"ca_certificate"`
	Created        stamp  `json:"creation_time"`
}

func (a *Adoption) registries(ctx context.Context, tx db.Tx) error {
	for _, r := range a.data.registries {
		open, err := a.key.Open(r.AccessSecret)
		if err != nil { // a check of the key was made before
			err = refusal("its credential: %w", err)
		} else {
			d := endpoint.Draft{Name: r.Name, Description: r.Description, Endpoint: remote.Endpoint{
				Kind: remote.Kind(r.Type), URL: r.URL, Insecure: r.Insecure, CACertificate: r.CA,
				Credential: remote.Credential{Type: r.CredentialType, AccessKey: r.AccessKey, Secret: open},
			}}
			err = a.Endpoints.Adopt(ctx, tx, r.ID, d, r.Created.or(a.now))
		}
		if err := a.took("registries elsewhere", "registry "+r.Name, err); err != nil {
			return err
		}
		a.there.registries[r.ID] = err == nil
	}
	return nil
}

type replicationRow struct {
	ID           int64  `json:"id"`
	Name         string `json:"name"`
	Description  string `json:"description"`
	Source       int64  `json:"src_registry_id"`
	Destination  int64  `json:"dest_registry_id"`
	Enabled      bool   `json:"enabled"`
	Deleted      bool   `json:"deleted"`
	Trigger      string `json:"trigger"` // JSON
	Filters      string `json:"filters"` // JSON
	Deletion     bool   `json:"replicate_deletion"`
	Namespace    string `json:"dest_namespace"`
	Override     bool   `json:"override"`
	Replace      *int   `json:"dest_namespace_replace_count"`
	Speed        int64  `json:"speed_kb"`
	CopyByChunk  bool   `json:"copy_by_chunk"`
	SingleActive bool   `json:"single_active_replication"`
	Created      stamp  `json:"creation_time"`
}

func (a *Adoption) replications(ctx context.Context, tx db.Tx) error {
	for _, r := range a.data.replications {
		if r.Deleted {
			continue
		}
		p, err := r.policy()
		for _, id := range []int64{r.Source, r.Destination} {
			if err == nil && id != replication.Local && !a.there.registries[id] {
				err = refusal("its registry could not be taken")
			}
		}
		if err == nil {
			p.CreatedAt = r.Created.or(a.now)
			err = a.Replication.Adopt(ctx, tx, p)
		}
		if err := a.took("replication policies", "replication policy "+r.Name, err); err != nil {
			return err
		}
	}
	return nil
}

func (r replicationRow) policy() (replication.Policy, error) {
	p := replication.Policy{
		ID: r.ID, Name: r.Name, Description: r.Description, Source: r.Source, Destination: r.Destination, Namespace: r.Namespace, ReplaceCount: -1,
		Deletion: r.Deletion, Override: r.Override, Enabled: r.Enabled, Speed: r.Speed, CopyByChunk: r.CopyByChunk, SingleActive: r.SingleActive,
	}
	if r.Replace != nil {
		p.ReplaceCount = *r.Replace
	}
	if r.Trigger != "" {
		var t struct {
			Type     string `json:"type"`
			Settings struct {
				Cron string `json:"cron"`
			} `json:"trigger_settings"`
		}
		if err := unreadable(json.Unmarshal([]byte(r.Trigger), &t)); err != nil {
			return p, err
		}
		p.Trigger, p.Cron = replication.Trigger(t.Type), t.Settings.Cron
	}
	if r.Filters == "" {
		return p, nil
	}
	var filters []struct {
		Type       string          `json:"type"`
		Value      json.RawMessage `json:"value"`
		Decoration string          `json:"decoration"`
	}
	if err := unreadable(json.Unmarshal([]byte(r.Filters), &filters)); err != nil {
		return p, err
	}
	for _, f := range filters {
		made := replication.Filter{Type: strings.ToLower(f.Type), Decoration: f.Decoration}
		var err error
		if made.Type == replication.ByLabel {
			err = json.Unmarshal(f.Value, &made.Labels)
		} else {
			err = json.Unmarshal(f.Value, &made.Value)
		}
		if err != nil {
			return p, refusal("the value of its filter %s can't be read", f.Type)
		}
		p.Filters = append(p.Filters, made)
	}
	return p, nil
}

// checkKey refuses a secret key that isn't this Harbor's, before anything is written.
func (d data) checkKey(key Key) error {
	for _, r := range d.registries {
		if _, err := key.Open(r.AccessSecret); err != nil {
			return fmt.Errorf("secret-key: it isn't this Harbor's: the credential of registry %s can't be decrypted with it", r.Name)
		}
	}
	for _, p := range d.properties {
		if _, err := key.Open(p.Value); err != nil {
			return fmt.Errorf("secret-key: it isn't this Harbor's: the setting %s can't be decrypted with it", p.Key)
		}
	}
	return nil
}
