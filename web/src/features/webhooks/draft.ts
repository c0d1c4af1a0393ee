import type { Target, Webhook } from "./queries";

/** How many addresses a webhook has at most. */
export const mostTargets = 5;

const kept = "*****";

/** What becomes of a secret: it stays as it is, goes, or is another one. */
export interface SecretDraft {
  stored: boolean;
  keep: boolean;
  value: string;
}

export interface TargetDraft {
  key: number;
  type: string;
  address: string;
  /** The address as it is stored; secrets belong to its host. */
  before: string;
  format: string;
  verify: boolean;
  auth: SecretDraft;
  signing: SecretDraft;
}

export interface Draft {
  name: string;
  description: string;
  enabled: boolean;
  events: string[];
  targets: TargetDraft[];
}

let last = 0;

export function newTarget(): TargetDraft {
  last += 1;
  const none = { stored: false, keep: false, value: "" };
  return {
    key: last,
    type: "http",
    address: "",
    before: "",
    format: "Default",
    verify: true,
    auth: none,
    signing: none,
  };
}

export function newDraft(): Draft {
  return {
    name: "",
    description: "",
    enabled: true,
    events: ["PUSH_ARTIFACT"],
    targets: [newTarget()],
  };
}

const stored = (value: string | null | undefined): SecretDraft => ({
  stored: !!value,
  keep: !!value,
  value: "",
});

export function draftOf(webhook: Webhook): Draft {
  return {
    name: webhook.name ?? "",
    description: webhook.description ?? "",
    enabled: webhook.enabled ?? false,
    events: webhook.event_types ?? [],
    targets: (webhook.targets ?? []).map((target) => ({
      ...newTarget(),
      type: target.type ?? "http",
      address: target.address ?? "",
      before: target.address ?? "",
      format: target.payload_format || "Default",
      verify: !target.skip_cert_verify,
      auth: stored(target.auth_header),
      signing: stored(target.signing_secret),
    })),
  };
}

function sent(target: TargetDraft): Target {
  const { auth, signing } = target;
  const header = auth.keep ? kept : auth.value;
  return {
    type: target.type,
    address: target.address.trim(),
    skip_cert_verify: !target.verify,
    ...(target.type === "http" && { payload_format: target.format }),
    ...(header && { auth_header: header }),
    signing_secret: signing.keep ? kept : signing.value,
  };
}

/** A draft as the API takes it. */
export function bodyOfDraft(draft: Draft): Webhook {
  return {
    name: draft.name.trim(),
    description: draft.description,
    enabled: draft.enabled,
    event_types: draft.events,
    targets: draft.targets.map(sent),
  };
}

export type AddressFault = "empty" | "form" | "credentials";

/** What is wrong with an address, as the server will say. */
export function addressFault(address: string): AddressFault | undefined {
  const text = address.trim();
  if (text === "") return "empty";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || !url.hostname) return "form";
  if (!/^https?:\/\//i.test(text) || text.length > 2048) return "form";
  if (url.username || url.password) return "credentials";
  return undefined;
}

/** Whether a secret that is kept was given for another host than the one that is entered now. */
export function isForeign(target: TargetDraft): boolean {
  if (!target.auth.keep && !target.signing.keep) return false;
  if (addressFault(target.address) || addressFault(target.before)) return false;
  return new URL(target.address.trim()).origin !== new URL(target.before).origin;
}

export type SigningFault = "form" | "length";

/** What is wrong with a secret of Standard Webhooks: whsec_ and base64 of 24 to 64 bytes. */
export function signingFault(secret: string): SigningFault | undefined {
  if (secret === "") return undefined;
  const text = secret.replace(/^whsec_/, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return "form";
  const size = atob(text).length;
  return size < 24 || size > 64 ? "length" : undefined;
}

/** A new secret, of 32 random bytes. */
export function newSigning(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}

export function isGood(draft: Draft): boolean {
  return (
    draft.name.trim() !== "" &&
    draft.events.length > 0 &&
    draft.targets.length > 0 &&
    draft.targets.every(
      (target) =>
        !addressFault(target.address) &&
        !isForeign(target) &&
        (target.signing.keep || !signingFault(target.signing.value)),
    )
  );
}
