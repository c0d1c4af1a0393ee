/** The event that opens the search from any page. */
export const openingSearch = "haven:search";

/** Opens the search. */
export function openSearch(): void {
  window.dispatchEvent(new Event(openingSearch));
}
