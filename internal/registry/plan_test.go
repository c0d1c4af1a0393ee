package registry

import (
	"fmt"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// planned is a statement and what it may do besides looking rows up by an index.
type planned struct {
	query string
	sorts bool     // it sorts the few rows of one page, manifest or repository
	walks []string // it reads these along an index, as far as a page goes
	few   []string // it reads these whole: they have a row for each upload under way
}

// pageOf is what db.Page sends for a page, by the keys or by default.
func pageOf(l db.Listing, where string, by ...db.Sort) string {
	return l.Query(where, by) + " LIMIT 15"
}

func hotStatements() map[string]planned {
	repositories, _ := Scope{ProjectIDs: []int64{1}}.condition(0)
	everywhere, _ := Scope{All: true}.condition(0)
	visible, _ := Scope{Public: true, AccountID: 1, ProjectIDs: []int64{1, 2}}.condition(3)
	const inRepository, inProject = "m.listed AND m.repository_id = $1", "m.listed AND m.project_id = $1"
	return map[string]planned{
		// A pull.
		"manifest by tag":    {query: manifestWithContent + manifestByTag},
		"manifest by digest": {query: manifestWithContent + manifestByDigest},
		"manifest to know":   {query: manifestToKnow + manifestByTag},
		"blob":               {query: memberBlob},
		"holders of a blob":  {query: holdersOfBlob + "1 = 1"},
		"pull of a tag":      {query: stampTagPull},
		"pull of a manifest": {query: stampPulled},
		"pulls":              {query: countPulls},

		// A copy of a whole repository.
		"tags with digests": {query: tagDigests},
		"what has subjects": {query: subjectsOf},
		"untagged":          {query: untaggedOf, walks: []string{"manifest"}},

		// A push.
		"upload":             {query: uploadByID},
		"claim":              {query: claimUpload},
		"acknowledge":        {query: acknowledge},
		"blob by digest":     {query: blobByDigest},
		"members":            {query: membersAmong.with("$2, $3")},
		"children by digest": {query: manifestsAmong.with("$2, $3")},
		"known attributes":   {query: knownAttributes},
		"target of a tag":    {query: tagTarget},
		"digest of a tag":    {query: taggedManifest},
		"relist":             {query: shownAs.with("$1, $2")},
		"count":              {query: countArtifacts},
		"touch":              {query: touchRepository},
		"blobs of it":        {query: insertBlobs.with("$3, $4")},

		// Deleting, copying.
		"node by tag":          {query: nodeByTag},
		"node by digest":       {query: nodeByDigest},
		"children":             {query: childNodes.with("$1, $2")},
		"accessories":          {query: accessoryNodes.with("$1, $2")},
		"parents":              {query: parentsOf.with("$1, $2")},
		"blob is named":        {query: blobNamed},
		"first tag":            {query: smallestTag},
		"contents to delete":   {query: deleteContents.with("$1, $2")},
		"tags to delete":       {query: deleteTags.with("$1, $2")},
		"children to delete":   {query: deleteChildren.with("$1, $2")},
		"manifests to delete":  {query: deleteRows.with("$1, $2")},
		"tags of a repository": {query: emptyTags},
		"its children":         {query: emptyChildren, walks: []string{"manifest_child"}},
		"its manifests":        {query: emptyManifests},
		"copy of children":     {query: copyChildren.with("$2, $3")},
		"copy of tags":         {query: copyTags.with("$3, $4"), sorts: true},
		"tags that move":       {query: overtaken.with("$2, $3")},
		"candidates":           {query: candidatesOf, walks: []string{"m", "manifest"}},
		"some candidates":      {query: candidatesByID.with("$1, $2"), sorts: true},
		"their tags":           {query: candidateTags.with("$1, $2"), sorts: true},
		"what is above":        {query: aboveOf.with("$1, $2")},
		"node by id":           {query: nodeByID},
		"names that move":      {query: movedTags.with("$2, $3")},
		"names of tags":        {query: namesAmong.with("$1, $2"), sorts: true},
		"subjects":             {query: namedSubjects.with("$1, $2")},
		"parents of parts":     {query: parentIDsOf.with("$1, $2")},

		// Space.
		"room of a project":        {query: projectRoom},
		"counted in a project":     {query: countedInProject},
		"idle memberships":         {query: idleMembers, walks: []string{"repository_blob"}},
		"end of memberships":       {query: endMembers, walks: []string{"repository_blob"}},
		"condemned blobs":          {query: doomedBlobs},
		"blobs left by a crash":    {query: leftBlobs},
		"blobs to delete":          {query: markBlobs.with("$4, $5")},
		"blobs to condemn":         {query: condemnUnheld.with("$2, $3")},
		"deleted blobs":            {query: endBlobs.with("$1, $2"), walks: []string{"blob"}},
		"discarded bytes":          {query: someDiscarded, walks: []string{"discarded"}},
		"uploads that nobody ends": {query: staleUploads, few: []string{"upload"}},
		"some without a tag":       {query: someTagless, walks: []string{"manifest"}, few: []string{"m"}}, // the span
		"end of a span":            {query: spanEnd, walks: []string{"manifest"}},
		"one without a tag":        {query: taglessNode},
		"hidden repositories":      {query: emptyRepositories, walks: []string{"r", "repository"}, few: []string{"upload"}},

		// What tags named.
		"history of a tag":     {query: namings},
		"tag at a time":        {query: namingAt},
		"ends of tags":         {query: insertEnds.with("$3, $4")},
		"copied namings":       {query: insertCopied.with("$4, $5"), sorts: true},
		"history to forget":    {query: forgetNames},
		"outlived namings":     {query: outlived, walks: []string{"tag_history"}, few: []string{"h"}}, // a batch
		"end of a batch":       {query: historyEnd, walks: []string{"tag_history"}},
		"long histories":       {query: tooLong, walks: []string{"tag_history"}}, // each night
		"last naming to keep":  {query: lastToKeep},
		"namings over the top": {query: shorten, walks: []string{"tag_history"}},
		"old namings":          {query: dropNamings.with("$1, $2")},

		// What takes the space: each page is a sum over its repositories or tags.
		"use of a project":    {query: projectUse},
		"repositories' space": {query: repositoriesAfter},
		"blobs of some":       {query: blobSums.with("$1, $2"), sorts: true},
		"manifests of some":   {query: manifestSums.with("$1, $2"), sorts: true},
		"untagged of some":    {query: untaggedRoots.with("$1, $2"), sorts: true},
		"tags' space":         {query: spaceTagsAfter},
		"nodes":               {query: nodesByID.with("$1, $2")},
		"blobs of manifests":  {query: blobsNamed.with("$1, $2")},
		"contents' sizes":     {query: contentSizes.with("$1, $2")},
		"needs of blobs":      {query: blobNeeds.with("$3, $4")},

		// Lists of /v2/.
		"tags":                {query: tagsAfter},
		"referrers":           {query: referrersOf},
		"catalog":             {query: catalogOf(everywhere), walks: []string{"project", "p"}},
		"catalog of a user":   {query: catalogOf(visible), walks: []string{"project", "p"}},
		"repository":          {query: visibleRepository},
		"repository and more": {query: "SELECT " + repositoryListing.Fields + " FROM " + repositoryListing.From + " WHERE r.project_id = $1 AND r.name = $2 AND NOT r.hidden"},

		// Pages of the API.
		"artifacts":                      {query: pageOf(artifactListing, inRepository)},
		"artifacts, oldest first":        {query: pageOf(artifactListing, inRepository, db.Sort{Key: "push_time"})},
		"artifacts by pull_time":         {query: pageOf(artifactListing, inRepository, db.Sort{Key: "pull_time", Desc: true})},
		"artifacts by size":              {query: pageOf(artifactListing, inRepository, db.Sort{Key: "size"})},
		"artifacts with children":        {query: pageOf(artifactListing, "m.accessory_of = '' AND m.repository_id = $1")},
		"artifacts with a tag":           {query: pageOf(artifactListing, inRepository+" AND m.id IN ($2, $3)"), sorts: true},
		"artifacts of a project":         {query: pageOf(projectListing, inProject)},
		"number of artifacts":            {query: artifactListing.Total},
		"number of a project's":          {query: projectListing.Total},
		"number of tagged":               {query: "SELECT COUNT(*) FROM manifest m WHERE " + inRepository + " AND NOT m.tagged"},
		"names of a page":                {query: namesOf.with("$1, $2")},
		"number of a type":               {query: "SELECT COUNT(*) FROM manifest m WHERE " + inRepository + " AND m.type IN ($2)"},
		"repositories of a project":      {query: pageOf(repositoryListing, "NOT r.hidden AND "+repositories)},
		"number of them":                 {query: "SELECT COUNT(*) FROM " + repositoryListing.From + " WHERE NOT r.hidden AND " + repositories},
		"repositories":                   {query: pageOf(repositoryListing, "NOT r.hidden AND "+everywhere), walks: []string{"repository", "r"}},
		"tags of an artifact":            {query: pageOf(tagListing, tagsOfArtifact)},
		"number of tags":                 {query: "SELECT COUNT(*) FROM tag t WHERE " + tagsOfArtifact},
		"accessories of an artifact":     {query: pageOf(accessoryListing, accessoriesOf)},
		"contents of a page":             {query: contentsOf.with("$1, $2")},
		"references of a page":           {query: referencesOf.with("$1, $2"), sorts: true},
		"newest tags of a page":          {query: newestTags.with("$1, $2"), sorts: true, few: []string{"oldest"}}, // the page
		"first accessories of a page":    {query: firstAccessories.with("$1, $2"), sorts: true},
		"digests of a repository":        {query: fmt.Sprintf("SELECT 1 FROM manifest m WHERE "+digestsHolding, 1, 2), few: []string{"m"}},
		"artifacts tagged with one name": {query: taggedAs.with("$2, $3")},
	}
}

// Every statement of a pull, a push and a page finds its rows by an index and reads them in order, however
// large the tables are, on both databases.
func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, s := range hotStatements() {
			plan := dbtest.PlanOf(t, d, s.query, s.sorts)
			for _, table := range plan.Scans {
				if !slices.Contains(s.few, table) {
					t.Errorf("%s reads all of %s\n%s", name, table, plan.Text)
				}
			}
			if plan.Sorts && !s.sorts {
				t.Errorf("%s is sorted instead of read in order\n%s", name, plan.Text)
			}
			for _, table := range plan.Walks {
				if !slices.Contains(s.walks, table) {
					t.Errorf("%s reads all of %s along an index\n%s", name, table, plan.Text)
				}
			}
		}
	})
}

// Names are listed in byte order whatever the locale of the database is.
func TestNamesSortByBytes(t *testing.T) {
	f := newFixture(t, dbtest.Postgres(t))
	n := f.count(`SELECT COUNT(*) FROM information_schema.columns
		WHERE column_name = 'name' AND table_name IN ('project', 'repository', 'tag') AND collation_name = 'C'`)
	if n != 3 {
		t.Errorf("%d of 3 columns of names sort by bytes", n)
	}
}
