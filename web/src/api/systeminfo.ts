import { queryOptions } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "./client";

/** What the server says of itself; more of it to those who are signed in. */
export const systemInfoQuery = queryOptions({
  queryKey: ["systeminfo"],
  staleTime: 300_000,
  queryFn: ({ signal }) =>
    bodyOf<Schema["GeneralInfo"]>(api.GET("/api/v2.0/systeminfo", { signal })),
});
