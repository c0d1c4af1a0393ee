import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

/** What the kinds of work are called. A kind that isn't here goes by the API's own word. */
export const kinds: Record<string, MessageDescriptor> = {
  IMAGE_SCAN: msg`Scan of an image`,
  SBOM: msg`List of contents`,
  SCAN_ALL: msg`Scan of everything`,
  SCAN_DATA_EXPORT: msg`Export of findings`,
  SCAN_REEVALUATE: msg`Judgement by newer data`,
  VULNDB_REFRESH: msg`Update of the vulnerability data`,
  GARBAGE_COLLECTION: msg`Garbage collection`,
  P2P_PREHEAT: msg`Preheat`,
  P2P_PREHEAT_PLAN: msg`Plan of a preheat`,
  PURGE_AUDIT_LOG: msg`Purge of the audit log`,
  EXECUTION_SWEEP: msg`Sweep of old work`,
  SYSTEM_ARTIFACT_CLEANUP: msg`Clean-up`,
  REPLICATION: msg`Replication`,
  REPLICATION_PLAN: msg`Comparison for replication`,
  REPLICATION_WATCH: msg`Look at a source`,
  RETENTION: msg`Retention`,
  RETENTION_DEFAULT: msg`Retention by default`,
  SIGN: msg`Signing`,
  SIGN_PROJECT: msg`Signing of a project`,
  SIGNATURE_CHECK: msg`Look at a signature`,
  SIGNATURE_RECHECK: msg`Look at signatures again`,
  VEX_IMPORT: msg`Import of statements`,
  SCHEDULER: msg`What begins by the clock`,
};

/** Those that one looks for. */
export const commonKinds = [
  "IMAGE_SCAN",
  "SCAN_ALL",
  "SCAN_REEVALUATE",
  "SCAN_DATA_EXPORT",
  "REPLICATION",
  "RETENTION",
  "GARBAGE_COLLECTION",
  "PURGE_AUDIT_LOG",
  "VULNDB_REFRESH",
  "P2P_PREHEAT",
  "EXECUTION_SWEEP",
  "SYSTEM_ARTIFACT_CLEANUP",
] as const;

export const triggers: Record<string, MessageDescriptor> = {
  MANUAL: msg`by hand`,
  SCHEDULE: msg`by the clock`,
  EVENT: msg`by an event`,
};
