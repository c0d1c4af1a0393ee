/** How a cache behaves towards the registry elsewhere, as the project's metadata says it. */
export interface Upstream {
  /** KB/s of each connection, -1 for as fast as it goes. */
  speed: number;
  /** Connections for blobs at a time, -1 for as many as are wanted. */
  connections: number;
  filterKind: "doublestar" | "regex";
  /** Of the registry's names of repositories, "" for all. */
  filter: string;
  referrers: boolean;
  localOnNotFound: boolean;
}

function number(text: string | undefined): number {
  const value = Number(text ?? "-1");
  return Number.isSafeInteger(value) && value > 0 ? value : -1;
}

export function upstreamOf(metadata: Record<string, string> = {}): Upstream {
  return {
    speed: number(metadata.proxy_speed_kb),
    connections: number(metadata.max_upstream_conn),
    filterKind: metadata.proxy_cache_filter_kind === "regex" ? "regex" : "doublestar",
    filter: metadata.proxy_cache_filter_pattern ?? "",
    referrers: metadata.proxy_referrer_api === "true",
    localOnNotFound: metadata.proxy_cache_local_on_not_found === "true",
  };
}

export function metadataOf(upstream: Upstream): Record<string, string> {
  return {
    proxy_speed_kb: String(upstream.speed),
    max_upstream_conn: String(upstream.connections),
    proxy_cache_filter_kind: upstream.filterKind,
    proxy_cache_filter_pattern: upstream.filter,
    proxy_referrer_api: String(upstream.referrers),
    proxy_cache_local_on_not_found: String(upstream.localOnNotFound),
  };
}
