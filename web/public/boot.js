// Runs before the first paint, so that a dark screen never flashes white.
(() => {
  let choice = "auto";
  try {
    choice = localStorage.getItem("haven.scheme") ?? "auto";
  } catch {
    // Storage may be forbidden: follow the system.
  }
  const dark =
    choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
