import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import type { NewStatement } from "./queries";

export type VexStatus = NonNullable<NewStatement["status"]>;

export const statusWords: Record<VexStatus, MessageDescriptor> = {
  not_affected: msg`Not affected`,
  fixed: msg`Fixed`,
  affected: msg`Affected`,
  under_investigation: msg`Under investigation`,
};

/** OpenVEX's reasons why something isn't affected. */
export const justificationWords: Record<string, MessageDescriptor> = {
  component_not_present: msg`The component isn't in there`,
  vulnerable_code_not_present: msg`The vulnerable code isn't in there`,
  vulnerable_code_not_in_execute_path: msg`The vulnerable code is never run`,
  vulnerable_code_cannot_be_controlled_by_adversary: msg`No attacker can reach it`,
  inline_mitigations_already_exist: msg`Something in there already prevents it`,
};
