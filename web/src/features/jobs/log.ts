import { api, bodyOf, type Schema } from "../../api/client";
import { problemFrom } from "../../api/problem";
import { isUnderWay } from "../../ui/Status";

interface Piece {
  text: string;
  /** Where to go on. */
  next: number;
  ended: boolean;
}

/** What a task told after so many bytes of its log, for where no stream gets through. */
export async function readLog(task: number, after: number): Promise<Piece> {
  const path = { task_id: task };
  const now = await bodyOf<Schema["JobTask"]>(
    api.GET("/api/haven/v1/jobs/tasks/{task_id}", { params: { path } }),
  );
  const { data, error, response } = await api.GET("/api/haven/v1/jobs/tasks/{task_id}/log", {
    params: { path, query: { after } },
    parseAs: "text",
  });
  if (!response.ok) throw await problemFrom(response, error);
  return {
    text: (data as string | undefined) ?? "",
    next: Number(response.headers.get("X-Next-After") ?? after),
    ended: !isUnderWay(now.status),
  };
}
