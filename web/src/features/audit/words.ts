import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { operations as ofProjects } from "../logs/words";

/** What the audit log tells of, by the API's words: what is done in projects, and besides. */
export const operations: Record<string, MessageDescriptor> = {
  ...ofProjects,
  login: msg`sign in`,
  logout: msg`sign out`,
  exchange: msg`exchange`,
};

/** What operations are about, by the API's words. */
export const resourceTypes: Record<string, MessageDescriptor> = {
  artifact: msg`artifact`,
  configuration: msg`settings`,
  gc: msg`garbage collection`,
  immutable: msg`rule about tags`,
  label: msg`label`,
  member: msg`member`,
  preheat: msg`preheat`,
  preheat_instance: msg`preheat instance`,
  preheat_policy: msg`preheat policy`,
  project: msg`project`,
  purge: msg`purge of the audit log`,
  registry: msg`registry elsewhere`,
  replication: msg`replication`,
  replication_policy: msg`replication policy`,
  repository: msg`repository`,
  retention: msg`retention`,
  retention_policy: msg`retention policy`,
  robot: msg`robot`,
  scanner: msg`scanner`,
  session: msg`session`,
  tag: msg`tag`,
  tags: msg`tags`,
  token: msg`access token`,
  trash: msg`trash`,
  trust: msg`trust in a workload`,
  user: msg`user`,
  usergroup: msg`group`,
  vulndb: msg`vulnerability data`,
  webhook_policy: msg`webhook`,
};

/** What a word of the API is called; one that isn't known stays as it is. */
export function useWord(): (word: string, words: Record<string, MessageDescriptor>) => string {
  const { i18n } = useLingui();
  return (word, words) => {
    const known = words[word];
    return known ? i18n._(known) : word.replaceAll("_", " ");
  };
}

/** What was done to what, in words: `create project`. */
export function useDeed(): (operation: string, type: string) => string {
  const { t } = useLingui();
  const word = useWord();
  return (operation, type) => {
    const done = word(operation, operations);
    // One signs in as oneself.
    if (operation === "login" || operation === "logout") return done;
    const about = word(type, resourceTypes);
    return t`${done} ${about}`;
  };
}
