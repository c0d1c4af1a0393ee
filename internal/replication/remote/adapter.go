package remote

import "slices"

// Pattern is what addresses and credentials of a kind look like, where they aren't any, in Harbor's words.
type Pattern struct {
	EndpointType string // EndpointPatternTypeFix or EndpointPatternTypeList, "" where it is any
	Endpoints    []Address
	Credential   *CredentialPattern
}

// Address is one of those that a kind has.
type Address struct{ Key, URL string }

// CredentialPattern says what a kind wants as access key and secret.
type CredentialPattern struct {
	KeyType, Key       string
	SecretType, Secret string
}

const (
	fixed = "EndpointPatternTypeFix"
	list  = "EndpointPatternTypeList"
)

// Patterns are those of the kinds that have any. Regions are facts of the vendors' documentation, as of November 2026; any other
// address may be entered too.
func Patterns() map[Kind]Pattern {
	return map[Kind]Pattern{
		AliACR:    {EndpointType: list, Endpoints: aliAddresses()},
		AWSECR:    {EndpointType: list, Endpoints: awsAddresses()},
		DockerHub: {EndpointType: fixed, Endpoints: []Address{{"hub.docker.com", hubURL}}},
		GitHubGHCR: {EndpointType: fixed, Endpoints: []Address{
			{"ghcr.io", "https://ghcr.io"},
		}},
		GoogleGCR: {
			EndpointType: list, Endpoints: []Address{
				{"gcr.io", "https://gcr.io"}, {"us.gcr.io", "https://us.gcr.io"}, {"eu.gcr.io", "https://eu.gcr.io"}, {"asia.gcr.io", "https://asia.gcr.io"},
			},
			Credential: &CredentialPattern{"AccessKeyTypeFix", "_json_key", "AccessSecretTypeFile", "No Change"},
		},
		Quay: {Credential: &CredentialPattern{"AccessKeyTypeFix", quayKeyFile, "AccessSecretTypeFile", "No Change"}},
		// They have none, and are listed nevertheless.
		TencentTCR: {}, VolcengineCR: {},
	}
}

func awsAddresses() (all []Address) {
	for _, region := range []string{
		"us-east-2", "us-east-1", "us-west-1", "us-west-2", "af-south-1", "ap-east-1", "ap-east-2", "ap-south-1", "ap-south-2",
		"ap-northeast-3", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
		"ap-southeast-6", "ap-southeast-7", "ap-northeast-1", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1",
		"eu-central-1", "eu-central-2", "eu-west-1", "eu-west-2", "eu-south-1", "eu-south-2", "eu-west-3", "eu-north-1", "il-central-1",
		"me-south-1", "me-central-1", "mx-central-1", "sa-east-1", "us-gov-east-1", "us-gov-west-1",
	} {
		all = append(all, Address{region, "https://api.ecr." + region + "." + awsDomain(region)})
	}
	return all
}

// aliAddresses are, for each region, those of the personal and of the enterprise edition, from outside and from networks inside.
func aliAddresses() (all []Address) {
	for _, r := range []string{
		"cn-qingdao", "cn-beijing", "cn-zhangjiakou", "cn-huhehaote", "cn-wulanchabu", "cn-hangzhou", "cn-shanghai", "cn-shenzhen",
		"cn-heyuan", "cn-guangzhou", "cn-chengdu", "cn-hongkong", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-5",
		"ap-south-1", "ap-northeast-1", "us-west-1", "us-east-1", "eu-central-1", "eu-west-1", "me-east-1",
	} {
		all = append(all,
			Address{r, "https://registry." + r + ".aliyuncs.com"},
			Address{r + "-vpc", "https://registry-vpc." + r + ".aliyuncs.com"},
			Address{r + "-internal", "https://registry-internal." + r + ".aliyuncs.com"},
			Address{r + "-ee-vpc", "https://instanceName-registry-vpc." + r + ".cr.aliyuncs.com"},
			Address{r + "-ee", "https://instanceName-registry." + r + ".cr.aliyuncs.com"})
	}
	return all
}

// Labels reports whether registries of the kind know labels of artifacts.
func (k Kind) Labels() bool { return k == Harbor }

// Chunks reports whether blobs may go to registries of the kind in many requests, as Harbor has it.
func (k Kind) Chunks() bool { return slices.Contains([]Kind{Harbor, AzureACR}, k) }

// Unlisted says of a kind what it can't list, "" where it can; then a policy that pulls from it must name its repositories exactly.
func (k Kind) Unlisted() string {
	switch k {
	case DockerRegistry, DTR, Harbor, AzureACR, AWSECR, GitLab, Quay, Artifactory:
		return ""
	case DockerHub, GitHubGHCR:
		return "Repositories are listed below a namespace: name filters must begin with one."
	case GoogleGCR:
		return "Repositories are listed below a project: name filters must begin with one."
	}
	return "Repositories are listed only with an access key of the vendor's API: else name filters must be exact names."
}
