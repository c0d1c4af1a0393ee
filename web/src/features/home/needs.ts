import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import type { Project } from "../projects/queries";
import type { SignedIn } from "../session/queries";

const day = 86_400_000;
/** What expires within this time is told of. */
export const soon = 14 * day;
const nearFull = 0.9;
const oldDatabase = 3 * day;
/** Of so many of the caller's own projects the settings are looked at. */
const looked = 8;

/** Something that waits for the reader, as data; its words are of the page. */
export type Need =
  | { kind: "password" }
  | { kind: "critical"; count: number; names: string[] }
  | { kind: "quota"; project: string; share: number }
  | { kind: "jobs"; count: number; more: boolean; names: string[] }
  | { kind: "robot"; name: string; project: string | undefined; expires: string; expired: boolean }
  | { kind: "token"; name: string; expires: string; expired: boolean }
  | { kind: "part"; name: string }
  | { kind: "scanner"; name: string }
  | { kind: "database"; updated: string | undefined };

type Ask = () => Promise<Need[]>;

async function criticals(): Promise<Need[]> {
  const query = { q: "severity=Critical", page_size: 100, tune_count: true };
  const rows = await bodyOf<Schema["VulnerabilityItem"][]>(
    api.GET("/api/v2.0/security/vul", { params: { query } }),
  );
  const names = new Set(rows.filter((row) => row.fixed_version).map((row) => row.cve_id ?? ""));
  return names.size > 0 ? [{ kind: "critical", count: names.size, names: [...names] }] : [];
}

function quotaNeed(project: string, used = 0, hard = -1): Need[] {
  return hard > 0 && used / hard >= nearFull
    ? [{ kind: "quota", project, share: used / hard }]
    : [];
}

async function quotas(): Promise<Need[]> {
  const query = { page_size: 100, sort: "-used.storage" };
  const rows = await bodyOf<Schema["Quota"][]>(api.GET("/api/v2.0/quotas", { params: { query } }));
  return rows.flatMap(({ ref, hard, used }) =>
    quotaNeed(String((ref as { name?: string })?.name ?? ""), used?.storage, hard?.storage),
  );
}

async function quotaOf(project: string): Promise<Need[]> {
  const path = { project_name_or_id: project };
  const { quota } = await bodyOf<Schema["ProjectSummary"]>(
    api.GET("/api/v2.0/projects/{project_name_or_id}/summary", {
      params: { path, header: { "X-Is-Resource-Name": true } },
    }),
  );
  return quotaNeed(project, quota?.used?.storage, quota?.hard?.storage);
}

async function failedJobs(): Promise<Need[]> {
  const since = new Date(Date.now() - day).toISOString().slice(0, 19);
  const query = { q: `status=Error,creation_time=[${since}~]`, page_size: 20 };
  const rows = await bodyOf<Schema["JobExecution"][]>(
    api.GET("/api/haven/v1/jobs/executions", { params: { query } }),
  );
  const names = [...new Set(rows.map((row) => row.vendor_type))];
  return rows.length > 0
    ? [{ kind: "jobs", count: rows.length, more: rows.length === 20, names }]
    : [];
}

function robotNeeds(rows: Schema["Robot"][], project?: string): Need[] {
  return rows.flatMap((robot) => {
    const expires = (robot.expires_at ?? -1) * 1000;
    if (robot.disable || expires <= 0 || expires - Date.now() > soon) return [];
    const at = new Date(expires).toISOString();
    return [
      {
        kind: "robot",
        name: robot.name ?? "",
        project,
        expires: at,
        expired: expires < Date.now(),
      },
    ];
  });
}

async function robots(project?: Project): Promise<Need[]> {
  const q = project ? `Level=project,ProjectID=${project.project_id}` : "Level=system";
  const rows = await bodyOf<Schema["Robot"][]>(
    api.GET("/api/v2.0/robots", { params: { query: { q, page_size: 100 } } }),
  );
  return robotNeeds(rows, project?.name);
}

async function tokens(): Promise<Need[]> {
  const rows = await bodyOf<Schema["PersonalToken"][]>(api.GET("/api/haven/v1/tokens"));
  return rows.flatMap(({ name, expires_at, expired }) =>
    expires_at && new Date(expires_at).getTime() - Date.now() < soon
      ? [{ kind: "token", name, expires: expires_at, expired }]
      : [],
  );
}

async function parts(): Promise<Need[]> {
  const { components } = await bodyOf<Schema["OverallHealthStatus"]>(api.GET("/api/v2.0/health"));
  return components.flatMap(({ name, status }) =>
    status === "healthy" ? [] : [{ kind: "part", name: name ?? "" }],
  );
}

async function scanners(): Promise<Need[]> {
  const rows = await bodyOf<Schema["ScannerRegistration"][]>(api.GET("/api/v2.0/scanners"));
  return rows.flatMap(({ name, health, disabled, is_default }) =>
    health && health !== "healthy" && !disabled && is_default ? [{ kind: "scanner", name }] : [],
  );
}

async function database(): Promise<Need[]> {
  const { current, sources } = await bodyOf<Schema["VulnerabilityDatabase"]>(
    api.GET("/api/haven/v1/vulndb"),
  );
  const updated = current?.updated_at;
  if (updated && Date.now() - new Date(updated).getTime() < oldDatabase) return [];
  return current || sources.length > 0 ? [{ kind: "database", updated }] : [];
}

function asksOf(user: SignedIn, mine: Project[]): Record<string, Ask> {
  const led = mine.filter((project) => project.current_user_role_id === 1).slice(0, looked);
  const asks: Record<string, Ask> = { tokens };
  for (const project of led) {
    const name = project.name ?? "";
    asks[`robots ${name}`] = () => robots(project);
    if (!user.sysadmin_flag) asks[`quota ${name}`] = () => quotaOf(name);
  }
  if (!user.sysadmin_flag) return asks;
  return {
    ...asks,
    criticals,
    quotas,
    failedJobs,
    robots: () => robots(),
    parts,
    scanners,
    database,
  };
}

const ranks: Need["kind"][] = [
  "password",
  "part",
  "critical",
  "quota",
  "scanner",
  "database",
  "jobs",
  "robot",
  "token",
];

/** So many are asked at a time: a page has others to ask for, and all at once would hold it up. */
const atOnce = 3;

interface Found {
  needs: Need[];
  /** What could not be found out. */
  failed: string[];
}

async function askAll(asks: Record<string, Ask>): Promise<Found> {
  const found: Found = { needs: [], failed: [] };
  const waiting = Object.entries(asks);
  async function ask() {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, of] = next;
      await of().then(
        (needs) => found.needs.push(...needs),
        () => found.failed.push(name),
      );
    }
  }
  await Promise.all(Array.from({ length: atOnce }, ask));
  return found;
}

/** What waits for the caller, the gravest first; and what could not be found out. */
export function useNeeds(user: SignedIn, mine: Project[]) {
  const asks = asksOf(user, mine);
  const { data, isPending } = useQuery({
    queryKey: ["needs", user.username, Object.keys(asks)],
    staleTime: 60_000,
    queryFn: () => askAll(asks),
  });
  const needs = [...(data?.needs ?? [])];
  if (user.password_generated) needs.push({ kind: "password" });
  return {
    needs: needs.sort((a, b) => ranks.indexOf(a.kind) - ranks.indexOf(b.kind)),
    pending: isPending,
    failed: data?.failed ?? [],
  };
}
