/** Names of users and groups by number, each looked up once. Knows nothing of entries. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

export interface OwnerNames {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
}

/** Numbers that no file knows are asked of the system's directory, such as LDAP, this often at most. */
const MAX_ASKED = 64;

export function ownerNames(): OwnerNames {
  const users = lookUp('/etc/passwd', 'passwd');
  const groups = lookUp('/etc/group', 'group');
  return { user: users, group: groups };
}

function lookUp(file: string, database: 'passwd' | 'group'): (id: number) => string | undefined {
  let names: Map<number, string | undefined> | undefined;
  let asked = 0;
  return (id) => {
    names ??= readNames(file);
    if (!names.has(id)) names.set(id, asked++ < MAX_ASKED ? askSystem(database, id) : undefined);
    return names.get(id);
  };
}

/** Lines of `name:password:number:…`; the first of a number counts, as for the C library. */
function readNames(file: string): Map<number, string | undefined> {
  const names = new Map<number, string | undefined>();
  try {
    for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
      const entry = parseLine(line);
      if (entry !== undefined && !names.has(entry.id)) names.set(entry.id, entry.name);
    }
  } catch {
    // Windows has no such file: there are numbers only.
  }
  return names;
}

function parseLine(line: string): { id: number; name: string } | undefined {
  const [name = '', , number = ''] = line.split(':');
  return name !== '' && /^\d+$/.test(number) ? { id: Number(number), name } : undefined;
}

function askSystem(database: 'passwd' | 'group', id: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const answer = execFileSync('getent', [database, String(id)], {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return parseLine(answer)?.name;
  } catch {
    return undefined;
  }
}
