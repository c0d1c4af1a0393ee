/** Has the browser save a file that was made or fetched here. */
export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** Has the browser save a text as a file. */
export function saveText(text: string, name: string, type: string): void {
  save(new Blob([text], { type }), name);
}
