package authz

import "slices"

// Role is a project role, by Harbor's id.
type Role int64

// Harbor's five project roles.
const (
	ProjectAdmin Role = 1
	Developer    Role = 2
	Guest        Role = 3
	Maintainer   Role = 4
	LimitedGuest Role = 5
)

// byPower is from the most to the least powerful.
var byPower = [...]Role{ProjectAdmin, Maintainer, Developer, Guest, LimitedGuest}

// Valid reports whether r is one of the five.
func (r Role) Valid() bool { return slices.Contains(byPower[:], r) }

// String is Harbor's name of the role.
func (r Role) String() string {
	switch r {
	case ProjectAdmin:
		return "projectAdmin"
	case Maintainer:
		return "maintainer"
	case Developer:
		return "developer"
	case Guest:
		return "guest"
	case LimitedGuest:
		return "limitedGuest"
	}
	return ""
}

// Highest returns the most powerful of roles, 0 for none.
func Highest(roles []Role) Role {
	for _, r := range byPower {
		if slices.Contains(roles, r) {
			return r
		}
	}
	return 0
}

type roleSet uint8

func set(roles ...Role) (s roleSet) {
	for _, r := range roles {
		s |= 1 << r
	}
	return s
}

func (s roleSet) has(r Role) bool { return s&(1<<r) != 0 }

// rule is a row of the one table: which roles hold a permission, and whether everybody does in a
// public project.
type rule struct {
	Permission
	roles  roleSet
	public bool
}

// projectRules is who may do what in a project. The order is that of `GET /users/current/permissions`.
var projectRules = buildProjectRules()

func buildProjectRules() []rule {
	var (
		all        = set(ProjectAdmin, Maintainer, Developer, Guest, LimitedGuest)
		guests     = set(ProjectAdmin, Maintainer, Developer, Guest)
		developers = set(ProjectAdmin, Maintainer, Developer)
		maintain   = set(ProjectAdmin, Maintainer)
		admins     = set(ProjectAdmin)
	)
	var rules []rule
	add := func(resource Resource, roles roleSet, actions ...Action) {
		for _, a := range actions {
			rules = append(rules, rule{Permission: Permission{resource, a}, roles: roles})
		}
	}
	public := func(resource Resource, roles roleSet, actions ...Action) {
		for _, a := range actions {
			rules = append(rules, rule{Permission: Permission{resource, a}, roles: roles, public: true})
		}
	}
	public(Project, all, Read)
	add(Project, admins, Update, Delete)
	add(Member, guests, Read, ListAll)
	add(Member, admins, Create, Update, Delete)
	// Harbor grants metadata:list to no role, so its own project administrators can't list what they
	// may read one by one; those who may read may list here.
	add(Metadata, maintain, Read, ListAll)
	add(Metadata, admins, Create, Update, Delete)
	add(Log, admins, ListAll)
	public(Label, guests, Read, ListAll)
	add(Label, maintain, Create, Update, Delete)
	add(Quota, all, Read)
	add(Repository, all, Read)
	public(Repository, all, ListAll, Pull)
	add(Repository, developers, Create, Update, Push)
	add(Repository, maintain, Delete)
	public(Artifact, all, Read, ListAll)
	add(Artifact, developers, Create)
	add(Artifact, maintain, Delete)
	public(ArtifactAddition, all, Read)
	public(Accessory, all, ListAll)
	public(Tag, all, ListAll)
	add(Tag, developers, Create)
	add(Tag, maintain, Delete)
	add(ArtifactLabel, developers, Create, Delete)
	public(Scan, all, Read)
	add(Scan, maintain, Create, Stop)
	add(SBOM, all, Read)
	add(SBOM, maintain, Create, Stop)
	public(Scanner, all, Read)
	add(Scanner, admins, Create)
	add(TagRetention, developers, Create, Read, Update, Delete, ListAll, Operate)
	add(ImmutableTag, maintain, Create, Update, Delete, ListAll)
	add(NotificationPolicy, maintain, Read, ListAll)
	add(NotificationPolicy, admins, Create, Update, Delete)
	add(RobotAccount, guests, Read, ListAll)
	add(RobotAccount, admins, Create, Update, Delete)
	add(PreheatPolicy, admins, Create, Read, Update, Delete, ListAll)
	add(ExportCVE, developers, Create, Read, ListAll)
	add(Configuration, all, Read)
	add(Configuration, admins, Update)
	return rules
}
