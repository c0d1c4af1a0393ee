interface ErrorBody {
  errors?: { code?: string; message?: string }[];
}

/** What went wrong with a request, as a page needs it to explain. Status 0: no answer came. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string,
  ) {
    super(message);
    this.name = "Problem";
  }

  get isForbidden() {
    return this.status === 401 || this.status === 403;
  }
}

/** Reads an error answer. A body that is not the API's own form gives the bare status. */
export async function problemFrom(response: Response, body?: unknown): Promise<Problem> {
  const parsed = (body ?? (await response.json().catch(() => undefined))) as ErrorBody | undefined;
  const first = parsed?.errors?.[0];
  return new Problem(
    response.status,
    first?.code ?? "UNKNOWN",
    first?.message ?? response.statusText,
    response.headers.get("X-Request-Id") ?? "",
  );
}

/** Turns whatever a query threw into a Problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Problem(0, error instanceof TypeError ? "NETWORK" : "UNKNOWN", message, "");
}
