package remote

import (
	"slices"

	"github.com/havenregistry/haven/internal/secret"
)

// Kind is a kind of registry, by Harbor's name.
type Kind string

// The kinds.
const (
	Harbor         Kind = "harbor" // Haven, too
	DockerHub      Kind = "docker-hub"
	DockerRegistry Kind = "docker-registry"
	HuaweiSWR      Kind = "huawei-SWR"
	GoogleGCR      Kind = "google-gcr"
	AWSECR         Kind = "aws-ecr"
	AzureACR       Kind = "azure-acr"
	AliACR         Kind = "ali-acr"
	Artifactory    Kind = "jfrog-artifactory"
	Quay           Kind = "quay"
	GitLab         Kind = "gitlab"
	DTR            Kind = "dtr"
	TencentTCR     Kind = "tencent-tcr"
	GitHubGHCR     Kind = "github-ghcr"
	VolcengineCR   Kind = "volcengine-cr"
)

// Kinds are all of them, sorted.
func Kinds() []Kind {
	return []Kind{AliACR, AWSECR, AzureACR, DockerHub, DockerRegistry, DTR, GitHubGHCR, GitLab, GoogleGCR, Harbor, HuaweiSWR, Artifactory, Quay, TencentTCR, VolcengineCR}
}

// Known reports whether there is such a kind.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Endpoint is a registry elsewhere, as an administrator described it.
type Endpoint struct {
	Kind          Kind
	URL           string // http or https, without a path but where the kind has one, no trailing slash
	Insecure      bool   // certificates aren't checked
	CACertificate string // PEM, beside the system's; "" for those alone
	Credential    Credential
	// Realm is the origin of the token service, where that is neither the registry's own nor known of its kind: only there
	// are credentials sent, beside the registry itself (S5). RealmError has it.
	Realm string
}

// Credential is what the registry is asked with. Without an access key and a secret it is asked anonymously, or by the identity of
// the workload where the kind knows such.
type Credential struct {
	Type      string // basic, oauth or secret, as Harbor has them
	AccessKey string
	Secret    secret.Text
}
