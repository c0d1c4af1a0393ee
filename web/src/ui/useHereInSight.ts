import { type RefObject, useEffect, useRef } from "react";

/**
 * Brings the present one of some names into sight, where they stand in a row that is wider than its place. Only the
 * row moves, never the page.
 * @param names changes whenever another name is the present one, or when there are more or fewer of them
 * @returns what the row takes as its `ref`
 */
export function useHereInSight<E extends HTMLElement>(names: string): RefObject<E | null> {
  const row = useRef<E>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names are looked for in the page
  useEffect(() => {
    const here = row.current?.querySelector("[aria-current=page], [aria-selected=true]");
    if (!row.current || !here) return;
    row.current.scrollLeft += middle(here) - middle(row.current);
  }, [names]);
  return row;
}

function middle(element: Element): number {
  const { left, width } = element.getBoundingClientRect();
  return left + width / 2;
}
