import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

interface EventWords {
  title: MessageDescriptor;
  when: MessageDescriptor;
}

/** What the types of events are called, and when each happens. */
const words: Record<string, EventWords> = {
  PUSH_ARTIFACT: {
    title: msg`Artifact pushed`,
    when: msg`An artifact was pushed or copied, once for each of its tags.`,
  },
  PULL_ARTIFACT: { title: msg`Artifact pulled`, when: msg`Somebody pulled an artifact.` },
  DELETE_ARTIFACT: {
    title: msg`Artifact deleted`,
    when: msg`An artifact was deleted, or a repository with all it holds.`,
  },
  QUOTA_WARNING: {
    title: msg`Quota nearly used up`,
    when: msg`A push brought the project to 85 % of its limit.`,
  },
  QUOTA_EXCEED: {
    title: msg`Quota exceeded`,
    when: msg`The limit refused a push, told once a minute.`,
  },
  SCANNING_COMPLETED: {
    title: msg`Scan finished`,
    when: msg`A scan or a bill of materials is done, with what was found.`,
  },
  SCANNING_FAILED: { title: msg`Scan failed`, when: msg`A scan could not be done.` },
  SCANNING_STOPPED: { title: msg`Scan stopped`, when: msg`Somebody stopped a scan.` },
  REPLICATION: {
    title: msg`Replication finished`,
    when: msg`Images were copied from or to another registry.`,
  },
  TAG_RETENTION: {
    title: msg`Retention finished`,
    when: msg`Retention has deleted what need not stay.`,
  },
};

/** The words for a type; one that is new here stands for itself. */
export function wordsOf(type: string): EventWords | undefined {
  return words[type];
}
