import { useElementSize } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { formatBytes } from "../../ui/format";
import { usePreferences } from "../preferences/preferences";
import { type Rect, treemap } from "./squares";
import classes from "./Treemap.module.css";

export interface Tile {
  name: string;
  bytes: number;
}

const height = 280;
const gap = 2;

/** Projects as rectangles that are as large as what they use. */
export function Treemap({ label, tiles }: { label: string; tiles: Tile[] }) {
  const { ref, width } = useElementSize();
  const rects = treemap(
    tiles.map((tile) => tile.bytes),
    width,
    height,
  );
  return (
    <div ref={ref} className={classes.map}>
      {width > 0 && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is no picture
        <svg width={width} height={height} role="group" aria-label={label}>
          {rects.map((rect, at) => (
            <Area key={tiles[at]?.name} tile={tiles[at] as Tile} rect={rect} />
          ))}
        </svg>
      )}
    </div>
  );
}

/** As much of a text as fits, by a width that letters have on the average. */
function fitting(text: string, width: number): string {
  const most = Math.floor((width - 16) / 7.5);
  if (text.length <= most) return text;
  return most < 4 ? "" : `${text.slice(0, most - 1)}…`;
}

function Area({ tile, rect }: { tile: Tile; rect: Rect }) {
  const { language } = usePreferences();
  const size = formatBytes(tile.bytes, language);
  const { x, y, width } = rect;
  const name = rect.height > 26 ? fitting(tile.name, width) : "";
  return (
    <Link
      to="/p/$project"
      params={{ project: tile.name }}
      aria-label={`${tile.name}, ${size}`}
      className={classes.link}
    >
      <title>{`${tile.name}, ${size}`}</title>
      <rect
        x={x + gap / 2}
        y={y + gap / 2}
        width={Math.max(width - gap, 0.5)}
        height={Math.max(rect.height - gap, 0.5)}
        rx={3}
      />
      {name && (
        <text x={x + 8} y={y + 20} aria-hidden>
          {name}
        </text>
      )}
      {name && rect.height > 46 && fitting(size, width) === size && (
        <text x={x + 8} y={y + 38} className={classes.size} aria-hidden>
          {size}
        </text>
      )}
    </Link>
  );
}
