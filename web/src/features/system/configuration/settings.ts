import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import type { Value } from "./queries";

interface Base {
  key: string;
  title: MessageDescriptor;
  /** What it does, in a sentence. */
  help: MessageDescriptor;
  initial: Value;
}

/** A setting, and how it is entered. */
export type Setting = Base &
  (
    | { form: "text" | "lines" | "events" | "size" | "switch" }
    | { form: "number"; least: number; most: number; unit: MessageDescriptor }
    | { form: "choice"; options: { value: string; label: MessageDescriptor }[] }
  );

const minutes = msg`minutes`;
const hours = msg`hours`;
const days = msg`days`;
const long = 9_999_999_999;

export const generalSettings: Setting[] = [
  {
    key: "read_only",
    form: "switch",
    title: msg`Read-only`,
    help: msg`Pulls go on; pushes, deletions and changes are refused.`,
    initial: false,
  },
  {
    key: "banner_message",
    form: "text",
    title: msg`Banner message`,
    help: msg`Shown on every page to everybody, also to those who are not signed in.`,
    initial: "",
  },
  {
    key: "project_creation_restriction",
    form: "choice",
    title: msg`Who may create projects`,
    help: msg`Administrators always may.`,
    initial: "everyone",
    options: [
      { value: "everyone", label: msg`Everyone who is signed in` },
      { value: "adminonly", label: msg`Administrators only` },
    ],
  },
  {
    key: "notification_enable",
    form: "switch",
    title: msg`Webhooks`,
    help: msg`Without it no webhook of any project is sent.`,
    initial: true,
  },
];

export const quotaSettings: Setting[] = [
  {
    key: "quota_per_project_enable",
    form: "switch",
    title: msg`Quotas hold`,
    help: msg`Pushes beyond a project's quota are refused. Without it space is counted, and nothing is refused.`,
    initial: true,
  },
  {
    key: "storage_per_project",
    form: "size",
    title: msg`Quota of new projects`,
    help: msg`What a project gets when it is created; those that are there keep theirs.`,
    initial: -1,
  },
];

export const trashSettings: Setting[] = [
  {
    key: "trash_days",
    form: "number",
    title: msg`Can be restored for`,
    help: msg`Holds for deletions from now on. With 0 what is deleted is gone at once.`,
    initial: 7,
    least: 0,
    most: 365,
    unit: days,
  },
  {
    key: "trash_in_quota",
    form: "switch",
    title: msg`Counts in the quota`,
    help: msg`A project's quota gets the bytes back only once they can't be restored any more.`,
    initial: false,
  },
];

export const lifeSettings: Setting[] = [
  {
    key: "token_expiration",
    form: "number",
    title: msg`Tokens of docker`,
    help: msg`How long a client may pull or push by a token before it asks for another.`,
    initial: 30,
    least: 1,
    most: long,
    unit: minutes,
  },
  {
    key: "robot_token_duration",
    form: "number",
    title: msg`Secrets of new robots`,
    help: msg`For how long a robot works, unless whoever makes it says otherwise.`,
    initial: 30,
    least: 1,
    most: long,
    unit: days,
  },
  {
    key: "session_timeout",
    form: "number",
    title: msg`Sessions without use`,
    help: msg`After this time in which nothing is asked for, people sign in again.`,
    initial: 60,
    least: 1,
    most: long,
    unit: minutes,
  },
  {
    key: "session_lifetime",
    form: "number",
    title: msg`Sessions altogether`,
    help: msg`After this time people sign in again, however busy they are.`,
    initial: 168,
    least: 1,
    most: long,
    unit: hours,
  },
  {
    key: "robot_name_prefix",
    form: "text",
    title: msg`Prefix of robots' names`,
    help: msg`Keeps them apart from people. Another prefix changes the name by which every robot signs in.`,
    initial: "robot$",
  },
];

export const historySettings: Setting[] = [
  {
    key: "tag_history_days",
    form: "number",
    title: msg`History of tags`,
    help: msg`For how long it is known what a tag meant before.`,
    initial: 365,
    least: 1,
    most: long,
    unit: days,
  },
  {
    key: "pull_time_update_disable",
    form: "switch",
    title: msg`Don't note when images are pulled`,
    help: msg`Rules of retention that look at pulls then have nothing to look at.`,
    initial: false,
  },
  {
    key: "pull_count_update_disable",
    form: "switch",
    title: msg`Don't count pulls`,
    help: msg`Repositories then show the pulls that were counted before.`,
    initial: false,
  },
  {
    key: "scanner_skip_update_pulltime",
    form: "switch",
    title: msg`Scans are no pulls`,
    help: msg`When a scanner reads an image, the time of its last pull stays as it was.`,
    initial: false,
  },
];

export const auditSettings: Setting[] = [
  {
    key: "pull_audit_log_disable",
    form: "switch",
    title: msg`Leave pulls out`,
    help: msg`The audit log gets no rows about pulls, which are most of it.`,
    initial: false,
  },
  {
    key: "disabled_audit_log_event_types",
    form: "events",
    title: msg`Kinds of rows that are left out`,
    help: msg`What is chosen here is not written down at all.`,
    initial: "",
  },
];

export const forwardSettings: Setting[] = [
  {
    key: "audit_log_forward_endpoint",
    form: "text",
    title: msg`Receiver`,
    help: msg`HOST:PORT of a receiver of syslog; empty to forward nothing. It is tried when you save.`,
    initial: "",
  },
  {
    key: "audit_log_forward_protocol",
    form: "choice",
    title: msg`Protocol`,
    help: msg`Over TCP whoever is between the two reads along.`,
    initial: "tcp",
    options: [
      { value: "tcp", label: msg`TCP (RFC 6587)` },
      { value: "tls", label: msg`TLS (RFC 5425)` },
    ],
  },
  {
    key: "audit_log_forward_ca_certificate",
    form: "lines",
    title: msg`Certificate of the receiver's authority`,
    help: msg`PEM, with TLS; empty for the system's own authorities.`,
    initial: "",
  },
  {
    key: "skip_audit_log_database",
    form: "switch",
    title: msg`Keep nothing here`,
    help: msg`Rows are deleted here once the receiver has them, and not before.`,
    initial: false,
  },
];
