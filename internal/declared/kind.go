package declared

import (
	"context"
	"slices"

	"github.com/havenregistry/haven/internal/secret"
)

// object is one thing of a kind, as the document or the registry has it.
type object struct {
	name    string
	home    string // the project that it is in, "" for none
	values  values
	id      int64           // at the registry
	keep    string          // why pruning leaves it, "" if it may go
	secrets map[string]bool // of the registry's, which of its secrets are there; one that isn't in it can't be known
}

// kind is a kind of objects.
type kind struct {
	section   string // where they stand in the document
	inProject bool   // in each project, else at the top
	single    bool   // there is one, which is always there
	fields    []field
	// name is what tells an object from others of its kind and home; nil: the field name.
	name func(values) string
	// check looks at what the document says of an object, and at what it is to be as a whole; nil: its fields are all there is to say.
	check func(said, full values) error
	// list reads the registry's objects. What costs more than a listing is read of those alone that wanted names.
	list func(ctx context.Context, s *session, home string, wanted func(name string) bool) ([]object, error)
	// create makes an object and change changes it; remove is nil where there is no such thing.
	create func(ctx context.Context, s *session, w want) error
	change func(ctx context.Context, s *session, w want) error
	remove func(ctx context.Context, s *session, o object) error
}

// want is an object that is to be made or changed.
type want struct {
	object                  // as the document has it
	have    object          // as the registry has it; empty for one that is to be made
	full    values          // what it is to be as a whole
	changed map[string]bool // the fields that differ, at the top of values
	secret  map[string]due  // the secrets that are to be set
}

// due is a secret that is to be set.
type due struct {
	value secret.Text             // as the document refers to it
	put   func(secret.Text) error // instead of a value: the registry makes one, and this keeps it
}

func (k kind) nameOf(v values) string {
	if k.name != nil {
		return k.name(v)
	}
	return v.text("name")
}

func (k kind) shape() shape { return shape{form: record, fields: k.fields} }

// place is where an object stands, for people: registries/hub, projects/team/robots/ci.
func (k kind) place(home, name string) string {
	switch {
	case k.single:
		return k.section
	case k.inProject:
		return "projects/" + home + "/" + k.section + "/" + name
	}
	return k.section + "/" + name
}

// kinds is the table of all of them, in the order in which they are made.
func kinds() []kind {
	return []kind{
		settings(), systemSignaturePolicy(), groups(), systemLabels(), registries(), projects(), members(), projectLabels(), tagRules(), webhooks(), projectRobots(), projectWorkloads(),
		systemRobots(), systemWorkloads(), replicationPolicies(),
	}
}

// sections are the kinds that stand in projects, or at the top.
func sections(inProject bool) []kind {
	return slices.DeleteFunc(kinds(), func(k kind) bool { return k.inProject != inProject })
}
