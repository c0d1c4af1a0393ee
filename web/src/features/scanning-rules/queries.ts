import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../api/client";
import type { Artifact } from "../artifacts/queries";

export type Outcomes = Schema["GateOutcomes"];
export type Outcome = Schema["GateOutcome"];
export type Allowlist = Schema["CVEAllowlist"];
export type Scanner = Schema["ScannerRegistration"];
export type Statement = Schema["Statement"];
export type NewStatement = Schema["NewStatement"];
export type Verdict = Schema["ImageVerdict"];

/** How many artifacts a rule's effect is told of: as many as the server judges at once. */
export const most = 100;
export const statementsPerPage = 15;

const named = (project: string) => ({
  path: { project_name_or_id: project },
  header: { "X-Is-Resource-Name": true },
});
const inProject = (project: string) => ({ path: { project_name: project } });

/** What becomes of images that no report speaks for. */
export function useOutcomes(project: string) {
  return useQuery({
    queryKey: ["gate", project],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Outcomes>(
        api.GET("/api/haven/v1/projects/{project_name}/gate", {
          params: inProject(project),
          signal,
        }),
      ),
  });
}

export function useChangeOutcomes(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Outcomes) =>
      bodyOf(
        api.PUT("/api/haven/v1/projects/{project_name}/gate", { params: inProject(project), body }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["gate", project] }),
  });
}

/** The scanner that scans a project's images. */
export function useScanner(project: string) {
  return useQuery({
    queryKey: ["scanner", project],
    queryFn: ({ signal }) =>
      bodyOf<Scanner>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/scanner", {
          params: named(project),
          signal,
        }),
      ),
  });
}

/** Those that a project may choose of. */
export function useScanners(project: string, mayChoose: boolean) {
  return useQuery({
    queryKey: ["scanner", project, "candidates"],
    enabled: mayChoose,
    queryFn: ({ signal }) =>
      pageOf<Scanner>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/scanner/candidates", {
          params: { ...named(project), query: { page: 1, page_size: 100 } },
          signal,
        }),
      ),
  });
}

export function useChooseScanner(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (uuid: string) =>
      bodyOf(
        api.PUT("/api/v2.0/projects/{project_name_or_id}/scanner", {
          params: named(project),
          body: { uuid },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["scanner", project] }),
  });
}

/** The artifacts of a project that came last, with what their reports say. */
export function useLatestArtifacts(project: string) {
  return useQuery({
    queryKey: ["artifacts", project, "latest"],
    queryFn: ({ signal }) =>
      pageOf<Artifact>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/artifacts", {
          params: {
            ...named(project),
            query: { page: 1, page_size: most, sort: "-push_time", with_scan_overview: true },
          },
          signal,
        }),
      ),
  });
}

/** The decision that pulls of images meet now, by the rules that are saved. */
export function useVerdicts(project: string, images: string[]) {
  return useQuery({
    queryKey: ["gate", project, "verdicts", images],
    enabled: images.length > 0,
    queryFn: ({ signal }) =>
      bodyOf<Schema["Evaluation"]>(
        api.POST("/api/haven/v1/evaluate", { body: { images: images.slice(0, most) }, signal }),
      ),
    select: (evaluation) => evaluation.verdicts,
  });
}

export function useSystemAllowlist() {
  return useQuery({
    queryKey: ["system-allowlist"],
    queryFn: ({ signal }) =>
      bodyOf<Allowlist>(api.GET("/api/v2.0/system/CVEAllowlist", { signal })),
  });
}

export interface StatementFilter {
  q: string;
  page: number;
}

export function useStatements(project: string, { q, page }: StatementFilter) {
  return useQuery({
    queryKey: ["vex", project, { q, page }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Statement>(
        api.GET("/api/haven/v1/projects/{project_name}/vex", {
          params: {
            ...inProject(project),
            query: { q: contains("vulnerability", q), page, page_size: statementsPerPage },
          },
          signal,
        }),
      ),
  });
}

/** What was found is judged anew wherever a statement comes or goes. */
function useJudgedAnew(project: string) {
  const client = useQueryClient();
  return () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ["vex", project] }),
      client.invalidateQueries({ queryKey: ["gate", project] }),
      client.invalidateQueries({ queryKey: ["artifacts", project] }),
    ]);
}

export function useMakeStatement(project: string) {
  return useMutation({
    mutationFn: (body: NewStatement) =>
      bodyOf<Statement[]>(
        api.POST("/api/haven/v1/projects/{project_name}/vex", {
          params: inProject(project),
          body,
        }),
      ),
    onSuccess: useJudgedAnew(project),
  });
}

export function useWithdraw(project: string) {
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(
        api.DELETE("/api/haven/v1/projects/{project_name}/vex/{statement_id}", {
          params: { path: { project_name: project, statement_id: id } },
        }),
      ),
    onSuccess: useJudgedAnew(project),
  });
}
