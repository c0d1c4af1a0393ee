const browsers: [string, RegExp][] = [
  ["Edge", /\bEdg(?:e|A|iOS)?\/(\d+)/],
  ["Opera", /\bOPR\/(\d+)/],
  ["Firefox", /\b(?:Firefox|FxiOS)\/(\d+)/],
  ["Chrome", /\b(?:Chrome|CriOS|HeadlessChrome)\/(\d+)/],
  ["Safari", /\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//],
];

const systems: [string, RegExp][] = [
  ["Android", /Android/],
  ["iOS", /iPhone|iPad/],
  ["Windows", /Windows/],
  ["macOS", /Mac OS X|Macintosh/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];

/** A browser by what it says of itself: "Firefox 128, Linux". What isn't known stays as it is. */
export function browserName(agent: string): string {
  for (const [name, sign] of browsers) {
    const found = sign.exec(agent);
    if (!found) continue;
    const system = systems.find(([, mark]) => mark.test(agent))?.[0];
    return system ? `${name} ${found[1]}, ${system}` : `${name} ${found[1]}`;
  }
  return agent;
}
