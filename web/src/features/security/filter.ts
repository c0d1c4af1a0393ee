/** Which findings are looked for. Empty fields let everything through; the server compares whole words. */
export interface FindingFilter {
  cve: string;
  package: string;
  repository: string;
  tag: string;
  severity: string;
  /** The lowest score, 0 to 10. */
  score: string;
  /** What is known of a fix, in the API's words. */
  fix: string;
}

export const noFilter: FindingFilter = {
  cve: "",
  package: "",
  repository: "",
  tag: "",
  severity: "",
  score: "",
  fix: "",
};

function plain(text: string): string {
  return encodeURIComponent(text.replaceAll(",", "").trim());
}

/** CVEs are written in capitals; the names of others are not. */
function spelt(id: string): string {
  return /^cve-/i.test(id) ? id.toUpperCase() : id;
}

/** The API's `q` for a filter. */
export function queryOf(filter: FindingFilter): string | undefined {
  const conditions = [
    filter.cve.trim() && `cve_id=${plain(spelt(filter.cve.trim()))}`,
    filter.package.trim() && `package=${plain(filter.package)}`,
    filter.repository.trim() && `repository_name=${plain(filter.repository)}`,
    filter.tag.trim() && `tag=${plain(filter.tag)}`,
    filter.severity && `severity=${filter.severity}`,
    filter.score && `cvss_score_v3=[${Number(filter.score).toFixed(1)}~10.0]`,
    filter.fix && `status=${filter.fix}`,
  ];
  return conditions.filter(Boolean).join(",") || undefined;
}

/** A repository's full name in two: the project, and the name in it. */
export function parts(fullName: string): { project: string; repository: string } {
  const [project = "", ...rest] = fullName.split("/");
  return { project, repository: rest.join("/") };
}
