package declared

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/havenregistry/haven/internal/setting"
)

// session is one look at a registry, or one change of it.
type session struct {
	*API
	configured map[string]configured
	versions   map[string]string // of secrets, by where they stand; one that isn't there is firstVersion
	ids        map[string]int64  // of what others refer to, by kind and name
	names      map[string]string // the reverse
}

// configured is a setting as the registry shows it.
type configured struct {
	Value    json.RawMessage `json:"value"`
	Editable bool            `json:"editable"`
}

func (a *API) session(ctx context.Context) (*session, error) {
	s := &session{API: a, ids: map[string]int64{}, names: map[string]string{}}
	return s, s.configure(ctx)
}

const configurations = harbor + "/configurations"

// configure reads the settings, and which versions of secrets were set.
func (s *session) configure(ctx context.Context) error {
	s.configured, s.versions = nil, map[string]string{}
	if err := s.get(ctx, configurations, &s.configured); err != nil {
		return err
	}
	kept, there := s.configured[setting.DeclaredSecretVersions]
	if !there {
		return fmt.Errorf("%s has no setting %s: it is no Haven, or an older one", s.base.Redacted(), setting.DeclaredSecretVersions)
	}
	var written string
	err := json.Unmarshal(kept.Value, &written)
	if err == nil {
		err = json.Unmarshal([]byte(written), &s.versions)
	}
	if err != nil {
		return fmt.Errorf("read the setting %s: %w", setting.DeclaredSecretVersions, err)
	}
	return nil
}

func (s *session) version(place string) string {
	if v, there := s.versions[place]; there {
		return v
	}
	return firstVersion
}

// remember has the registry remember which version of a secret was set, "" for none.
func (s *session) remember(ctx context.Context, place, version string) error {
	before, there := s.versions[place]
	switch version {
	case "", firstVersion:
		if !there {
			return nil
		}
		delete(s.versions, place)
	default:
		if before == version {
			return nil
		}
		s.versions[place] = version
	}
	written, err := json.Marshal(s.versions)
	if err != nil {
		return err
	}
	if err := s.put(ctx, configurations, map[string]any{setting.DeclaredSecretVersions: string(written)}); err != nil {
		return fmt.Errorf("remember which version of %s was set: %w", place, err)
	}
	return nil
}

// forget drops what is remembered of an object's secrets.
func (s *session) forget(ctx context.Context, place string) error {
	for secret := range s.versions {
		if strings.HasPrefix(secret, place+"/") {
			if err := s.remember(ctx, secret, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// know notes the id of what others refer to.
func (s *session) know(section, name string, id int64) {
	s.ids[section+"/"+name] = id
	s.names[at(section, id)] = name
}

// idOf is the id of a project or registry, by its name.
func (s *session) idOf(ctx context.Context, section, name string) (int64, error) {
	if id, known := s.ids[section+"/"+name]; known {
		return id, nil
	}
	if err := s.look(ctx, section); err != nil {
		return 0, err
	}
	id, known := s.ids[section+"/"+name]
	if !known {
		return 0, fmt.Errorf("there is nothing called %s in %s", name, section)
	}
	return id, nil
}

// nameOf is the reverse, "" for the id 0.
func (s *session) nameOf(ctx context.Context, section string, id int64) (string, error) {
	if id == 0 {
		return "", nil
	}
	if name, known := s.names[at(section, id)]; known {
		return name, nil
	}
	if err := s.look(ctx, section); err != nil {
		return "", err
	}
	return s.names[at(section, id)], nil
}

// look reads the names and ids of projects or registries.
func (s *session) look(ctx context.Context, section string) error {
	switch section {
	case registrySection:
		rows, err := every[registryRow](ctx, s.API, registriesPath, nil)
		for _, r := range rows {
			s.know(section, r.Name, r.ID)
		}
		return err
	default:
		rows, err := every[projectRow](ctx, s.API, projectsPath, nil)
		for _, p := range rows {
			s.know(section, p.Name, p.ID)
		}
		return err
	}
}

// gone reports whether something was no longer there to be removed.
func gone(err error) error {
	if refused(err, http.StatusNotFound) {
		return nil
	}
	return err
}
