/** The claims of a token (a JWT), or of a JSON object that has them; nothing of anything else. */
export function claimsOf(text: string): Record<string, unknown> | undefined {
  const clean = text.trim();
  const [, body] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(clean) ?? [];
  try {
    const parsed: unknown = JSON.parse(body ? decoded(body) : clean);
    if (parsed && typeof parsed === "object" && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
  } catch {
    return undefined;
  }
  return undefined;
}

/** Base64url of UTF-8. */
function decoded(text: string): string {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(bytes, (each) => each.charCodeAt(0)));
}
