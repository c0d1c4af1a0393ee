/** The kinds of registries as people call them, by the API's name. */
export const kindNames: Record<string, string> = {
  harbor: "Harbor, Haven",
  "docker-registry": "Docker Registry",
  "docker-hub": "Docker Hub",
  "aws-ecr": "Amazon ECR",
  "azure-acr": "Azure Container Registry",
  "google-gcr": "Google Artifact Registry",
  "github-ghcr": "GitHub Container Registry",
  gitlab: "GitLab",
  quay: "Quay",
  "jfrog-artifactory": "JFrog Artifactory",
  dtr: "Mirantis Secure Registry",
  "ali-acr": "Alibaba Cloud ACR",
  "huawei-SWR": "Huawei Cloud SWR",
  "tencent-tcr": "Tencent Cloud TCR",
  "volcengine-cr": "Volcengine CR",
};

export function kindName(kind: string | undefined): string {
  return kindNames[kind ?? ""] ?? kind ?? "";
}

/** What an address of a kind looks like, where nothing is to be chosen from. */
export const exampleAddresses: Record<string, string> = {
  harbor: "https://registry.example.com",
  "docker-registry": "https://registry.example.com:5000",
  "azure-acr": "https://NAME.azurecr.io",
  gitlab: "https://registry.gitlab.com",
  quay: "https://quay.io",
  "jfrog-artifactory": "https://NAME.jfrog.io",
  dtr: "https://registry.example.com",
  "huawei-SWR": "https://swr.REGION.myhuaweicloud.com",
  "tencent-tcr": "https://NAME.tencentcloudcr.com",
  "volcengine-cr": "https://NAME-REGION.cr.volces.com",
};
