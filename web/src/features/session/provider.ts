/** Where the server sends a browser on to the provider. It comes back to `next`, or to this page. */
export function signInAddress(next?: string): string {
  const back = next ?? window.location.pathname + window.location.search;
  return `/c/oidc/login?redirect_url=${encodeURIComponent(back)}`;
}

const wentKey = "haven.went";
const pause = 30_000;

/**
 * Leaves for the provider without being asked, once in a while: a browser that keeps no cookies would
 * go to and fro for ever.
 */
export function goThereAtOnce(address: string): void {
  try {
    const went = Number(sessionStorage.getItem(wentKey) ?? 0);
    if (Date.now() - went < pause) return;
    sessionStorage.setItem(wentKey, String(Date.now()));
  } catch {
    return; // nothing can be remembered, so the button has to do
  }
  window.location.assign(address);
}
