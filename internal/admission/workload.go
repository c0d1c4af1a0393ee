package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// groupKind is a kind whatever its version: where the images are did not change between versions.
type groupKind struct{ group, kind string }

// podSpecs says where the specification of pods lies in each kind that has one.
var podSpecs = map[groupKind][]string{
	{"", "Pod"}:                   {"spec"},
	{"", "PodTemplate"}:           {"template", "spec"},
	{"", "ReplicationController"}: {"spec", "template", "spec"},
	{"apps", "Deployment"}:        {"spec", "template", "spec"},
	{"apps", "StatefulSet"}:       {"spec", "template", "spec"},
	{"apps", "DaemonSet"}:         {"spec", "template", "spec"},
	{"apps", "ReplicaSet"}:        {"spec", "template", "spec"},
	{"batch", "Job"}:              {"spec", "template", "spec"},
	{"batch", "CronJob"}:          {"spec", "jobTemplate", "spec", "template", "spec"},
}

// ephemeral is the one subresource that images come in by.
const ephemeral = "ephemeralcontainers"

// maxUses bounds the images of one object. The API server itself bounds objects to some 1.5 MB.
const maxUses = 2000

// errKind: the webhook was called for something whose images it can't find.
var errKind = errors.New("haven admission doesn't know where this kind has its images: leave it out of the webhook's rules")

// use is one place of an object that names an image.
type use struct {
	path      string // JSON pointer
	container string // such as container "app"
	image     string
}

type podSpec struct {
	InitContainers      []container `json:"initContainers"`
	Containers          []container `json:"containers"`
	EphemeralContainers []container `json:"ephemeralContainers"`
	Volumes             []volume    `json:"volumes"`
}

type container struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

// volume may be an image, which is mounted and not started: what is in it runs all the same.
type volume struct {
	Name  string `json:"name"`
	Image *struct {
		Reference string `json:"reference"`
	} `json:"image"`
}

// newUses are the images that a request brings in: all of a new object, and those of an update that the object didn't
// have at the same place, so that what runs can be labelled, scaled down and deleted whatever is thought of its images.
func newUses(r *request) ([]use, error) {
	if r.Operation != operationCreate && r.Operation != operationUpdate || r.SubResource != "" && r.SubResource != ephemeral {
		return nil, nil
	}
	path, known := podSpecs[groupKind{r.Kind.Group, r.Kind.Kind}]
	if !known {
		return nil, fmt.Errorf("%s: %w", r.Kind.Kind, errKind)
	}
	uses, err := usesOf(r.Object, path)
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	if r.Operation == operationCreate {
		return uses, nil
	}
	old, err := usesOf(r.OldObject, path)
	if err != nil {
		return nil, fmt.Errorf("oldObject: %w", err)
	}
	type kept struct{ container, image string }
	had := make(map[kept]bool, len(old))
	for _, u := range old {
		had[kept{u.container, u.image}] = true
	}
	var changed []use
	for _, u := range uses {
		if !had[kept{u.container, u.image}] {
			changed = append(changed, u)
		}
	}
	return changed, nil
}

// usesOf finds the images of an object, in the order of starting.
func usesOf(object json.RawMessage, path []string) ([]use, error) {
	at, pointer := object, ""
	for _, key := range path {
		if absent(at) {
			break
		}
		fields := map[string]json.RawMessage{}
		if err := unmarshal(at, &fields); err != nil {
			return nil, fmt.Errorf("%s: %w", pointer, err)
		}
		at, pointer = fields[key], pointer+"/"+key
	}
	if absent(at) {
		return nil, nil // a ReplicationController may have no template
	}
	var spec podSpec
	if err := unmarshal(at, &spec); err != nil {
		return nil, fmt.Errorf("%s: %w", pointer, err)
	}
	return spec.uses(pointer)
}

func absent(value json.RawMessage) bool {
	return len(value) == 0 || bytes.Equal(value, []byte("null"))
}

func (s podSpec) uses(pointer string) ([]use, error) {
	var uses []use
	for _, list := range []struct {
		field, words string
		containers   []container
	}{
		{"initContainers", "init container", s.InitContainers},
		{"containers", "container", s.Containers},
		{"ephemeralContainers", "ephemeral container", s.EphemeralContainers},
	} {
		for i, c := range list.containers {
			uses = append(uses, use{fmt.Sprintf("%s/%s/%d/image", pointer, list.field, i), fmt.Sprintf("%s %q", list.words, c.Name), c.Image})
		}
	}
	for i, v := range s.Volumes {
		// A volume without a reference is one that a template's user fills in; a pod of it comes here with the reference.
		if v.Image != nil && v.Image.Reference != "" {
			uses = append(uses, use{fmt.Sprintf("%s/volumes/%d/image/reference", pointer, i), fmt.Sprintf("volume %q", v.Name), v.Image.Reference})
		}
	}
	if len(uses) > maxUses {
		return nil, fmt.Errorf("%d images, at most %d are allowed", len(uses), maxUses)
	}
	return uses, nil
}
