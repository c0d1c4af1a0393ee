import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { api, bodyOf, inPath, type Schema } from "../../api/client";
import type { Rule } from "./rule";

export type Preview = Schema["RetentionPreview"];
export type Fate = Schema["RetentionFate"];

/** What rules would make of a repository now, as long as that is known. */
export interface Previewed {
  repository: string;
  preview: Preview | undefined;
  error: unknown;
  /** What is shown is of the rules before. */
  stale: boolean;
  retry: () => void;
}

async function ask(project: string, repository: string, rules: Rule[], signal: AbortSignal) {
  return bodyOf<Preview>(
    api.POST(
      "/api/haven/v1/projects/{project_name}/repositories/{repository_name}/retention/preview",
      {
        params: { path: { project_name: project, repository_name: inPath(repository) } },
        body: { rules },
        signal,
      },
    ),
  );
}

/** What rules would make of some repositories, asked when nobody types any more. */
export function usePreviews(project: string, repositories: string[], rules: Rule[]): Previewed[] {
  const said = JSON.stringify(rules);
  const [settled] = useDebouncedValue(said, 400);
  const answers = useQueries({
    queries: repositories.map((repository) => ({
      queryKey: ["retention-preview", project, repository, settled],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        ask(project, repository, JSON.parse(settled) as Rule[], signal),
      placeholderData: keepPreviousData,
      staleTime: 10_000,
      retry: false,
    })),
  });
  return answers.map((answer, place) => ({
    repository: repositories[place] ?? "",
    preview: answer.data,
    error: answer.error,
    stale: settled !== said || answer.isFetching,
    retry: () => void answer.refetch(),
  }));
}
