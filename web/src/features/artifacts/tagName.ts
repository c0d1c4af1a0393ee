/** Whether a name can't be a tag's. */
export function tagFault(name: string): boolean {
  return !/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name);
}
