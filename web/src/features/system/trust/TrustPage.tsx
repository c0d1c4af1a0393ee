import { Keys } from "./Keys";
import { Mirrors } from "./Mirrors";
import { SystemPolicy } from "./SystemPolicy";

/** Whom the whole registry trusts, with what it signs itself, and what names stand for it. */
export function TrustPage() {
  return (
    <>
      <SystemPolicy />
      <Keys />
      <Mirrors />
    </>
  );
}
