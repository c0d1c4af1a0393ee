import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

/** What is done in a project, in the API's words and for people. */
export const operations: Record<string, MessageDescriptor> = {
  create: msg`create`,
  update: msg`change`,
  delete: msg`delete`,
  pull: msg`pull`,
  restore: msg`restore`,
  attach: msg`attach`,
  detach: msg`detach`,
  start: msg`start`,
  stop: msg`stop`,
  release: msg`release`,
  scan: msg`scan`,
  retain: msg`retain`,
  exceed: msg`exceed`,
  warn: msg`warn`,
  purge: msg`purge`,
  expire: msg`expire`,
};

/** What it is done to. */
export const types: Record<string, MessageDescriptor> = {
  artifact: msg`Artifact`,
  tag: msg`Tag`,
  repository: msg`Repository`,
  project: msg`Project`,
  member: msg`Member`,
  robot: msg`Robot`,
  label: msg`Label`,
  immutable: msg`Rule about tags`,
  hold: msg`Legal hold`,
  retention_policy: msg`Retention`,
  webhook_policy: msg`Webhook`,
  preheat_policy: msg`Preheat policy`,
  replication: msg`Replication`,
  quota: msg`Quota`,
  trash: msg`What was deleted`,
};
