import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, type Ref, useLayoutEffect, useRef, useState } from "react";

interface Props {
  count: number;
  columns: number;
  /** An entry; its `tr` is given to `measure`, and has its place as `data-index`. */
  row: (index: number, measure: Measure) => ReactNode;
}

export type Measure = (row: HTMLTableRowElement | null) => void;

const guess = 41;

/** Rows of a long table: only those in sight are there, and two empty ones as high as all the others. */
export function ManyRows({ count, columns, row }: Props) {
  const start = useRef<HTMLTableRowElement>(null);
  const [offset, setOffset] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with other rows the table may stand elsewhere
  useLayoutEffect(() => {
    const at = start.current?.getBoundingClientRect().top ?? 0;
    setOffset(Math.max(0, Math.round(at + window.scrollY)));
  }, [count]);
  const virtual = useWindowVirtualizer({
    count,
    estimateSize: () => guess,
    overscan: 8,
    scrollMargin: offset,
  });
  const items = virtual.getVirtualItems();
  const before = (items[0]?.start ?? offset) - offset;
  const after = Math.max(0, virtual.getTotalSize() - ((items.at(-1)?.end ?? offset) - offset));
  return (
    <>
      <Space ref={start} columns={columns} height={before} />
      {items.map((item) => row(item.index, virtual.measureElement))}
      <Space columns={columns} height={after} />
    </>
  );
}

function Space(props: { ref?: Ref<HTMLTableRowElement>; columns: number; height: number }) {
  return (
    <tr ref={props.ref} aria-hidden data-space>
      <td colSpan={props.columns} style={{ height: props.height }} />
    </tr>
  );
}
