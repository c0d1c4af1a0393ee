package authz

import "slices"

// RobotPermissions lists what a robot of the level ("system" or "project") may be given, in the order of
// Harbor's GET /permissions; nil for another level. Reading or changing the configuration and updating
// robots are in neither list: a robot never gets them. The "project" list also bounds what a system
// robot may be given in projects.
func RobotPermissions(level string) []Permission {
	switch level {
	case "system":
		return robotInSystem()
	case "project":
		return robotInProject()
	}
	return nil
}

// RobotMayHold reports whether a robot's entry of the kind ("system" or "project") may hold perm.
func RobotMayHold(kind string, perm Permission) bool {
	return slices.Contains(RobotPermissions(kind), perm)
}

// Covers reports whether p, a robot or a personal token, may pass g on, to a robot that belongs to a project or to the
// system: it holds the same right in the same place or in a wider one. A right that p is denied anywhere
// within g's place isn't covered.
func (p Principal) Covers(g Grant, ofProject bool) bool {
	if g.Deny {
		return true // less, not more
	}
	if p.Kind == Personal {
		return p.limitsCover(g)
	}
	if ofProject && g.Permission == pushPermission {
		implied := g // by push, for the one that is made
		implied.Permission = pullPermission
		return p.covers(g) && p.covers(implied)
	}
	return p.covers(g)
}

func (p Principal) covers(g Grant) bool {
	covered := false
	for _, own := range p.Grants {
		implied := p.ProjectID != 0 && !own.Deny && own.Permission == pushPermission && g.Permission == pullPermission
		if own.Permission != g.Permission && !implied || !own.overlaps(g) {
			continue
		}
		if own.Deny {
			return false
		}
		covered = covered || own.contains(g)
	}
	return covered
}

// A robot that belongs to a project may pull where it may push, see granted.
var (
	pullPermission = Permission{Repository, Pull}
	pushPermission = Permission{Repository, Push}
)

func (g Grant) contains(other Grant) bool {
	switch g.Scope {
	case System:
		return other.Scope == System
	case EveryProject:
		return other.Scope != System
	default:
		return other.Scope == OneProject && other.ProjectID == g.ProjectID
	}
}

func (g Grant) overlaps(other Grant) bool { return g.contains(other) || other.contains(g) }

type permissionList []Permission

func (l *permissionList) add(resource Resource, actions ...Action) {
	for _, a := range actions {
		*l = append(*l, Permission{resource, a})
	}
}

func robotInSystem() []Permission {
	var l permissionList
	l.add(AuditLog, ListAll)
	l.add(PreheatInstance, Read, Create, Delete, ListAll, Update)
	l.add(Project, ListAll, Create)
	l.add(ReplicationPolicy, Read, Create, Delete, ListAll, Update)
	l.add(Replication, Read, Create, ListAll)
	l.add(ReplicationAdapter, ListAll)
	l.add(Registry, Read, Create, Delete, ListAll, Update)
	l.add(ScanAll, Read, Update, Stop, Create)
	l.add(SystemVolumes, Read)
	l.add(GarbageCollection, Read, Create, ListAll, Update, Stop)
	l.add(PurgeAudit, Read, Create, ListAll, Update, Stop)
	l.add(JobServiceMonitor, ListAll, Stop)
	l.add(Scanner, Read, Create, Delete, ListAll, Update)
	l.add(Label, Read, Create, Delete, Update)
	l.add(SecurityHub, Read, ListAll)
	l.add(Catalog, Read)
	l.add(Quota, Read, ListAll)
	l.add(RobotAccount, Create, Read, ListAll, Delete)
	l.add(UserAccount, Create, Read, Update, ListAll, Delete)
	l.add(LDAPUser, Create, ListAll)
	l.add(Quota, Update)
	l.add(UserGroup, Create, Read, Update, ListAll, Delete)
	return l
}

func robotInProject() []Permission {
	var l permissionList
	l.add(Log, ListAll)
	l.add(Project, Read, Delete, Update)
	l.add(Metadata, Read, Create, Delete, ListAll, Update)
	l.add(Repository, Read, Update, Delete, ListAll, Pull, Push)
	l.add(Artifact, Read, Create, ListAll, Delete)
	l.add(Scan, Create, Read, Stop)
	l.add(SBOM, Create, Stop, Read)
	l.add(Tag, Create, ListAll, Delete)
	l.add(Accessory, ListAll)
	l.add(ArtifactAddition, Read)
	l.add(ArtifactLabel, Create, Delete)
	l.add(Scanner, Create, Read)
	l.add(PreheatPolicy, Read, Create, Delete, ListAll, Update)
	l.add(ImmutableTag, Create, Delete, ListAll, Update)
	l.add(NotificationPolicy, Read, Create, Delete, ListAll, Update)
	l.add(TagRetention, Read, Create, Delete, ListAll, Update)
	l.add(Label, Read, Create, Delete, ListAll, Update)
	l.add(Quota, Read)
	l.add(RobotAccount, Create, Read, ListAll, Delete)
	l.add(ExportCVE, Create, Read)
	l.add(Member, Create, Read, Update, ListAll, Delete)
	return l
}
