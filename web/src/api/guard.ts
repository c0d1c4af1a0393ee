const header = "X-Harbor-CSRF-Token";

/** The last token the server gave. It belongs to the session, so it lives as long as the page. */
let token = "";

function isSafe(method: string) {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

async function send(request: Request): Promise<Response> {
  if (!isSafe(request.method) && token) request.headers.set(header, token);
  const response = await fetch(request);
  token = response.headers.get(header) ?? token;
  return response;
}

async function refusesToken(response: Response): Promise<boolean> {
  return response.status === 403 && (await response.clone().text()).includes("CSRF token");
}

/** What a request that isn't sent by `guardedFetch` has to carry: uploads that show how far they are. */
export function guardHeader(): [string, string] {
  return [header, token];
}

/**
 * Sends a request with the session's cross-site token. A refused token is replaced by the one
 * that comes with the refusal, once: the session may have begun in another tab.
 */
export async function guardedFetch(request: Request): Promise<Response> {
  const again = isSafe(request.method) ? undefined : request.clone();
  const response = await send(request);
  if (again && (await refusesToken(response))) return send(again);
  return response;
}
