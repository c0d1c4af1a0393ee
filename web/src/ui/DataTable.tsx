import { useLingui } from "@lingui/react/macro";
import { IconArrowDown, IconArrowsSort, IconArrowUp } from "@tabler/icons-react";
import { lazy, memo, type ReactNode, Suspense } from "react";
import classes from "./DataTable.module.css";
import type { Measure } from "./ManyRows";
import { useRowKeys } from "./rowKeys";

/** Loaded when a table is long: most never are. */
const ManyRows = lazy(() => import("./ManyRows").then((part) => ({ default: part.ManyRows })));

export interface Column<T> {
  key: string;
  title: string;
  /** Numbers stand at the end, in figures of one width. */
  number?: boolean;
  /** The column that names the row. */
  names?: boolean;
  /** How much of the width it takes, where the rows in sight change: as CSS has it. */
  width?: string;
  /** Left out where the screen has room for some columns only. */
  wide?: boolean;
  /** The field by which the server sorts, where it can. */
  sort?: string;
  cell: (row: T) => ReactNode;
}

/** Rows that are chosen for something to be done with all of them. */
export interface Selection<T> {
  chosen: ReadonlySet<string>;
  onChange: (chosen: Set<string>) => void;
  /** What a row is called, for those who don't see it. */
  label: (row: T) => string;
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  /** The order, as in the API: a field, with a minus before it for descending. */
  sort?: string;
  onSort?: (sort: string) => void;
  selection?: Selection<T>;
  /** What is shown below a row, in its whole width; nothing for a row that isn't open. */
  below?: (row: T) => ReactNode;
  /** Rows can be gone through by arrows; Enter does this with one, Space chooses it. */
  onOpen?: (row: T) => void;
}

/** So many rows are all there; of more, only those in sight. */
const most = 200;

/** A table; on narrow screens each row becomes a card with the column titles as labels. */
export function DataTable<T>(props: Props<T>) {
  const { caption, columns, rows, rowKey, selection, onOpen } = props;
  const keys = useRowKeys(rows.length, {
    open: onOpen && ((index) => rows[index] !== undefined && onOpen(rows[index])),
    toggle:
      selection &&
      ((index) =>
        rows[index] !== undefined &&
        selection.onChange(toggled(selection.chosen, rowKey(rows[index])))),
  });
  const many = rows.length > most;
  const row = (index: number, measure?: Measure) => {
    const each = rows[index];
    if (each === undefined) return null;
    return (
      <MemoRow
        key={rowKey(each)}
        row={each}
        index={onOpen && index}
        active={keys.active === index}
        measure={measure}
        {...props}
      />
    );
  };
  return (
    <table className={classes.table} data-many={many || undefined}>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {selection && (
            <td className={classes.choice}>
              <ChooseAll rows={rows} rowKey={rowKey} selection={selection} />
            </td>
          )}
          {columns.map((column) => (
            <Head key={column.key} column={column} {...order(props)} />
          ))}
        </tr>
      </thead>
      <tbody
        onKeyDown={onOpen && keys.onKeyDown}
        onFocus={(event) => {
          const at = (event.target as HTMLElement).dataset.row;
          if (at !== undefined) keys.setActive(Number(at));
        }}
      >
        {many ? (
          <Suspense fallback={rows.slice(0, most).map((_, index) => row(index))}>
            <ManyRows count={rows.length} row={row} />
          </Suspense>
        ) : (
          rows.map((_, index) => row(index))
        )}
      </tbody>
    </table>
  );
}

interface Order {
  sort?: string;
  onSort?: (sort: string) => void;
}

function order<T>({ sort, onSort }: Props<T>): Order {
  return { ...(sort !== undefined && { sort }), ...(onSort && { onSort }) };
}

function Head<T>({ column, sort, onSort }: { column: Column<T> } & Order) {
  const field = column.sort;
  const tone = toneOf(column);
  if (!field || !onSort) {
    return (
      <th scope="col" className={tone} style={{ width: column.width }}>
        {column.title}
      </th>
    );
  }
  const up = sort === field;
  const down = sort === `-${field}`;
  const Arrow = up ? IconArrowUp : down ? IconArrowDown : IconArrowsSort;
  return (
    <th
      scope="col"
      className={tone}
      style={{ width: column.width }}
      aria-sort={up ? "ascending" : down ? "descending" : undefined}
    >
      <button
        type="button"
        className={classes.sort}
        data-active={up || down}
        onClick={() => onSort(down ? field : `-${field}`)}
      >
        {column.title}
        <Arrow size={14} aria-hidden />
      </button>
    </th>
  );
}

interface RowProps<T> extends Props<T> {
  row: T;
  /** Where the row is, in a table that is gone through by keyboard. */
  index: number | undefined;
  active: boolean;
  measure: Measure | undefined;
}

function Row<T>(props: RowProps<T>) {
  const { row, index, active, measure, columns, rowKey, selection, below } = props;
  const more = below?.(row);
  const key = rowKey(row);
  // Columns of fixed widths would be added where the wide ones are left out; others take no room.
  const spanned = measure ? columns.filter((column) => !column.wide).length : columns.length;
  return (
    <>
      <tr
        ref={measure}
        data-chosen={selection?.chosen.has(key) || undefined}
        data-row={index}
        data-index={index}
        tabIndex={index === undefined ? undefined : active ? 0 : -1}
      >
        {selection && (
          <td className={classes.choice}>
            <input
              type="checkbox"
              className={classes.box}
              aria-label={selection.label(row)}
              checked={selection.chosen.has(key)}
              onChange={() => selection.onChange(toggled(selection.chosen, key))}
            />
          </td>
        )}
        {columns.map((column) => (
          <Cell key={column.key} column={column} row={row} />
        ))}
      </tr>
      {more && (
        <tr className={classes.below}>
          <td colSpan={spanned + (selection ? 1 : 0)}>{more}</td>
          {spanned < columns.length && (
            <td className={classes.wide} colSpan={columns.length - spanned} />
          )}
        </tr>
      )}
    </>
  );
}

/** While somebody scrolls, rows that stay in sight aren't made anew. */
const MemoRow = memo(Row) as typeof Row;

function toggled(chosen: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(chosen);
  if (!next.delete(key)) next.add(key);
  return next;
}

interface ChooseAllProps<T> {
  rows: T[];
  rowKey: (row: T) => string;
  selection: Selection<T>;
}

function ChooseAll<T>({ rows, rowKey, selection }: ChooseAllProps<T>) {
  const { t } = useLingui();
  const count = rows.filter((row) => selection.chosen.has(rowKey(row))).length;
  const all = count === rows.length && count > 0;
  return (
    <input
      type="checkbox"
      className={classes.box}
      ref={(box) => {
        if (box) box.indeterminate = count > 0 && !all;
      }}
      aria-label={t`Choose all that are shown`}
      checked={all}
      onChange={() => selection.onChange(new Set(all ? [] : rows.map(rowKey)))}
    />
  );
}

function toneOf<T>({ number, wide }: Column<T>): string | undefined {
  const tones = [number && classes.number, wide && classes.wide].filter(Boolean);
  return tones.length > 0 ? tones.join(" ") : undefined;
}

function Cell<T>({ column, row }: { column: Column<T>; row: T }) {
  if (column.names) {
    return (
      <th scope="row" className={classes.names}>
        {column.cell(row)}
      </th>
    );
  }
  return (
    <td data-label={column.title} className={toneOf(column)}>
      {column.cell(row)}
    </td>
  );
}
