/** What is known of systems that give their jobs tokens: a start for a policy. */
export interface Template {
  key: string;
  name: string;
  issuer: string;
  condition: string;
  /** Its keys usually have to be put into the policy. */
  keys?: boolean;
}

export const templates: Template[] = [
  {
    key: "github",
    name: "GitHub Actions",
    issuer: "https://token.actions.githubusercontent.com",
    condition: 'claims.repository == "acme/app" && claims.ref == "refs/heads/main"',
  },
  {
    key: "gitlab",
    name: "GitLab CI",
    issuer: "https://gitlab.com",
    condition: 'claims.project_path == "acme/app" && claims.ref_protected == "true"',
  },
  {
    key: "kubernetes",
    name: "Kubernetes",
    issuer: "https://kubernetes.default.svc.cluster.local",
    condition: 'claims.sub == "system:serviceaccount:builds:pusher"',
    keys: true,
  },
];
