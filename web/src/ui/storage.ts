/** Reads what this browser remembers. Storage may be forbidden or full: then nothing is known. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`haven.${key}`);
  } catch {
    return null;
  }
}

/** Remembers a choice in this browser, if it lets us. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`haven.${key}`, value);
  } catch {
    // The choice holds until the page is left.
  }
}
