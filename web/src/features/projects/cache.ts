/** Of which registry a project is to be a cache, as it is typed. */
export interface Cache {
  /** Its id; empty for none. */
  registry: string;
  /** KiB a second; empty for no limit. */
  speed: string;
}

export const noCache: Cache = { registry: "", speed: "" };

/** How fast the cache may fetch in KiB a second, -1 for as fast as it can, and whether that is a number. */
export function speedOf({ speed }: Cache): { ok: boolean; value: number } {
  if (speed.trim() === "") return { ok: true, value: -1 };
  const value = Number(speed);
  return { ok: Number.isSafeInteger(value) && value > 0 && value < 2 ** 31, value };
}
