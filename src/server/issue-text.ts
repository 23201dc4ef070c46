/** What is wrong with a body of JSON, in the words of all other messages: the field, what was expected, what was found. */
import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

/** The first fault; `body` stands for all of it. */
export function issueText({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return 'body: not as expected';
  if (issue.code === 'unrecognized_keys') return `${pathOf(issue, issue.keys[0])}: no such field`;
  return `${pathOf(issue)}: ${faultOf(issue)}`;
}

function pathOf({ path }: Issue, key?: string): string {
  const names = [...path.map(String), ...(key === undefined ? [] : [key.slice(0, 100)])];
  return names.length === 0 ? 'body' : names.join('.');
}

function faultOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${NAMES[issue.expected] ?? issue.expected}, got ${foundOf(issue)}`;
    case 'too_small':
      return `expected at least ${counted(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `expected at most ${counted(issue.maximum, issue.origin)}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'invalid_format':
      return 'not of the form that it has to have';
    default:
      return 'not as expected';
  }
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  array: 'a list',
  record: 'object',
};

/** The library tells the type of what it found in its message only. */
function foundOf({ message }: Issue): string {
  const found = /received (\w+)$/.exec(message)?.[1] ?? 'something else';
  return found === 'undefined' ? 'nothing' : (NAMES[found] ?? found);
}

function counted(count: number | bigint, origin: string): string {
  const [one, many] = UNITS[origin] ?? ['', ''];
  return `${count}${count === 1 ? one : many}`;
}

const UNITS: Readonly<Record<string, readonly [string, string]>> = {
  string: [' character', ' characters'],
  array: [' entry', ' entries'],
};
