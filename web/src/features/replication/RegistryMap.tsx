import { useLingui } from "@lingui/react/macro";
import { type Arrow, arrowsOf, type Spot, spotsOf } from "./arrows";
import type { Policy, Run } from "./queries";
import classes from "./RegistryMap.module.css";
import { useRegistryName } from "./RegistryName";

const width = 880;
const box = { width: 200, height: 44 };
const rowHeight = 76;
const step = (width - box.width) / 2;

/** What the last run came to, as a sign that needs no colour. */
const signs: Record<string, string> = { Succeed: "✓", Failed: "✕", Stopped: "■", InProgress: "…" };

interface Place {
  x: number;
  y: number;
}

/** Which registries images go between, with the last run on each arrow. The table below says the same. */
export function RegistryMap({ policies, runs }: { policies: Policy[]; runs: Map<number, Run> }) {
  const { t } = useLingui();
  const name = useRegistryName();
  const arrows = arrowsOf(policies, runs);
  const spots = spotsOf(arrows);
  const rows = Math.max(...spots.map((spot) => spot.row)) + 1;
  const height = rows * rowHeight;
  const places = new Map(spots.map((spot) => [spot.id, placeOf(spot, spots, height)]));
  // A column without a registry takes no room.
  const used = spots.map((spot) => spot.column);
  const left = Math.min(...used) * step;
  const wide = (Math.max(...used) - Math.min(...used)) * step + box.width;
  return (
    <svg
      className={classes.map}
      viewBox={`${left - 4} 0 ${wide + 8} ${height}`}
      style={{ maxWidth: `${wide + 8}px` }}
      role="img"
      aria-label={t`A map of the registries between which images go; the table below says the same`}
    >
      <defs>
        <marker
          id="tip"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" className={classes.tip} />
        </marker>
      </defs>
      {arrows.map((arrow) => (
        <Line key={arrow.key} arrow={arrow} places={places} />
      ))}
      {spots.map((spot) => (
        <Box key={spot.id} spot={spot} at={places.get(spot.id)} name={name(spot.registry)} />
      ))}
    </svg>
  );
}

function placeOf(spot: Spot, spots: Spot[], height: number): Place {
  const inColumn = spots.filter((each) => each.column === spot.column).length;
  return { x: spot.column * step, y: (height / inColumn) * (spot.row + 0.5) };
}

function Box({ spot, at, name }: { spot: Spot; at: Place | undefined; name: string }) {
  if (!at) return null;
  const most = 24;
  const short = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  return (
    <g>
      <title>{spot.registry.url ? `${name} ${spot.registry.url}` : name}</title>
      <rect
        x={at.x}
        y={at.y - box.height / 2}
        width={box.width}
        height={box.height}
        rx={6}
        className={spot.id === 0 ? classes.here : classes.box}
      />
      <text x={at.x + box.width / 2} y={at.y + 5} textAnchor="middle" className={classes.name}>
        {short}
      </text>
    </g>
  );
}

function Line({ arrow, places }: { arrow: Arrow; places: Map<number, Place> }) {
  const { t } = useLingui();
  const from = places.get(arrow.from.id ?? 0);
  const to = places.get(arrow.to.id ?? 0);
  if (!from || !to) return null;
  const back = to.x < from.x;
  // There and back between the same two don't lie on each other.
  const shift = back ? 10 : -10;
  const x1 = from.x + (back ? 0 : box.width);
  const x2 = to.x + (back ? box.width : 0) + (back ? 4 : -4);
  const y1 = from.y + shift;
  const y2 = to.y + shift;
  const status = arrow.last?.status ?? "";
  const sign = signs[status] ?? "–";
  const count = arrow.policies.length;
  // The labels stand nearer to where each begins, for the same reason.
  const at = { x: x1 + (x2 - x1) * 0.28, y: y1 + (y2 - y1) * 0.28 };
  return (
    <g className={classes.arrow} data-status={status} data-disabled={arrow.disabled}>
      <title>{arrow.policies.map((policy) => policy.name).join(", ")}</title>
      <path d={`M${x1} ${y1}L${x2} ${y2}`} markerEnd="url(#tip)" className={classes.line} />
      <rect x={at.x - 24} y={at.y - 11} width={48} height={22} rx={11} className={classes.label} />
      <text x={at.x} y={at.y + 4} textAnchor="middle" className={classes.words}>
        {count > 1 ? t`${sign} ${count} ×` : sign}
      </text>
    </g>
  );
}
