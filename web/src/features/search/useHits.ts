import { useUser } from "../session/queries";
import { type Hit, hitsOf, isPasted, type Shown, sorted, speaksOf } from "./hits";
import { useExisting } from "./places";
import { useFound } from "./queries";
import { type Recent, recents } from "./recent";
import { type Doings, useOwnHits } from "./useOwnHits";

function recentHit({ title, place, kind }: Recent): Hit {
  return { key: `recent ${title}`, kind: "recent", title, place, exact: kind === "artifact" };
}

/** Where what lies outside of projects is shown in this portal. */
function useShown(): Shown {
  const existing = useExisting();
  const security = existing(["/security"]);
  const vulnerability = existing(["/security/cve/$cve", "/security/$cve"]);
  const users = existing(["/admin/users"]);
  return {
    vulnerability: (id) =>
      vulnerability
        ? { to: vulnerability, params: { cve: id } }
        : security
          ? { to: security, search: { q: `cve_id=${id}` } }
          : undefined,
    package: (name) => (security ? { to: security, search: { q: `package=${name}` } } : undefined),
    user: (name) => (users ? { to: users, search: { q: name } } : undefined),
  };
}

const few = 5;

/** The lines of the palette for a text; before one types, what was looked at last and what can be done. */
export function useHits(text: string, doings: Doings) {
  const user = useUser();
  const shown = useShown();
  const own = useOwnHits(doings);
  const found = useFound(text);
  const looked = recents(user?.username ?? "").map(recentHit);
  const typed = text.trim();
  const hits = typed
    ? [
        ...looked.filter((hit) => speaksOf(hit.title, typed)).slice(0, few),
        ...(found.data ? hitsOf(found.data, shown) : []),
        ...own.filter((hit) => speaksOf(`${hit.title} ${hit.note ?? ""}`, typed)),
      ]
    : [...looked.slice(0, few), ...own];
  return {
    hits: sorted(hits, isPasted(typed)),
    asking: found.asking,
    error: typed !== "" && found.isError ? found.error : undefined,
  };
}
