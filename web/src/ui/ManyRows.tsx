import { type Range, useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, type Ref, useLayoutEffect, useRef, useState } from "react";

interface Props {
  count: number;
  /** An entry; its `tr` is given to `measure`, and has its place as `data-index`. */
  row: (index: number, measure: Measure) => ReactNode;
}

export type Measure = (row: HTMLTableRowElement | null) => void;

/** How high a row is in pixels, until it is there and can be measured. */
const guess = 49;
/** So many rows beyond those in sight are always there, and as many again when others are made. */
const reserve = 6;

/** Rows of a long table: only those in sight are there, and two empty ones as high as all the others. */
export function ManyRows({ count, row }: Props) {
  const start = useRef<HTMLTableRowElement>(null);
  const [offset, setOffset] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with other rows the table may stand elsewhere
  useLayoutEffect(() => {
    const at = start.current?.getBoundingClientRect().top ?? 0;
    setOffset(Math.max(0, Math.round(at + window.scrollY)));
  }, [count]);
  const [near] = useState(heldRows);
  const virtual = useWindowVirtualizer({
    count,
    estimateSize: () => guess,
    rangeExtractor: near,
    scrollMargin: offset,
  });
  const items = virtual.getVirtualItems();
  const before = (items[0]?.start ?? offset) - offset;
  const after = Math.max(0, virtual.getTotalSize() - ((items.at(-1)?.end ?? offset) - offset));
  return (
    <>
      <Space ref={start} height={before} />
      {items.map((item) => row(item.index, virtual.measureElement))}
      <Space height={after} />
    </>
  );
}

/**
 * Which rows are there: the same ones until those in sight come near their end. While somebody scrolls, most frames
 * change nothing, so that the browser has nothing to lay out or to paint.
 */
export function heldRows() {
  let held: number[] = [];
  return ({ startIndex, endIndex, count }: Range): number[] => {
    const between = (reach: number) => ({
      first: Math.max(0, startIndex - reach),
      last: Math.min(count - 1, endIndex + reach),
    });
    const needed = between(reserve);
    const allowed = between(3 * reserve);
    const first = held[0] ?? -1;
    const last = held.at(-1) ?? -1;
    const holds = first <= needed.first && last >= needed.last;
    if (!holds || first < allowed.first || last > allowed.last) {
      const made = between(2 * reserve);
      held = Array.from({ length: made.last - made.first + 1 }, (_, n) => made.first + n);
    }
    return held;
  };
}

/** One cell: to span them all would add columns where some are left out. */
function Space(props: { ref?: Ref<HTMLTableRowElement>; height: number }) {
  return (
    <tr ref={props.ref} aria-hidden data-space>
      <td style={{ height: props.height }} />
    </tr>
  );
}
