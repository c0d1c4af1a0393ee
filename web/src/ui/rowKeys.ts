import { type KeyboardEvent, useState } from "react";

interface Actions {
  open?: ((row: number) => void) | undefined;
  toggle?: ((row: number) => void) | undefined;
}

/**
 * Moves through the rows of a table by keyboard: arrows go up and down, Enter opens, Space chooses.
 * One row at a time is in the order of Tab.
 */
export function useRowKeys(count: number, { open, toggle }: Actions) {
  const [active, setActive] = useState(0);

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    const target = event.target as HTMLElement;
    const row = target.closest<HTMLElement>("tr[data-row]");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = Number(row.dataset.row);
    const onRow = target === row;
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (next !== undefined && (onRow || target.tagName !== "INPUT" || isCheckbox(target))) {
      const found = row.parentElement?.querySelector<HTMLElement>(`tr[data-row="${next}"]`);
      if (!found) return;
      event.preventDefault();
      setActive(next);
      found.focus();
    } else if (onRow && event.key === "Enter" && open) {
      event.preventDefault();
      open(at);
    } else if (onRow && event.key === " " && toggle) {
      event.preventDefault();
      toggle(at);
    }
  }

  return { active: Math.min(active, Math.max(0, count - 1)), setActive, onKeyDown };
}

function isCheckbox(target: HTMLElement): boolean {
  return target instanceof HTMLInputElement && target.type === "checkbox";
}
