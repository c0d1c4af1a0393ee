/** What is wrong with a project name. */
export type NameFault = "empty" | "long" | "form";

/**
 * Checks a project name as the server will: 1 to 255 lower-case letters and digits, parted by
 * single dots, dashes or underscores.
 */
export function nameFault(name: string): NameFault | undefined {
  if (name === "") return "empty";
  if (name.length > 255) return "long";
  if (!/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(name)) return "form";
  return undefined;
}
