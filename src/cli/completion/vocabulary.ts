/** What can stand where on the command line, told from the command specs. Knows no shell. */
import type { CommandSpec, OptionSpec } from '../command-spec.js';
import { GLOBAL_OPTIONS } from '../global-options.js';

export interface CompletedOption {
  /** `-o` and `--output`. */
  readonly names: readonly string[];
  readonly help: string;
  /** What its value can be; undefined when it takes none. */
  readonly value: Values | undefined;
}

/** Files, some words, or something nobody can guess. */
export type Values = 'files' | 'unknown' | readonly string[];

export interface CompletedCommand {
  /** `chunk`, `key add`; the program itself is the empty text. */
  readonly path: string;
  readonly help: string;
  readonly options: readonly CompletedOption[];
  /** Subcommands, or what operands can be. */
  readonly operands: Values;
}

/** Every command, the program first. `help` takes the names of the others. */
export function vocabulary(specs: readonly CommandSpec[]): readonly CompletedCommand[] {
  const names = specs.map((spec) => spec.name);
  const help: CommandSpec = {
    name: 'help',
    summary: 'explain a command',
    operandChoices: names,
    examples: [],
    exits: [],
  };
  const all = [...specs, help];
  const program = {
    path: '',
    help: '',
    options: optionsOf(undefined),
    operands: all.map((spec) => spec.name),
  };
  return [program, ...all.flatMap((spec) => commandsOf(spec, ''))];
}

function commandsOf(spec: CommandSpec, prefix: string): CompletedCommand[] {
  const path = prefix === '' ? spec.name : `${prefix} ${spec.name}`;
  const inner = spec.subcommands ?? [];
  const words = inner.length > 0 ? inner.map((command) => command.name) : spec.operandChoices;
  const operands: Values = words ?? (spec.takesPaths ? 'files' : 'unknown');
  const own: CompletedCommand = { path, help: spec.summary, options: optionsOf(spec), operands };
  return [own, ...inner.flatMap((command) => commandsOf(command, path))];
}

function optionsOf(spec: CommandSpec | undefined): CompletedOption[] {
  const shared: OptionSpec[] = [...GLOBAL_OPTIONS, { flags: '-h, --help', help: 'show help' }];
  if (spec === undefined) shared.push({ flags: '-V, --version', help: 'print the version' });
  return [...(spec?.options ?? []), ...shared].map(completedOption);
}

function completedOption({ flags, help, choices, isPath }: OptionSpec): CompletedOption {
  const names = flags.split(/[ ,]+/).filter((word) => word.startsWith('-'));
  const value = flags.includes('<') ? (choices ?? (isPath ? 'files' : 'unknown')) : undefined;
  return { names, help, value };
}
