/** The numbers of users and groups that this system knows by name. Read once; nothing is asked of the network. */
import fs from 'node:fs';

export interface Accounts {
  user(name: string): number | undefined;
  group(name: string): number | undefined;
}

export function readAccounts(passwd = '/etc/passwd', group = '/etc/group'): Accounts {
  const users = numbersIn(passwd);
  const groups = numbersIn(group);
  return { user: (name) => users.get(name), group: (name) => groups.get(name) };
}

/** Both files have the name first and the number third. The first line of a name counts. */
function numbersIn(file: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const line of linesOf(file)) {
    const [name = '', , digits = ''] = line.split(':');
    if (name !== '' && /^\d{1,10}$/.test(digits) && !numbers.has(name)) numbers.set(name, Number(digits));
  }
  return numbers;
}

function linesOf(file: string): readonly string[] {
  try {
    return fs.readFileSync(file, 'utf8').split('\n');
  } catch {
    return []; // a system without it knows no names
  }
}
