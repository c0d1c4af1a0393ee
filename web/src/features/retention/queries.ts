import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";
import type { Rule } from "./rule";

export type Mode = Schema["DefaultRetentionMode"];
export type ProjectRetention = Schema["ProjectRetention"];

/** Rules, and when they are carried out: six fields of cron, "" for by hand only. */
export interface Policy {
  rules: Rule[];
  cron: string;
}

/** Which rules hold for a project, and the number of its own policy. */
export function useProjectRetention(project: string) {
  return useQuery({
    queryKey: ["retention", "project", project],
    queryFn: ({ signal }) =>
      bodyOf<ProjectRetention>(
        api.GET("/api/haven/v1/projects/{project_name}/retention", {
          params: { path: { project_name: project } },
          signal,
        }),
      ),
  });
}

function policyOf(policy: Schema["RetentionPolicy"]): Policy {
  const cron = policy.trigger?.settings?.cron;
  return { rules: policy.rules ?? [], cron: typeof cron === "string" ? cron : "" };
}

/** A project's own policy; asked for where it has one. */
export function usePolicy(id: number) {
  return useQuery({
    queryKey: ["retention", "policy", id],
    enabled: id > 0,
    queryFn: ({ signal }) =>
      bodyOf<Schema["RetentionPolicy"]>(
        api.GET("/api/v2.0/retentions/{id}", { params: { path: { id } }, signal }),
      ),
    select: policyOf,
  });
}

/** The templates that the server offers. */
export function useTemplates() {
  return useQuery({
    queryKey: ["retention", "metadata"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      bodyOf<Schema["RetentionMetadata"]>(api.GET("/api/v2.0/retentions/metadatas", { signal })),
    select: (metadata) => (metadata.templates ?? []).map((each) => each.rule_template ?? ""),
  });
}

function bodyFor(projectId: number, { rules, cron }: Policy): Schema["RetentionPolicy"] {
  return {
    algorithm: "or",
    scope: { level: "project", ref: projectId },
    trigger: { kind: "Schedule", settings: { cron } },
    rules,
  };
}

/** Makes a project's policy, or replaces it where it has one. */
export function useSavePolicy(projectId: number, id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (policy: Policy) => {
      const body = bodyFor(projectId, policy);
      return id > 0
        ? bodyOf(api.PUT("/api/v2.0/retentions/{id}", { params: { path: { id } }, body }))
        : bodyOf(api.POST("/api/v2.0/retentions", { body }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["retention"] }),
  });
}

export function useDeletePolicy(id: number) {
  return useMutation({
    mutationFn: () => bodyOf(api.DELETE("/api/v2.0/retentions/{id}", { params: { path: { id } } })),
    onSuccess: useRenew("retention"),
  });
}

/** Says what the default policy is for a project. */
export function useSetMode(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (mode: Mode) =>
      bodyOf(
        api.PUT("/api/haven/v1/projects/{project_name}/retention", {
          params: { path: { project_name: project } },
          body: { default: mode },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["retention"] }),
  });
}
