import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { artifactPath, type PlaceProps } from "../artifacts/place";

export type Report = Schema["VulnerabilityReport"];
export type Vulnerability = Schema["ReportedVulnerability"];
export type Change = Schema["FindingChange"];

const mime = "application/vnd.security.vulnerability.report; version=1.1";

/** The last report of an artifact, null while there is none. `version` is the scan that it is of. */
export function useReport(place: PlaceProps, reference: string, version = "") {
  return useQuery({
    queryKey: ["scans", place.project, place.repository, "report", reference, version],
    enabled: reference !== "",
    retry: false,
    queryFn: async ({ signal }) => {
      const answer = await bodyOf<Record<string, Report>>(
        api.GET(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/vulnerabilities",
          {
            params: {
              path: artifactPath(place, reference),
              header: { "X-Accept-Vulnerabilities": mime },
            },
            signal,
          },
        ),
      );
      return Object.values(answer)[0] ?? null;
    },
  });
}

/** What the last editions of the vulnerability database changed for an image. */
export function useChanges(place: PlaceProps, digest: string) {
  return useQuery({
    queryKey: ["scans", place.project, place.repository, "changes", digest],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Change[]>(
        api.GET(
          "/api/haven/v1/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/changes",
          { params: { path: artifactPath(place, digest) }, signal },
        ),
      ),
  });
}

/** What a scan has to tell, read anew while it goes on. */
export function useScanLog(place: PlaceProps, digest: string, report: string, live: boolean) {
  return useQuery({
    queryKey: ["scans", place.project, place.repository, "log", digest, report],
    retry: false,
    refetchInterval: live ? 2000 : false,
    queryFn: ({ signal }) =>
      bodyOf<string>(
        api.GET(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/{report_id}/log",
          {
            params: { path: { ...artifactPath(place, digest), report_id: report } },
            parseAs: "text",
            signal,
          },
        ),
      ),
  });
}

/** The bill of materials of an image as SPDX, as text. */
export function useBill(place: PlaceProps, digest: string) {
  return useQuery({
    queryKey: ["scans", place.project, place.repository, "bill", digest],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<string>(
        api.GET(
          "/api/haven/v1/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/sbom",
          {
            params: { path: artifactPath(place, digest), query: { format: "spdx" } },
            parseAs: "text",
            signal,
          },
        ),
      ),
  });
}

/** Where a bill of materials is saved from. */
export function billAddress(place: PlaceProps, digest: string, format: "spdx" | "cyclonedx") {
  const repository = encodeURIComponent(encodeURIComponent(place.repository));
  return `/api/haven/v1/projects/${encodeURIComponent(place.project)}/repositories/${repository}/artifacts/${digest}/sbom?format=${format}`;
}
