package declared

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

const robotsPath = harbor + "/robots"

type robotRow struct {
	ID          int64           `json:"id,omitempty"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Level       string          `json:"level"`
	Duration    int64           `json:"duration"`
	Disable     bool            `json:"disable"`
	Permissions []permissionRow `json:"permissions"`
}

type permissionRow struct {
	Kind      string      `json:"kind"`
	Namespace string      `json:"namespace"`
	Access    []accessRow `json:"access"`
}

type accessRow struct {
	Resource string `json:"resource"`
	Action   string `json:"action"`
	Effect   string `json:"effect,omitempty"`
}

// deny comes before a right that a robot is not to have.
const deny = "deny "

// access reads resource:action, with deny before it or not.
func access(written string) (accessRow, error) {
	rest, denied := strings.CutPrefix(written, deny)
	resource, action, ok := strings.Cut(rest, ":")
	if !ok || resource == "" || action == "" {
		return accessRow{}, fault.Invalidf("access: expected resource:action, or deny resource:action, and there is %q", written)
	}
	row := accessRow{Resource: resource, Action: action}
	if denied {
		row.Effect = strings.TrimSpace(deny)
	}
	return row, nil
}

func accesses(all []string) (rows []accessRow, err error) {
	for _, written := range all {
		row, err := access(written)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func writtenAccess(rows []accessRow) []any {
	var all []string
	for _, a := range rows {
		written := a.Resource + ":" + a.Action
		if a.Effect == strings.TrimSpace(deny) {
			written = deny + written
		}
		all = append(all, written)
	}
	return setOf(all)
}

// robotFields are what robots have, besides what they may do.
func robotFields() []field {
	return []field{
		aText("name").must(), aText("description"), aNumber("duration").usually(int64(-1)), aTruth("disabled").usually(false), aSecret("secret").made(),
	}
}

// projectRobots are robots of a project.
func projectRobots() kind {
	return robots(kind{section: "robots", inProject: true, fields: append(robotFields(), rightsHere()), check: checkRights})
}

// systemRobots are robots of the whole registry.
func systemRobots() kind {
	return robots(kind{section: "robots", fields: append(robotFields(), rightsByPlace()), check: checkPlaces})
}

// rightsHere is what may be done in the project.
func rightsHere() field { return aSet("access").must() }

func checkRights(_, v values) error {
	_, err := accesses(v.texts("access"))
	return err
}

// checkDuration refuses what the registry would take for another duration.
func checkDuration(said values) error {
	if days, is := said["duration"].(int64); is && days == 0 {
		return fault.Invalidf("duration: expected days, or -1 for a robot that doesn't expire, and there is 0")
	}
	return nil
}

// rightsByPlace is what may be done where: in a project, in every one (*), in the system.
func rightsByPlace() field {
	f := aList("permissions", shape{form: record, fields: []field{aText("project"), aSet("access").must()}}).must()
	f.by = "project"
	return f
}

func checkPlaces(_, v values) error {
	_, err := systemPermissions(v)
	return err
}

func robots(k kind) kind {
	rights := k.check
	k.check = func(said, full values) error {
		if err := checkDuration(said); err != nil {
			return err
		}
		return rights(said, full)
	}
	k.list = listRobots
	k.create = createRobot
	k.change = changeRobot
	k.remove = func(ctx context.Context, s *session, o object) error {
		return gone(s.delete(ctx, at(robotsPath, o.id)))
	}
	return k
}

// everySystem is the place of a permission in the system itself.
const everySystem = "/"

// systemPermissions are a system robot's, as the API takes them.
func systemPermissions(v values) (rows []permissionRow, err error) {
	all, _ := v["permissions"].([]any)
	for _, one := range all {
		p, _ := one.(values)
		row := permissionRow{Kind: "project", Namespace: p.text("project")}
		if row.Namespace == "" {
			row.Kind, row.Namespace = "system", everySystem
		}
		if slices.ContainsFunc(rows, func(r permissionRow) bool { return r.Namespace == row.Namespace }) {
			return nil, fault.Invalidf("permissions: the place %s is there twice", row.Namespace)
		}
		if row.Access, err = accesses(p.texts("access")); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func listRobots(ctx context.Context, s *session, home string, _ func(string) bool) ([]object, error) {
	query := url.Values{}
	if home != "" {
		id, err := s.idOf(ctx, projectSection, home)
		if err != nil {
			return nil, err
		}
		query.Set("q", "Level=project,ProjectID="+strconv.FormatInt(id, 10))
	}
	rows, err := every[robotRow](ctx, s.API, robotsPath, query)
	var prefix any
	if err == nil {
		prefix, err = settingValue(text, s.configured["robot_name_prefix"].Value)
	}
	if err != nil {
		return nil, err
	}
	var all []object
	for _, r := range rows {
		name := strings.TrimPrefix(r.Name, values{"": prefix}.text(""))
		if home != "" {
			name = name[strings.LastIndexByte(name, '+')+1:]
		}
		v := values{"name": name, "description": r.Description, "duration": r.Duration, "disabled": r.Disable}
		v.grant(home, r.Permissions)
		all = append(all, object{name: name, home: home, id: r.ID, values: v})
	}
	return all, nil
}

// grant adds what a robot may do, as a document has it.
func (v values) grant(home string, rows []permissionRow) {
	if home == "" {
		v["permissions"] = placesOf(rows)
	} else if len(rows) > 0 {
		v["access"] = writtenAccess(rows[0].Access)
	}
}

// placesOf are a system robot's permissions as a document has them, by place.
func placesOf(rows []permissionRow) []any {
	all := []any{}
	for _, p := range rows {
		v := values{"access": writtenAccess(p.Access)}
		if p.Namespace != everySystem {
			v["project"] = p.Namespace
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b any) int { return strings.Compare(a.(values).text("project"), b.(values).text("project")) })
	return all
}

// permissions are what a robot may do, as the API takes it.
func (w want) permissions() ([]permissionRow, error) {
	if w.home == "" {
		return systemPermissions(w.full)
	}
	rights, err := accesses(w.full.texts("access"))
	return []permissionRow{{Kind: "project", Namespace: w.home, Access: rights}}, err
}

// robot is a robot as the API takes it.
func (w want) robot() (row robotRow, err error) {
	row = robotRow{Name: w.name, Description: w.full.text("description"), Level: "system", Duration: w.full.number("duration"), Disable: w.full.truth("disabled")}
	if row.Duration == 0 { // nothing is said
		row.Duration = -1
	}
	if w.home != "" {
		row.Level = "project"
	}
	row.Permissions, err = w.permissions()
	return row, err
}

func createRobot(ctx context.Context, s *session, w want) error {
	d, said := w.secret["secret"]
	if !said {
		return errors.New("a robot that is to be made needs a secret: {write: PATH} has one made and written to a file, {env: NAME} and {file: PATH} give it one")
	}
	row, err := w.robot()
	if err != nil {
		return err
	}
	var made struct {
		ID     int64       `json:"id"`
		Secret secret.Text `json:"secret"`
	}
	if _, err := s.call(ctx, http.MethodPost, robotsPath, nil, row, &made); err != nil {
		if settled(err) {
			return err
		}
		return errors.Join(err, s.unmakeRobot(context.WithoutCancel(ctx), w))
	}
	if d.put != nil {
		err = d.put(made.Secret)
	} else {
		err = s.giveSecret(ctx, made.ID, d)
	}
	if err == nil && row.Disable {
		err = s.put(ctx, at(robotsPath, made.ID), row)
	}
	if err != nil { // whose secret nobody has is of no use, and would look as if all were well
		return errors.Join(err, s.delete(context.WithoutCancel(ctx), at(robotsPath, made.ID)))
	}
	return nil
}

// unmakeRobot deletes a robot of which nobody knows whether it was made, for the answer was lost, and its secret with it.
func (s *session) unmakeRobot(ctx context.Context, w want) error {
	there, err := listRobots(ctx, s, w.home, nil)
	i := slices.IndexFunc(there, func(o object) bool { return o.name == w.name })
	if err != nil || i < 0 {
		return err
	}
	return gone(s.delete(ctx, at(robotsPath, there[i].id)))
}

// giveSecret sets a robot's secret, or has one made and kept.
func (s *session) giveSecret(ctx context.Context, id int64, d due) error {
	body := map[string]any{}
	if d.put == nil {
		body["secret"] = d.value.Reveal()
	}
	var answer struct {
		Secret secret.Text `json:"secret"`
	}
	if _, err := s.call(ctx, http.MethodPatch, at(robotsPath, id), nil, body, &answer); err != nil || d.put == nil {
		return err
	}
	return d.put(answer.Secret)
}

func changeRobot(ctx context.Context, s *session, w want) error {
	row, err := w.robot()
	if err != nil {
		return err
	}
	delete(w.changed, "secret")
	if len(w.changed) > 0 {
		if err := s.put(ctx, at(robotsPath, w.have.id), row); err != nil {
			return err
		}
	}
	if d, said := w.secret["secret"]; said {
		return s.giveSecret(ctx, w.have.id, d)
	}
	return nil
}
