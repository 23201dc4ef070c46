/**
 * Turns command specs into a commander tree. The one importer of commander, which prints and exits nothing
 * by itself here: what it has to say about argv comes back as errors of this program.
 */
import { Command, type CommanderError, Option } from 'commander';
import { type DisktroError, usageError } from '../errors.js';
import type { CommandSpec, OptionSpec } from './command-spec.js';
import { GLOBAL_OPTIONS } from './global-options.js';
import { commandHelp, programHelp } from './help-text.js';
import { nearestName } from './nearest.js';
import { writeRemark, writeResult } from './output.js';

/** What argv asks for. */
export interface Request {
  readonly operands: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Options that were given, without defaults, at each level of the command line, outermost first. */
  readonly given: readonly Readonly<Record<string, unknown>>[];
}

export type Dispatch = (spec: CommandSpec, request: Request) => Promise<void>;

/** Thrown when help or the version was printed: nothing is left to do. `isAskedFor` is false for help in place of an error. */
export class HelpShown extends Error {
  readonly isAskedFor: boolean;

  constructor(isAskedFor: boolean) {
    super('help was shown');
    this.isAskedFor = isAskedFor;
  }
}

/** The whole tree; `parseAsync` runs what argv asks for, or throws {@link HelpShown} or `E_USAGE`. */
export function createProgram(specs: readonly CommandSpec[], version: string, dispatch: Dispatch): Command {
  const program = prepared(new Command('disktro'));
  program
    .description('Keeps your files on your own machines: cut, compressed, encrypted, deduplicated.')
    .usage('[options] <command>')
    .version(version, '-V, --version', 'print the version')
    .enablePositionalOptions();
  addOptions(program, GLOBAL_OPTIONS, false);
  for (const spec of specs) program.addCommand(createCommand(spec, dispatch));
  program.addCommand(createHelpCommand(program));
  return program.addHelpText('after', programHelp(specs));
}

function createCommand(spec: CommandSpec, dispatch: Dispatch): Command {
  const command = prepared(new Command(spec.name));
  command
    .summary(spec.summary)
    .description([sentence(spec.summary), spec.details].filter(Boolean).join('\n\n'));
  if (spec.operands !== undefined) command.arguments(spec.operands);
  addOptions(command, spec.options ?? [], false);
  addOptions(command, GLOBAL_OPTIONS, true);
  if (spec.load !== undefined) command.action(() => dispatch(spec, requestOf(command)));
  if (spec.subcommands !== undefined) {
    command
      .usage(`[options] ${spec.load === undefined ? '<command>' : '[command]'}`)
      .enablePositionalOptions();
  }
  for (const inner of spec.subcommands ?? []) command.addCommand(createCommand(inner, dispatch));
  return command.addHelpText('after', commandHelp(spec));
}

function requestOf(command: Command): Request {
  const given: Record<string, unknown>[] = [];
  for (let level: Command | null = command; level !== null; level = level.parent)
    given.unshift(givenOptions(level));
  return { operands: command.args, options: command.opts(), given };
}

/** The default that `--no-progress` sets must not hide one that was given at another level. */
function givenOptions(command: Command): Record<string, unknown> {
  const all = Object.entries(command.opts());
  return Object.fromEntries(all.filter(([key]) => command.getOptionValueSource(key) === 'cli'));
}

/** `disktro help`, `disktro help chunk`, `disktro help key add`. */
function createHelpCommand(program: Command): Command {
  const help = prepared(new Command('help'));
  addOptions(help, GLOBAL_OPTIONS, true);
  return help
    .summary('explain a command')
    .arguments('[command...]')
    .action((names: string[]) => {
      let found = program;
      for (const name of names) {
        const inner = found.commands.find((command) => command.name() === name);
        if (inner === undefined) throw unknownCommand(name, found);
        found = inner;
      }
      found.help();
    });
}

/** Commander's own printing, exiting and guessing are turned off. */
function prepared(command: Command): Command {
  return command
    .configureOutput({ writeOut: writeResult, writeErr: writeRemark, outputError: () => {} })
    .showSuggestionAfterError(false)
    .configureHelp({ subcommandTerm: termOf })
    .helpCommand(false)
    .helpOption('-h, --help', 'show this help')
    .exitOverride((error) => {
      throw ownError(error, command);
    });
}

/** `reassemble <id>`: that every command has options need not be said of each. */
function termOf(command: Command): string {
  const operands = command.registeredArguments.map((operand) => {
    const text = `${operand.name()}${operand.variadic ? '...' : ''}`;
    return operand.required ? `<${text}>` : `[${text}]`;
  });
  return [command.name(), ...operands].join(' ');
}

function addOptions(command: Command, specs: readonly OptionSpec[], isHidden: boolean): void {
  for (const spec of specs) {
    const option = new Option(
      spec.flags,
      spec.choices ? `${spec.help}: ${spec.choices.join(', ')}` : spec.help,
    );
    const parse = parserOf(spec, option.long ?? spec.flags);
    if (parse !== undefined) option.argParser(parse);
    command.addOption(option.hideHelp(isHidden));
  }
}

function parserOf(
  spec: OptionSpec,
  flag: string,
): ((text: string, previous: unknown) => unknown) | undefined {
  const { choices } = spec;
  if (spec.isCounted) return (_text, previous) => (typeof previous === 'number' ? previous : 0) + 1;
  const parse = choices === undefined ? spec.parse : (text: string) => oneOf(choices, text, flag);
  if (!spec.isRepeatable) return parse && ((text) => parse(text, flag));
  return (text, previous) => [...(Array.isArray(previous) ? previous : []), parse?.(text, flag) ?? text];
}

function oneOf(choices: readonly string[], text: string, flag: string): string {
  if (choices.includes(text)) return text;
  throw usageError(`${flag}: expected one of ${choices.join(', ')}, got ${JSON.stringify(text)}`);
}

function ownError(error: CommanderError, command: Command): Error {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version')
    return new HelpShown(true);
  if (error.code === 'commander.help') return new HelpShown(error.exitCode === 0);
  const name = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  if (error.code === 'commander.unknownCommand') return unknownCommand(name, command);
  if (error.code === 'commander.unknownOption') return unknownOption(name, command);
  const message = error.message
    .replace(/^error: /, '')
    .replace('. Expected', ', expected')
    .replace(/\.$/, '');
  return usageError(message, seeHelp(command));
}

function unknownCommand(name: string, parent: Command): DisktroError {
  const names = parent.commands.map((command) => command.name());
  const nearest = nearestName(name, names);
  const known = parent.parent === null ? seeHelp(parent) : `expected one of ${names.join(', ')}`;
  return usageError(`unknown command ${name}`, nearest === undefined ? known : `did you mean ${nearest}?`);
}

function unknownOption(name: string, command: Command): DisktroError {
  const known = command.options.map((option) => option.long ?? option.short ?? '');
  const nearest = nearestName(name, name.startsWith('--') ? [...known, '--help'] : []);
  if (nearest !== undefined) return usageError(`unknown option ${name}`, `did you mean ${nearest}?`);
  const isNameLikely = command.registeredArguments.length > 0 && !name.startsWith('--');
  const dash = `a name that begins with a dash goes after --, or is written ./${name}`;
  return usageError(`unknown option ${name}`, isNameLikely ? dash : seeHelp(command));
}

/** `disktro help key add` for the command `add` below `key`. */
function seeHelp(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return `run \`${['disktro', 'help', ...names].join(' ')}\` to see how it is used`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
