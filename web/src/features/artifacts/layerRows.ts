import type { Layer } from "./queries";

/** A step of a build, the layer that it made, or both. */
export interface LayerRow {
  key: string;
  command?: string;
  layer?: Layer;
}

interface Step {
  created_by?: unknown;
  empty_layer?: unknown;
}

function stepsOf(history: string | undefined): Step[] {
  if (!history) return [];
  try {
    const steps = JSON.parse(history) as unknown;
    return Array.isArray(steps) ? steps.filter((step) => step && typeof step === "object") : [];
  } catch {
    return [];
  }
}

/** The steps that made layers belong to these in their order. Where the numbers differ nobody knows: the layers stand alone. */
export function layerRows(layers: Layer[], history: string | undefined): LayerRow[] {
  const steps = stepsOf(history);
  const made = steps.filter((step) => step.empty_layer !== true).length;
  if (made !== layers.length) {
    return layers.map((layer, index) => ({ key: String(index), layer }));
  }
  let next = 0;
  return steps.map((step, index) => {
    const command = typeof step.created_by === "string" ? step.created_by : "";
    const layer = step.empty_layer === true ? undefined : layers[next++];
    return { key: String(index), command, ...(layer && { layer }) };
  });
}

/** Each size as its part of a hundred. */
export function shares(sizes: number[]): number[] {
  const sum = sizes.reduce((all, size) => all + size, 0);
  return sizes.map((size) => (sum > 0 ? (100 * size) / sum : 100 / sizes.length));
}
