/** Where a `/p/{project}/r/…` address leads: a repository, or one artifact in it. */
export interface Place {
  repository: string;
  digest?: string;
}

/**
 * Parts a splat into repository and digest. A repository name may hold `/a/` itself, but no
 * colon, so only a digest can follow the last one.
 */
export function placeOf(splat: string): Place {
  const match = /^(.+)\/a\/([a-z0-9]+:[0-9a-f]+)$/.exec(splat);
  if (match?.[1] && match[2]) return { repository: match[1], digest: match[2] };
  return { repository: splat };
}

/** The splat of an artifact's page. */
export function artifactSplat(repository: string, digest: string): string {
  return `${repository}/a/${digest}`;
}
