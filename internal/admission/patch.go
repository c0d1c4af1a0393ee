package admission

import "encoding/json"

// step is one of a JSON Patch (RFC 6902).
type step struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

// pins are the steps that add, to each image that passed and is named by a tag alone, the digest that was looked at.
// The tag stays, for people; with a digest beside it runtimes ignore it.
func pins(uses []use, rulings map[string]ruling) []step {
	var steps []step
	for _, u := range uses {
		ruled := rulings[u.image]
		if ruled.outcome != passed || ruled.digest == "" {
			continue
		}
		img, err := parseImage(u.image)
		if err != nil || img.digest != "" {
			continue
		}
		steps = append(steps, step{"replace", u.path, img.pinned(ruled.digest)})
	}
	return steps
}

// patch adds steps to an answer.
func (r *response) patch(steps []step) error {
	if len(steps) == 0 {
		return nil
	}
	var err error
	r.PatchType = "JSONPatch"
	r.Patch, err = json.Marshal(steps)
	return err
}
