import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import type { Trigger } from "./draft";

/** When a policy is carried out. */
export const triggerWords: Record<Trigger, MessageDescriptor> = {
  manual: msg`By hand`,
  scheduled: msg`By a schedule`,
  event_based: msg`When something is pushed, scanned or labelled`,
};

/** The severities that images may have to be below, as the API numbers them. */
export const belowWords: { value: number; title: MessageDescriptor }[] = [
  { value: 0, title: msg`Whatever was found` },
  { value: 5, title: msg`Less than critical` },
  { value: 4, title: msg`Less than high` },
  { value: 3, title: msg`Less than medium` },
  { value: 2, title: msg`Less than low` },
];
