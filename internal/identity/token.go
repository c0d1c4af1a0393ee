package identity

// TokenAccess is a resource with the actions that were granted on it. For a repository it names the
// project by id and epoch: the token dies with either.
type TokenAccess struct {
	Type, Name              string
	Actions                 []string
	ProjectID, ProjectEpoch int64
}
