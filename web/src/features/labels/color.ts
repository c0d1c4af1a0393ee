/** The colours that are offered; any other can be typed. */
export const colors = [
  "#0f766e",
  "#1d6fb8",
  "#5b4bc4",
  "#8f1d6b",
  "#b3261e",
  "#c2570c",
  "#b08900",
  "#4d7c0f",
  "#15803d",
  "#64748b",
];

/** Whether a text is a colour as labels have them: `#rgb` or `#rrggbb`. */
export function isColor(text: string): boolean {
  return /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text);
}
