import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

const names: Record<number, MessageDescriptor> = {
  1: msg`Project admin`,
  2: msg`Developer`,
  3: msg`Guest`,
  4: msg`Maintainer`,
  5: msg`Limited guest`,
};

/** The roles by the API's numbers, the one that may do most first. */
export const roles = [1, 4, 2, 3, 5];

/** The name of a role by the API's number; nothing for no role. */
export function roleName(id: number | undefined): MessageDescriptor | undefined {
  return id ? names[id] : undefined;
}
