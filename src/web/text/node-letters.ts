/** What stands in the circle of each machine: as short as tells them apart. */

interface Named {
  readonly id: string;
  readonly name: string;
}

/** The first letter; where names begin alike the first or last one that differs; else the beginning of the id. */
export function nodeLetters(nodes: readonly Named[]): ReadonlyMap<string, string> {
  const same = samePrefix(nodes.map(({ name }) => name));
  const ways: readonly ((node: Named) => string)[] = [
    ({ name }) => name.slice(0, 1),
    ({ name }) => name.slice(same, same + 1),
    ({ name }) => name.slice(-1),
    ({ id }) => id.slice(0, 3),
  ];
  const letters = ways
    .map((way) => nodes.map((node) => way(node).toUpperCase()))
    .find((each) => !each.includes('') && new Set(each).size === each.length);
  return new Map(nodes.map(({ id }, index) => [id, letters?.[index] ?? id.slice(0, 3).toUpperCase()]));
}

/** How many characters all of them begin with alike. */
function samePrefix([first = '', ...rest]: readonly string[]): number {
  let length = 0;
  while (length < first.length && rest.every((name) => name[length] === first[length])) length++;
  return length;
}
