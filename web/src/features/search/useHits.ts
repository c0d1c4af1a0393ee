import { useUser } from "../session/queries";
import { type Hit, hitsOf, isPasted, sorted, speaksOf } from "./hits";
import { useFound } from "./queries";
import { type Recent, recents } from "./recent";
import { type Doings, useOwnHits } from "./useOwnHits";

function recentHit({ title, place, kind }: Recent): Hit {
  return { key: `recent ${title}`, kind: "recent", title, place, exact: kind === "artifact" };
}

const few = 5;

/** The lines of the palette for a text; before one types, what was looked at last and what can be done. */
export function useHits(text: string, doings: Doings) {
  const user = useUser();
  const own = useOwnHits(doings);
  const found = useFound(text);
  const looked = recents(user?.username ?? "").map(recentHit);
  const typed = text.trim();
  const hits = typed
    ? [
        ...looked.filter((hit) => speaksOf(hit.title, typed)).slice(0, few),
        ...(found.data ? hitsOf(found.data) : []),
        ...own.filter((hit) => speaksOf(`${hit.title} ${hit.note ?? ""}`, typed)),
      ]
    : [...looked.slice(0, few), ...own];
  return {
    hits: sorted(hits, isPasted(typed)),
    asking: found.asking,
    error: typed !== "" && found.isError ? found.error : undefined,
  };
}
