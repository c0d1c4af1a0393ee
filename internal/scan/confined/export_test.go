package confined

// ForbidNamespaces has an engine find out what a machine finds out that forbids user namespaces.
func (p *Process) ForbidNamespaces() { p.levels = levels[len(levels)-1:] }

// Shadowed is shadowed.
const Shadowed = shadowed

// ConfineSelf is confineSelf.
var ConfineSelf = confineSelf
